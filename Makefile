.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile
