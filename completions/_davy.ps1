
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'davy' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'davy'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'davy' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('gate', 'gate', [CompletionResultType]::ParameterValue, 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Judges recordings again: the same inputs give the same bytes')
            [CompletionResult]::new('record', 'record', [CompletionResultType]::ParameterValue, 'Writes what a source holds of both arms and the history, to be replayed later')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Says what a source holds, what the rules will be able to see in it, and what is missing')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'Checks, shows and starts rule files')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Writes manual pages, one for each command')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Says in plain sentences why a report says what it says, and what would have changed it')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Shows a report again in another form')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'davy;gate' {
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Labels of the baseline, in place of the rules'' `arms.baseline`')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'Labels of the canary, in place of the rules'' `arms.canary`')
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }} in the rules')
            [CompletionResult]::new('--start', '--start', [CompletionResultType]::ParameterName, 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary''s first sample')
            [CompletionResult]::new('--weight', '--weight', [CompletionResultType]::ParameterName, 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step')
            [CompletionResult]::new('--prometheus', '--prometheus', [CompletionResultType]::ParameterName, 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)')
            [CompletionResult]::new('--otlp-file', '--otlp-file', [CompletionResultType]::ParameterName, 'In place of a server: what a collector''s file exporter wrote (JSON lines, or protobuf), or a directory of such files')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File that holds the password, read again for every request')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Another header for every request, such as X-Scope-OrgID: tenant')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the authorities to trust in place of the system''s')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file of the client certificate')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file of the client certificate''s key')
            [CompletionResult]::new('--query-timeout', '--query-timeout', [CompletionResultType]::ParameterName, 'How long one query may take')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'The largest answer that is read, in bytes')
            [CompletionResult]::new('--end', '--end', [CompletionResultType]::ParameterName, 'Judges the past up to this time: RFC 3339 or seconds since the epoch')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Writes a recording of everything that was judged')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'What stdout gets')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv')
            [CompletionResult]::new('--compare', '--compare', [CompletionResultType]::ParameterName, 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing')
            [CompletionResult]::new('--hold-as', '--hold-as', [CompletionResultType]::ParameterName, 'What a hold exits with')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What an unreachable source exits with')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Judges what is there now and exits, instead of waiting for a verdict')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'davy;replay' {
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'Judges by these rules instead of the recorded ones: a YAML file, or presets/NAME')
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }} in --rules')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'What stdout gets')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Also writes a report, whole or not at all: text, json, jsonl, markdown, junit, html, metrics (OpenMetrics) or dotenv')
            [CompletionResult]::new('--compare', '--compare', [CompletionResultType]::ParameterName, 'Also shows in text and Markdown whose judgement the same windows would have had; it changes nothing')
            [CompletionResult]::new('--as-of', '--as-of', [CompletionResultType]::ParameterName, 'Shows the verdict after each window, as polling would have seen it')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Compares with the recorded expectations and exits 5 on a difference')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Says why in plain sentences, and what would have changed the answer (on stderr where stdout is not text)')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'davy;record' {
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds for both arms')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Labels of the baseline, in place of the rules'' `arms.baseline`')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'Labels of the canary, in place of the rules'' `arms.canary`')
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }} in the rules')
            [CompletionResult]::new('--start', '--start', [CompletionResultType]::ParameterName, 'When the analysis began: RFC 3339 or seconds since the epoch. Default: the canary''s first sample')
            [CompletionResult]::new('--weight', '--weight', [CompletionResultType]::ParameterName, 'When traffic was shifted and to which weight: TIME=WEIGHT; begins a new traffic step')
            [CompletionResult]::new('--prometheus', '--prometheus', [CompletionResultType]::ParameterName, 'Base URL of a Prometheus-compatible server (may hold user:password@, which is never printed)')
            [CompletionResult]::new('--otlp-file', '--otlp-file', [CompletionResultType]::ParameterName, 'In place of a server: what a collector''s file exporter wrote (JSON lines, or protobuf), or a directory of such files')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File that holds the password, read again for every request')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Another header for every request, such as X-Scope-OrgID: tenant')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the authorities to trust in place of the system''s')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file of the client certificate')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file of the client certificate''s key')
            [CompletionResult]::new('--query-timeout', '--query-timeout', [CompletionResultType]::ParameterName, 'How long one query may take')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'The largest answer that is read, in bytes')
            [CompletionResult]::new('--end', '--end', [CompletionResultType]::ParameterName, 'Records up to this time: RFC 3339 or seconds since the epoch. Default: now')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'What the recording shows, for people')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'The verdict that `replay --check` shall expect: promote, hold, rollback, or not-rollback and so on')
            [CompletionResult]::new('--expect-metric', '--expect-metric', [CompletionResultType]::ParameterName, 'The metric that the expected rollback is attributed to')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Replaces what is at PATH')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;doctor' {
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File that holds the password, read again for every request')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Another header for every request, such as X-Scope-OrgID: tenant')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the authorities to trust in place of the system''s')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file of the client certificate')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file of the client certificate''s key')
            [CompletionResult]::new('--query-timeout', '--query-timeout', [CompletionResultType]::ParameterName, 'How long one query may take')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'The largest answer that is read, in bytes')
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'Rules: a YAML file, or presets/NAME. Default: the preset whose metrics the source holds')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Labels of the baseline, in place of the rules'' `arms.baseline`')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'Labels of the canary, in place of the rules'' `arms.canary`; it need not be there yet')
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }} in the rules')
            [CompletionResult]::new('--share', '--share', [CompletionResultType]::ParameterName, 'The canary''s share of all traffic. Default: what it sees now, else as much as one instance of the baseline')
            [CompletionResult]::new('--trials', '--trials', [CompletionResultType]::ParameterName, 'How many futures of a good canary are judged; a third as many for each regression and remedy')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'output')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'davy;rules' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Says everything that is wrong with rule files; exits 2 if anything is')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Prints a rule file with extends, variables and defaults resolved')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema for editors')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes a rule file with comments, to begin with')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'davy;rules;check' {
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }}')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'output')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'davy;rules;show' {
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'A value for {{ NAME }}')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;rules;schema' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;rules;init' {
            [CompletionResult]::new('--preset', '--preset', [CompletionResultType]::ParameterName, 'The preset to extend')
            [CompletionResult]::new('--from-prometheus', '--from-prometheus', [CompletionResultType]::ParameterName, 'Writes the rules that `davy gate` would choose by itself for this server, in place of a preset''s')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Labels of the baseline')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'Labels of the canary')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Basic authentication: the user; the password comes from --password-file or DAVY_PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File that holds the password, read again for every request')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds a bearer token, read again for every request; else DAVY_TOKEN, where it is set')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Another header for every request, such as X-Scope-OrgID: tenant')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the authorities to trust in place of the system''s')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file of the client certificate')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file of the client certificate''s key')
            [CompletionResult]::new('--query-timeout', '--query-timeout', [CompletionResultType]::ParameterName, 'How long one query may take')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'The largest answer that is read, in bytes')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;rules;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Says everything that is wrong with rule files; exits 2 if anything is')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Prints a rule file with extends, variables and defaults resolved')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema for editors')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes a rule file with comments, to begin with')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'davy;rules;help;check' {
            break
        }
        'davy;rules;help;show' {
            break
        }
        'davy;rules;help;schema' {
            break
        }
        'davy;rules;help;init' {
            break
        }
        'davy;rules;help;help' {
            break
        }
        'davy;completions' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;man' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;explain' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'davy;report' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'In which form: text, json, jsonl, markdown, junit, html, metrics or dotenv')
            [CompletionResult]::new('--compare', '--compare', [CompletionResultType]::ParameterName, 'Also shows in text and Markdown whose judgement the same windows would have had')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Says more on stderr; twice: everything')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Shows no live view and no progress on stderr; warnings and errors are still said')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'davy;help' {
            [CompletionResult]::new('gate', 'gate', [CompletionResultType]::ParameterValue, 'Judges a canary against its baseline and exits 0 promote, 1 rollback, 3 hold')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Judges recordings again: the same inputs give the same bytes')
            [CompletionResult]::new('record', 'record', [CompletionResultType]::ParameterValue, 'Writes what a source holds of both arms and the history, to be replayed later')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Says what a source holds, what the rules will be able to see in it, and what is missing')
            [CompletionResult]::new('rules', 'rules', [CompletionResultType]::ParameterValue, 'Checks, shows and starts rule files')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Writes manual pages, one for each command')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Says in plain sentences why a report says what it says, and what would have changed it')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Shows a report again in another form')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'davy;help;gate' {
            break
        }
        'davy;help;replay' {
            break
        }
        'davy;help;record' {
            break
        }
        'davy;help;doctor' {
            break
        }
        'davy;help;rules' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Says everything that is wrong with rule files; exits 2 if anything is')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Prints a rule file with extends, variables and defaults resolved')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema for editors')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes a rule file with comments, to begin with')
            break
        }
        'davy;help;rules;check' {
            break
        }
        'davy;help;rules;show' {
            break
        }
        'davy;help;rules;schema' {
            break
        }
        'davy;help;rules;init' {
            break
        }
        'davy;help;completions' {
            break
        }
        'davy;help;man' {
            break
        }
        'davy;help;explain' {
            break
        }
        'davy;help;report' {
            break
        }
        'davy;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
