# What the pages say can be done. The Makefile includes this file.

.PHONY: pages

pages: rust ## runs the commands of the pages as they are written, in the emulator
	@tests/tools/install aws
	@tests/pages/run
