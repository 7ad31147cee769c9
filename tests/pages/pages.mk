# A test of the commands in the pages. The Makefile includes this file.

.PHONY: pages

##@ Prove it

pages: rust ## Run the commands of the pages, as they are written
	@tests/tools/install aws
	@tests/pages/run
