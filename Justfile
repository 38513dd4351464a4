# Every recipe is a plain command: without `just` (`cargo install just`, or `pip install rust-just`), copy the line.

# what there is
default:
    @just --list

# the judge alone: seconds
judge:
    cargo nextest run -p davy-judge --locked

# every test, installing what they need; arguments go to the runner
test *ARGS:
    bash scripts/test {{ if ARGS == "" { "--no-fail-fast" } else { ARGS } }}

# what a merge must pass: format, lints, every test
ci:
    bash .ci/run

# format and lints
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --locked -- -D warnings

# rewrites expectations (reports, renderings, schema, manual pages, completions); review the diff as closely as code
golden:
    DAVY_GOLDEN=1 INSTA_UPDATE=always cargo nextest run --workspace --locked --no-fail-fast

# runs the whole lab and records every mode anew into fixtures/recordings
record-fixtures:
    cargo build --workspace --bins --locked
    cargo run -p davy-tests --bin record-fixtures --locked -- fixtures/recordings

# runs real exporters (HAProxy and Prometheus from Debian, the rest from PyPI), gates them, and records them: ten minutes
record-exporters *KINDS:
    cargo build -p davy --locked
    python3 -m venv target/exporters
    target/exporters/bin/pip install --quiet -r tests/exporters/requirements.txt
    target/exporters/bin/python tests/exporters/shapes.py fixtures/wire/exporters
    PATH="$PWD/target/exporters/bin:$PATH" python tests/exporters/record.py target/debug/davy fixtures/wire/exporters {{ KINDS }}

# the lab by hand: a Prometheus and a VictoriaMetrics with all modes, for five minutes
lab:
    cargo run -p davy-tests --bin lab --locked

# Davy beside SciPy (installed from PyPI into target/bench-python) and beside recomputing naively, in one run
ratios: _scipy
    cargo bench -p davy-gate --bench ratios --locked

_scipy:
    python3 -m venv target/bench-python
    target/bench-python/bin/pip install --quiet -r engine/gate/benches/ratios/requirements.txt

# the figures of docs/performance.md
bench *ARGS: _scipy
    cargo bench --workspace --locked {{ ARGS }}

# judges real recorded traces (PATH holds `lab`, `nezha`, `nab`) and writes what was said into docs/real-data.md
real-data PATH:
    cargo run -p davy-tests --bin real-data --locked -- {{ PATH }} --write docs/real-data.md

# how often Davy and its peers are wrong, and how soon they are right: the page, the CSV and the charts; goes on where it was ended
characteristics *ARGS:
    cargo run -p davy-characteristics --locked -- {{ ARGS }}

# every combination, not only the published cells: a night
characteristics-full *ARGS:
    cargo run -p davy-characteristics --locked -- --full {{ ARGS }}

# crates of which the tree has two versions
deps:
    cargo tree --workspace --locked --duplicates --edges normal --depth 0

# licences, bans (also two majors of one crate) and sources of all dependencies; needs `cargo install cargo-deny --locked`
deny:
    cargo deny --offline --locked check --deny warnings licenses bans sources

# the same against the advisory database, a git repository that must be reachable
advisories:
    cargo deny --locked check advisories
