# Benchmarks of the template. The Makefile includes this file.

.PHONY: bench bench-quick bench-gate bench-baseline bench-profile bench-lint

BENCH_HARNESS = --manifest-path tests/bench/Cargo.toml --target-dir target/bench/harness
BENCH_RUN = cargo run --quiet --release --locked $(BENCH_HARNESS) --
# The gate counts what another program does, so its own speed does not matter: without `--release`,
# it compiles in less time.
BENCH_GATE = cargo run --quiet --locked $(BENCH_HARNESS) -- gate

##@ Prove it

bench: rust ## Compare speed, memory and cost with Python and Node [BENCH=]
	@tests/bench/setup
	@$(BENCH_RUN) run $(BENCH)

bench-quick: rust ## Compare them with Python only [BENCH=]
	@tests/bench/setup ours hello python
	@$(BENCH_RUN) run --without default,node $(BENCH)

bench-gate: rust ## Compare cold start and archive size with the baseline
	@tests/bench/setup ours
	@cargo test --quiet --locked $(BENCH_HARNESS)
	@$(BENCH_GATE)

bench-baseline: rust ## Write the baseline again
	@tests/bench/setup ours
	@$(BENCH_GATE) --update

bench-profile: rust ## Show what a cold start spends its instructions on
	@CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --locked --package pinwheel
	@$(BENCH_RUN) profile

lint: bench-lint

bench-lint: rust
	@cargo fmt --manifest-path tests/bench/Cargo.toml --check
	@cargo clippy $(BENCH_HARNESS) --all-targets -- --deny warnings
