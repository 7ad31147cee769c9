# The commands of this repository. Everything that is not Rust is installed into .tools/, in pinned versions.

.PHONY: help demo dev test reliability exhaustive lint fuzz timing mutants tools clean rust

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 16

demo: rust ## see it work: deploys the template into an AWS emulator on this machine and sends it samples
	@tests/tools/install ministack sam
	@cargo build --workspace
	@cargo run --quiet --bin demo

dev: rust ## the same stack, kept running until Ctrl-C, with an inspector of deliveries (PORT=4880); CLEAN=1 forgets earlier runs
	@tests/tools/install ministack sam cargo-lambda
	@cargo build --workspace
	@PORT='$(PORT)' CLEAN='$(CLEAN)' cargo run --quiet --bin dev

test: rust ## every test: unit, property, contract, and end to end against the emulator
	@tests/tools/install ministack sam
	@cargo test --workspace --no-fail-fast

reliability: rust ## faults, and LOAD_EVENTS (20000) events under kills, with the bootstraps that are deployed
	@tests/tools/install ministack
	@WEBHOOK_PROFILE=release LOAD_EVENTS=$${LOAD_EVENTS:-20000} cargo test --workspace --test faults --test load -- --nocapture

exhaustive: rust ## every schedule of a small scope with up to FAULTS (3) faults, in virtual time (a quarter of an hour)
	@SIMULATION_FAULTS=$${FAULTS:-3} cargo test --package webhook-ingest --test simulation small_scope -- --nocapture

lint: rust ## formatting, clippy, docs, the template, licences
	@tests/tools/install sam cfn-lint
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- --deny warnings
	@RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --quiet
	@.tools/cfn-lint/bin/cfn-lint --append-rules infra/rules -- infra/*.yaml
	@.tools/cfn-lint/bin/python -B infra/rules/test_rules.py
	@.tools/cfn-lint/bin/python -B infra/rules/test_parameters.py
	@.tools/cfn-lint/bin/python -B infra/rules/test_entries.py
	@python3 -B -m unittest discover --start-directory infra
	@cd infra && SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 ../.tools/sam/bin/sam validate --lint
	@test -x .tools/cargo-deny/bin/cargo-deny || { echo 'cargo-deny: compiling …'; cargo install --locked --quiet --root .tools/cargo-deny cargo-deny@0.20.2; }
	@cargo fetch --locked --quiet
	@.tools/cargo-deny/bin/cargo-deny --offline --log-level error check licenses bans sources
	@test -x .tools/cargo-machete/bin/cargo-machete || { echo 'cargo-machete: compiling …'; cargo install --locked --quiet --root .tools/cargo-machete cargo-machete@0.9.2; }
	@.tools/cargo-machete/bin/cargo-machete --with-metadata
	@cargo fmt --manifest-path tests/fuzz/Cargo.toml --check

fuzz: rust ## each fuzz target for FUZZ_SECONDS (600) seconds; needs a nightly compiler
	@tests/fuzz/run

timing: rust ## that a refusal takes as long wherever the signature differs; needs valgrind
	@cargo bench --package webhook-verify --bench timing

mutants: rust ## breaks webhook-verify and webhook-ingest in a thousand ways, each of which a test must notice (an hour)
	@test -x .tools/cargo-mutants/bin/cargo-mutants || { echo 'cargo-mutants: compiling …'; cargo install --locked --quiet --root .tools/cargo-mutants cargo-mutants@27.1.0; }
	@.tools/cargo-mutants/bin/cargo-mutants mutants --package webhook-verify --package webhook-ingest --output target --no-shuffle

tools: ## the emulator, SAM, cfn-lint and cargo-lambda
	@tests/tools/install

clean: ## everything that was built or installed
	rm -rf target .tools

rust:
	@command -v cargo >/dev/null || { echo 'Rust is needed: install it from https://rustup.rs, then open a new terminal.' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'A C compiler is needed: install one (Debian, Ubuntu: apt-get install build-essential; macOS: xcode-select --install).' >&2; exit 1; }

# What measures and proves the template itself. A project that was started from it has neither.
-include tests/bench/bench.mk tests/copy/copy.mk
