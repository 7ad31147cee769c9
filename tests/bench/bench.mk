# Benchmarks of the template. The Makefile includes this file.

.PHONY: bench bench-quick bench-gate bench-baseline bench-profile bench-lint

BENCH_RUN = cargo run --quiet --release --locked --manifest-path tests/bench/Cargo.toml --target-dir target/bench/harness --

bench: rust ## speed, memory, size and cost, beside cargo-lambda's defaults, Python and Node; compiles for a quarter of an hour
	@tests/bench/setup
	@$(BENCH_RUN) run $(BENCH)

bench-quick: rust ## the same without Node and cargo-lambda's defaults
	@tests/bench/setup ours hello python
	@$(BENCH_RUN) run --without default,node $(BENCH)

bench-gate: rust ## instructions of a cold start and size of the archive, beside tests/bench/baseline.json
	@tests/bench/setup ours
	@cargo test --quiet --release --locked --manifest-path tests/bench/Cargo.toml --target-dir target/bench/harness
	@$(BENCH_RUN) gate

bench-baseline: rust ## writes them there
	@tests/bench/setup ours
	@$(BENCH_RUN) gate --update

bench-profile: rust ## what instructions of a cold start are spent on
	@CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --locked --package pinwheel
	@$(BENCH_RUN) profile

lint: bench-lint

bench-lint: rust
	@cargo fmt --manifest-path tests/bench/Cargo.toml --check
	@cargo clippy --release --manifest-path tests/bench/Cargo.toml --target-dir target/bench/harness --all-targets -- --deny warnings
