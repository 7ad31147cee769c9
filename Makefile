# The commands of this repository: `make` lists them. Tools that are not Rust's own are installed
# into .tools/, in pinned versions.

.PHONY: help demo dev test lint deploy reliability exhaustive fuzz timing mutants \
	advisories tools clean rust

# Compiles a tool of cargo's, unless it is installed: $(call cargo_tool,name,version). Without
# optimisation, it compiles faster and is fast enough.
cargo_tool = test -x .tools/$(1)/bin/$(1) || { echo '$(1): compiling …'; \
	CARGO_PROFILE_DEV_DEBUG=false \
	cargo install --locked --quiet --debug --root .tools/$(1) $(1)@$(2); }
UNITTEST = .tools/sam/bin/python -B -W ignore::DeprecationWarning -m unittest discover
CARGO_DENY = $(call cargo_tool,cargo-deny,0.20.2)

# The menu: targets with a text after `##`, under the heading (`##@`) above them. The files that are
# included below add targets to these groups.
help:
	@awk -F ':.*## ' \
	  '/^##@ / { group = substr($$0, 5); if (!(group in menu)) order[++groups] = group } \
	  /^[a-z-]+:.*## / { menu[group] = menu[group] sprintf("  %-15s %s\n", $$1, $$2) } \
	  END { print "make TARGET [VARIABLE=value ...]; defaults are in brackets"; \
	    for (i = 1; i <= groups; i++) printf "\n%s\n%s", order[i], menu[order[i]] }' $(MAKEFILE_LIST)

##@ Use it

demo: rust ## Deploy into an AWS emulator on this machine, and send samples
	@tests/tools/install ministack sam
	@cargo build --workspace
	@cargo run --quiet --bin demo

dev: rust ## Run the stack, with an inspector [PORT=4880 CLEAN=]
	@tests/tools/install ministack sam cargo-lambda
	@cargo build --workspace
	@PORT='$(PORT)' CLEAN='$(CLEAN)' cargo run --quiet --bin dev

##@ Test it

test: rust ## Run every test: unit, property, contract, end to end
	@tests/tools/install ministack sam
	@cargo test --workspace --no-fail-fast
	@$(UNITTEST) --start-directory tests/deploy

lint: rust ## Check formatting, clippy, docs, the template, licences
	@tests/tools/install sam cfn-lint
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- --deny warnings
	@RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --quiet
	@.tools/cfn-lint/bin/cfn-lint --append-rules infra/rules -- infra/*.yaml
	@.tools/cfn-lint/bin/python -B infra/rules/test_rules.py
	@.tools/cfn-lint/bin/python -B infra/rules/test_parameters.py
	@.tools/cfn-lint/bin/python -B infra/rules/test_entries.py
	@.tools/cfn-lint/bin/python -B infra/rules/test_deployer.py
	@$(UNITTEST) --start-directory infra
	@cd infra && SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 ../.tools/sam/bin/sam validate --lint
	@$(CARGO_DENY)
	@cargo fetch --locked --quiet
	@.tools/cargo-deny/bin/cargo-deny --offline --log-level error check licenses bans sources
	@$(call cargo_tool,cargo-machete,0.9.2)
	@.tools/cargo-machete/bin/cargo-machete --with-metadata
	@cargo fmt --manifest-path tests/fuzz/Cargo.toml --check

##@ Deploy it

deploy: rust ## Build and deploy a stack, dev or prod [STAGE=dev OVERRIDES=]
	@tests/tools/install sam cargo-lambda
	@.tools/sam/bin/python -B infra/deploy.py "$${STAGE:-dev}" $$OVERRIDES

##@ Prove it

reliability: rust ## Test the release build by faults and load [LOAD_EVENTS=20000]
	@tests/tools/install ministack
	@WEBHOOK_PROFILE=release LOAD_EVENTS=$${LOAD_EVENTS:-20000} \
		cargo test --workspace --test faults --test load -- --nocapture

exhaustive: rust ## Try every schedule of a small scope (under an hour) [FAULTS=3]
	@SIMULATION_FAULTS=$${FAULTS:-3} \
		cargo test --package webhook-ingest --test simulation small_scope -- --nocapture

fuzz: rust ## Fuzz each target; needs nightly Rust [FUZZ_SECONDS=600]
	@tests/fuzz/run

timing: rust ## Check that a refusal's timing reveals nothing; needs valgrind
	@cargo bench --package webhook-verify --bench timing

mutants: rust ## Break the code in a thousand ways: a test must fail (hours)
	@$(call cargo_tool,cargo-mutants,27.1.0)
	@.tools/cargo-mutants/bin/cargo-mutants mutants --package webhook-verify --package webhook-ingest \
		--output target --no-shuffle

##@ Look after it

advisories: rust ## Look up reported weaknesses of dependencies, online
	@$(CARGO_DENY)
	@.tools/cargo-deny/bin/cargo-deny --log-level error check advisories

tools: ## Install the emulator, SAM, cfn-lint and cargo-lambda
	@tests/tools/install

clean: ## Delete everything that was built or installed
	rm -rf target .tools

rust:
	@command -v cargo >/dev/null || { \
		echo 'Rust is needed: install it from https://rustup.rs, then open a new terminal.' >&2; exit 1; }
	@command -v cc >/dev/null || { \
		echo 'A C compiler is needed: install one (Debian, Ubuntu: apt-get install build-essential;' \
			'macOS: xcode-select --install).' >&2; exit 1; }

# These measure and prove the template itself. A project that was started from it has none of it.
-include tests/bench/bench.mk tests/copy/copy.mk tests/pages/pages.mk
