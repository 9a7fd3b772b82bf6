"""Runs test suites of the RISC-V project on every implementation of the machine."""
