"""Test suites of others, run on every implementation of the machine."""
