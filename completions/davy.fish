# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_davy_global_optspecs
    string join \n v/verbose q/quiet h/help V/version
end

function __fish_davy_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_davy_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_davy_using_subcommand
    set -l cmd (__fish_davy_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c davy -n "__fish_davy_needs_command" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_needs_command" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_needs_command" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_needs_command" -s V -l version -d 'Print version'
complete -c davy -n "__fish_davy_needs_command" -f -a "gate" -d 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold'
complete -c davy -n "__fish_davy_needs_command" -f -a "replay" -d 'Judges recordings again: the same inputs give the same bytes'
complete -c davy -n "__fish_davy_needs_command" -f -a "record" -d 'Writes what a source holds of both arms and the history, to be replayed later'
complete -c davy -n "__fish_davy_needs_command" -f -a "doctor" -d 'Says what a source holds, what the rules will be able to see in it, and what is missing'
complete -c davy -n "__fish_davy_needs_command" -f -a "rules" -d 'Checks, shows and starts rule files'
complete -c davy -n "__fish_davy_needs_command" -f -a "completions" -d 'Prints a completion script for a shell'
complete -c davy -n "__fish_davy_needs_command" -f -a "man" -d 'Writes manual pages, one for each command'
complete -c davy -n "__fish_davy_needs_command" -f -a "explain" -d 'Says in plain sentences why a report says what it says, and what would have changed it'
complete -c davy -n "__fish_davy_needs_command" -f -a "report" -d 'Shows a report again in another form'
complete -c davy -n "__fish_davy_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c davy -n "__fish_davy_using_subcommand gate" -l rules -d 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l baseline -d 'Labels of the baseline, in place of the rules\' `arms.baseline`' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l canary -d 'Labels of the canary, in place of the rules\' `arms.canary`' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l var -d 'A value for {{ NAME }} in the rules' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l start -d 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary\'s first sample' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l weight -d 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l prometheus -d 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l otlp-file -d 'In place of a server: what a collector\'s file exporter wrote (JSON lines, or protobuf), or a directory of such files' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l user -d 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l password-file -d 'File that holds the password, read again for every request' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l token-file -d 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l header -d 'Another header for every request, such as X-Scope-OrgID: tenant' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l ca-file -d 'PEM file of the authorities to trust in place of the system\'s' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l client-cert -d 'PEM file of the client certificate' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l client-key -d 'PEM file of the client certificate\'s key' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l query-timeout -d 'How long one query may take' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l max-body -d 'The largest answer that is read, in bytes' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l end -d 'Judges the past up to this time: RFC 3339 or seconds since the epoch' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l record -d 'Writes a recording of everything that was judged' -r -F
complete -c davy -n "__fish_davy_using_subcommand gate" -l output -d 'What stdout gets' -r -f -a "text\t'One screen for people'
json\t'The report, schema davy.report/v1'
jsonl\t'One JSON object per judged window as it is judged, and the report at the end'
markdown\t'For summaries and comments'
junit\t'JUnit XML, as GitLab and Jenkins read it'
github\t'Text and annotations for GitHub Actions; appends to $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT'"
complete -c davy -n "__fish_davy_using_subcommand gate" -l report -d 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv' -r
complete -c davy -n "__fish_davy_using_subcommand gate" -l compare -d 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing' -r -f -a "kayenta\t'Kayenta, in a single look at the end'"
complete -c davy -n "__fish_davy_using_subcommand gate" -l hold-as -d 'What a hold exits with' -r -f -a "fail\t'Exit 1'
hold\t'Exit 3'
pass\t'Exit 0, where no data are missing'"
complete -c davy -n "__fish_davy_using_subcommand gate" -l on-error -d 'What an unreachable source exits with' -r -f -a "fail\t'Exit 4'
hold\t'Exit 3'
rollback\t'Exit 1'"
complete -c davy -n "__fish_davy_using_subcommand gate" -l once -d 'Judges what is there now and exits, instead of waiting for a verdict'
complete -c davy -n "__fish_davy_using_subcommand gate" -l explain -d 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)'
complete -c davy -n "__fish_davy_using_subcommand gate" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand gate" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand gate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c davy -n "__fish_davy_using_subcommand replay" -l rules -d 'Judges by these rules instead of the recorded ones: a YAML file, or presets/NAME' -r
complete -c davy -n "__fish_davy_using_subcommand replay" -l var -d 'A value for {{ NAME }} in --rules' -r
complete -c davy -n "__fish_davy_using_subcommand replay" -l output -d 'What stdout gets' -r -f -a "text\t'One screen for people'
json\t'The report, schema davy.report/v1'
jsonl\t'One JSON object per judged window as it is judged, and the report at the end'
markdown\t'For summaries and comments'
junit\t'JUnit XML, as GitLab and Jenkins read it'
github\t'Text and annotations for GitHub Actions; appends to $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT'"
complete -c davy -n "__fish_davy_using_subcommand replay" -l report -d 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv' -r
complete -c davy -n "__fish_davy_using_subcommand replay" -l compare -d 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing' -r -f -a "kayenta\t'Kayenta, in a single look at the end'"
complete -c davy -n "__fish_davy_using_subcommand replay" -l as-of -d 'Shows the verdict after each window, as polling would have seen it'
complete -c davy -n "__fish_davy_using_subcommand replay" -l check -d 'Compares with the recorded expectations and exits 5 on a difference'
complete -c davy -n "__fish_davy_using_subcommand replay" -l explain -d 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)'
complete -c davy -n "__fish_davy_using_subcommand replay" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand replay" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c davy -n "__fish_davy_using_subcommand record" -l rules -d 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l baseline -d 'Labels of the baseline, in place of the rules\' `arms.baseline`' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l canary -d 'Labels of the canary, in place of the rules\' `arms.canary`' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l var -d 'A value for {{ NAME }} in the rules' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l start -d 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary\'s first sample' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l weight -d 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l prometheus -d 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l otlp-file -d 'In place of a server: what a collector\'s file exporter wrote (JSON lines, or protobuf), or a directory of such files' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l user -d 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l password-file -d 'File that holds the password, read again for every request' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l token-file -d 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l header -d 'Another header for every request, such as X-Scope-OrgID: tenant' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l ca-file -d 'PEM file of the authorities to trust in place of the system\'s' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l client-cert -d 'PEM file of the client certificate' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l client-key -d 'PEM file of the client certificate\'s key' -r -F
complete -c davy -n "__fish_davy_using_subcommand record" -l query-timeout -d 'How long one query may take' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l max-body -d 'The largest answer that is read, in bytes' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l end -d 'Records up to this time: RFC 3339 or seconds since the epoch. Default: now' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l label -d 'What the recording shows, for people' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l expect -d 'The verdict that `replay --check` shall expect: promote, hold, rollback, or not-rollback and so on' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l expect-metric -d 'The metric that the expected rollback is attributed to' -r
complete -c davy -n "__fish_davy_using_subcommand record" -l replace -d 'Replaces what is at PATH'
complete -c davy -n "__fish_davy_using_subcommand record" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand record" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand record" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand doctor" -l user -d 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l password-file -d 'File that holds the password, read again for every request' -r -F
complete -c davy -n "__fish_davy_using_subcommand doctor" -l token-file -d 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set' -r -F
complete -c davy -n "__fish_davy_using_subcommand doctor" -l header -d 'Another header for every request, such as X-Scope-OrgID: tenant' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l ca-file -d 'PEM file of the authorities to trust in place of the system\'s' -r -F
complete -c davy -n "__fish_davy_using_subcommand doctor" -l client-cert -d 'PEM file of the client certificate' -r -F
complete -c davy -n "__fish_davy_using_subcommand doctor" -l client-key -d 'PEM file of the client certificate\'s key' -r -F
complete -c davy -n "__fish_davy_using_subcommand doctor" -l query-timeout -d 'How long one query may take' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l max-body -d 'The largest answer that is read, in bytes' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l rules -d 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l baseline -d 'Labels of the baseline, in place of the rules\' `arms.baseline`' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l canary -d 'Labels of the canary, in place of the rules\' `arms.canary`; it need not be there yet' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l var -d 'A value for {{ NAME }} in the rules' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l share -d 'The canary\'s share of all traffic. Default: what it sees now, else as much as one instance of the baseline' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l trials -d 'How many futures of a good canary are judged; a third as many for each regression and remedy' -r
complete -c davy -n "__fish_davy_using_subcommand doctor" -l output -r -f -a "text\t'One screen for people'
json\t'For programs, schema davy.doctor/v1'"
complete -c davy -n "__fish_davy_using_subcommand doctor" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand doctor" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -f -a "check" -d 'Says everything that is wrong with rule files; exits 2 if anything is'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -f -a "show" -d 'Prints a rule file with extends, variables and defaults resolved'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -f -a "schema" -d 'Prints the JSON Schema for editors'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -f -a "init" -d 'Writes a rule file with comments, to begin with'
complete -c davy -n "__fish_davy_using_subcommand rules; and not __fish_seen_subcommand_from check show schema init help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from check" -l var -d 'A value for {{ NAME }}' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from check" -l output -r -f -a "text\t'For people, with line and caret'
json\t'An array of diagnostics'"
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from show" -l var -d 'A value for {{ NAME }}' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from schema" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from schema" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l preset -d 'The preset to extend' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l from-prometheus -d 'Writes the rules that `davy gate` would choose by itself for this server, in place of a preset\'s' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l baseline -d 'Labels of the baseline' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l canary -d 'Labels of the canary' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l user -d 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l password-file -d 'File that holds the password, read again for every request' -r -F
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l token-file -d 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set' -r -F
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l header -d 'Another header for every request, such as X-Scope-OrgID: tenant' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l ca-file -d 'PEM file of the authorities to trust in place of the system\'s' -r -F
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l client-cert -d 'PEM file of the client certificate' -r -F
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l client-key -d 'PEM file of the client certificate\'s key' -r -F
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l query-timeout -d 'How long one query may take' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -l max-body -d 'The largest answer that is read, in bytes' -r
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "check" -d 'Says everything that is wrong with rule files; exits 2 if anything is'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "show" -d 'Prints a rule file with extends, variables and defaults resolved'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Prints the JSON Schema for editors'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "init" -d 'Writes a rule file with comments, to begin with'
complete -c davy -n "__fish_davy_using_subcommand rules; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c davy -n "__fish_davy_using_subcommand completions" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand completions" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand completions" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand man" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand man" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand man" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand explain" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand explain" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand explain" -s h -l help -d 'Print help'
complete -c davy -n "__fish_davy_using_subcommand report" -l to -d 'In which form: text, json, jsonl, markdown, junit, html, metrics or dotenv' -r
complete -c davy -n "__fish_davy_using_subcommand report" -l compare -d 'Also shows in text and Markdown whose judgement the same windows would have had' -r -f -a "kayenta\t'Kayenta, in a single look at the end'"
complete -c davy -n "__fish_davy_using_subcommand report" -s v -l verbose -d 'Says more on stderr; twice: everything'
complete -c davy -n "__fish_davy_using_subcommand report" -s q -l quiet -d 'Shows no live view and no progress on stderr; warnings and errors are still said'
complete -c davy -n "__fish_davy_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "gate" -d 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "replay" -d 'Judges recordings again: the same inputs give the same bytes'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "record" -d 'Writes what a source holds of both arms and the history, to be replayed later'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "doctor" -d 'Says what a source holds, what the rules will be able to see in it, and what is missing'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "rules" -d 'Checks, shows and starts rule files'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "completions" -d 'Prints a completion script for a shell'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "man" -d 'Writes manual pages, one for each command'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "explain" -d 'Says in plain sentences why a report says what it says, and what would have changed it'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "report" -d 'Shows a report again in another form'
complete -c davy -n "__fish_davy_using_subcommand help; and not __fish_seen_subcommand_from gate replay record doctor rules completions man explain report help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c davy -n "__fish_davy_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "check" -d 'Says everything that is wrong with rule files; exits 2 if anything is'
complete -c davy -n "__fish_davy_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "show" -d 'Prints a rule file with extends, variables and defaults resolved'
complete -c davy -n "__fish_davy_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "schema" -d 'Prints the JSON Schema for editors'
complete -c davy -n "__fish_davy_using_subcommand help; and __fish_seen_subcommand_from rules" -f -a "init" -d 'Writes a rule file with comments, to begin with'
