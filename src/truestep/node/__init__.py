"""Daemons: read the chain, decide, persist, act."""
