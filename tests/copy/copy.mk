# That the template can be copied. The Makefile includes this file.

.PHONY: copy

copy: rust ## that a project which `cargo generate` makes of the last commit is complete and passes its tests
	@test -x .tools/cargo-generate/bin/cargo-generate || { echo 'cargo-generate: compiling …'; CARGO_PROFILE_DEV_DEBUG=false cargo install --debug --locked --quiet --root .tools/cargo-generate cargo-generate@0.23.14; }
	@tests/copy/run
