"""Machines that misbehave on purpose, for the demo and for tests."""
