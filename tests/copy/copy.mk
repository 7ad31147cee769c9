# That the template can be copied. The Makefile includes this file.

.PHONY: copy

copy: rust ## that a project which `cargo generate` makes of the last commit is complete and passes its tests
	@tests/copy/run
