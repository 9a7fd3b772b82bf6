"""SDK: build, estimate, submit, watch, fetch, verify."""
