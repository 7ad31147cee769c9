# A test that the template can be copied. The Makefile includes this file.

.PHONY: copy

##@ Prove it

copy: rust ## Start a project from the last commit, and run its tests
	@tests/copy/run
