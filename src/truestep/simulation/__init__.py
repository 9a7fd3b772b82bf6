"""Machines that misbehave on purpose."""
