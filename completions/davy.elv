
use builtin;
use str;

set edit:completion:arg-completer[davy] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'davy'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'davy'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand gate 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold'
            cand replay 'Judges recordings again: the same inputs give the same bytes'
            cand record 'Writes what a source holds of both arms and the history, to be replayed later'
            cand doctor 'Says what a source holds, what the rules will be able to see in it, and what is missing'
            cand rules 'Checks, shows and starts rule files'
            cand completions 'Prints a completion script for a shell'
            cand man 'Writes manual pages, one for each command'
            cand explain 'Says in plain sentences why a report says what it says, and what would have changed it'
            cand report 'Shows a report again in another form'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'davy;gate'= {
            cand --rules 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms'
            cand --baseline 'Labels of the baseline, in place of the rules'' `arms.baseline`'
            cand --canary 'Labels of the canary, in place of the rules'' `arms.canary`'
            cand --var 'A value for {{ NAME }} in the rules'
            cand --start 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary''s first sample'
            cand --weight 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step'
            cand --prometheus 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)'
            cand --otlp-file 'In place of a server: what a collector''s file exporter wrote (JSON lines, or protobuf), or a directory of such files'
            cand --user 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD'
            cand --password-file 'File that holds the password, read again for every request'
            cand --token-file 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set'
            cand --header 'Another header for every request, such as X-Scope-OrgID: tenant'
            cand --ca-file 'PEM file of the authorities to trust in place of the system''s'
            cand --client-cert 'PEM file of the client certificate'
            cand --client-key 'PEM file of the client certificate''s key'
            cand --query-timeout 'How long one query may take'
            cand --max-body 'The largest answer that is read, in bytes'
            cand --end 'Judges the past up to this time: RFC 3339 or seconds since the epoch'
            cand --record 'Writes a recording of everything that was judged'
            cand --output 'What stdout gets'
            cand --report 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv'
            cand --compare 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing'
            cand --hold-as 'What a hold exits with'
            cand --on-error 'What an unreachable source exits with'
            cand --once 'Judges what is there now and exits, instead of waiting for a verdict'
            cand --explain 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'davy;replay'= {
            cand --rules 'Judges by these rules instead of the recorded ones: a YAML file, or presets/NAME'
            cand --var 'A value for {{ NAME }} in --rules'
            cand --output 'What stdout gets'
            cand --report 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv'
            cand --compare 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing'
            cand --as-of 'Shows the verdict after each window, as polling would have seen it'
            cand --check 'Compares with the recorded expectations and exits 5 on a difference'
            cand --explain 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'davy;record'= {
            cand --rules 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms'
            cand --baseline 'Labels of the baseline, in place of the rules'' `arms.baseline`'
            cand --canary 'Labels of the canary, in place of the rules'' `arms.canary`'
            cand --var 'A value for {{ NAME }} in the rules'
            cand --start 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary''s first sample'
            cand --weight 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step'
            cand --prometheus 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)'
            cand --otlp-file 'In place of a server: what a collector''s file exporter wrote (JSON lines, or protobuf), or a directory of such files'
            cand --user 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD'
            cand --password-file 'File that holds the password, read again for every request'
            cand --token-file 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set'
            cand --header 'Another header for every request, such as X-Scope-OrgID: tenant'
            cand --ca-file 'PEM file of the authorities to trust in place of the system''s'
            cand --client-cert 'PEM file of the client certificate'
            cand --client-key 'PEM file of the client certificate''s key'
            cand --query-timeout 'How long one query may take'
            cand --max-body 'The largest answer that is read, in bytes'
            cand --end 'Records up to this time: RFC 3339 or seconds since the epoch. Default: now'
            cand --label 'What the recording shows, for people'
            cand --expect 'The verdict that `replay --check` shall expect: promote, hold, rollback, or not-rollback and so on'
            cand --expect-metric 'The metric that the expected rollback is attributed to'
            cand --replace 'Replaces what is at PATH'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;doctor'= {
            cand --user 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD'
            cand --password-file 'File that holds the password, read again for every request'
            cand --token-file 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set'
            cand --header 'Another header for every request, such as X-Scope-OrgID: tenant'
            cand --ca-file 'PEM file of the authorities to trust in place of the system''s'
            cand --client-cert 'PEM file of the client certificate'
            cand --client-key 'PEM file of the client certificate''s key'
            cand --query-timeout 'How long one query may take'
            cand --max-body 'The largest answer that is read, in bytes'
            cand --rules 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds'
            cand --baseline 'Labels of the baseline, in place of the rules'' `arms.baseline`'
            cand --canary 'Labels of the canary, in place of the rules'' `arms.canary`; it need not be there yet'
            cand --var 'A value for {{ NAME }} in the rules'
            cand --share 'The canary''s share of all traffic. Default: what it sees now, else as much as one instance of the baseline'
            cand --trials 'How many futures of a good canary are judged; a third as many for each regression and remedy'
            cand --output 'output'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'davy;rules'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
            cand check 'Says everything that is wrong with rule files; exits 2 if anything is'
            cand show 'Prints a rule file with extends, variables and defaults resolved'
            cand schema 'Prints the JSON Schema for editors'
            cand init 'Writes a rule file with comments, to begin with'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'davy;rules;check'= {
            cand --var 'A value for {{ NAME }}'
            cand --output 'output'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'davy;rules;show'= {
            cand --var 'A value for {{ NAME }}'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;rules;schema'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;rules;init'= {
            cand --preset 'The preset to extend'
            cand --from-prometheus 'Writes the rules that `davy gate` would choose by itself for this server, in place of a preset''s'
            cand --baseline 'Labels of the baseline'
            cand --canary 'Labels of the canary'
            cand --user 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD'
            cand --password-file 'File that holds the password, read again for every request'
            cand --token-file 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set'
            cand --header 'Another header for every request, such as X-Scope-OrgID: tenant'
            cand --ca-file 'PEM file of the authorities to trust in place of the system''s'
            cand --client-cert 'PEM file of the client certificate'
            cand --client-key 'PEM file of the client certificate''s key'
            cand --query-timeout 'How long one query may take'
            cand --max-body 'The largest answer that is read, in bytes'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;rules;help'= {
            cand check 'Says everything that is wrong with rule files; exits 2 if anything is'
            cand show 'Prints a rule file with extends, variables and defaults resolved'
            cand schema 'Prints the JSON Schema for editors'
            cand init 'Writes a rule file with comments, to begin with'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'davy;rules;help;check'= {
        }
        &'davy;rules;help;show'= {
        }
        &'davy;rules;help;schema'= {
        }
        &'davy;rules;help;init'= {
        }
        &'davy;rules;help;help'= {
        }
        &'davy;completions'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;man'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;explain'= {
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'davy;report'= {
            cand --to 'In which form: text, json, jsonl, markdown, junit, html, metrics or dotenv'
            cand --compare 'Also shows in text and Markdown whose judgement the same windows would have had'
            cand -v 'Says more on stderr; twice: everything'
            cand --verbose 'Says more on stderr; twice: everything'
            cand -q 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand --quiet 'Shows no live view and no progress on stderr; warnings and errors are still said'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'davy;help'= {
            cand gate 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold'
            cand replay 'Judges recordings again: the same inputs give the same bytes'
            cand record 'Writes what a source holds of both arms and the history, to be replayed later'
            cand doctor 'Says what a source holds, what the rules will be able to see in it, and what is missing'
            cand rules 'Checks, shows and starts rule files'
            cand completions 'Prints a completion script for a shell'
            cand man 'Writes manual pages, one for each command'
            cand explain 'Says in plain sentences why a report says what it says, and what would have changed it'
            cand report 'Shows a report again in another form'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'davy;help;gate'= {
        }
        &'davy;help;replay'= {
        }
        &'davy;help;record'= {
        }
        &'davy;help;doctor'= {
        }
        &'davy;help;rules'= {
            cand check 'Says everything that is wrong with rule files; exits 2 if anything is'
            cand show 'Prints a rule file with extends, variables and defaults resolved'
            cand schema 'Prints the JSON Schema for editors'
            cand init 'Writes a rule file with comments, to begin with'
        }
        &'davy;help;rules;check'= {
        }
        &'davy;help;rules;show'= {
        }
        &'davy;help;rules;schema'= {
        }
        &'davy;help;rules;init'= {
        }
        &'davy;help;completions'= {
        }
        &'davy;help;man'= {
        }
        &'davy;help;explain'= {
        }
        &'davy;help;report'= {
        }
        &'davy;help;help'= {
        }
    ]
    $completions[$command]
}
