"""The loop of every role: read the chain, decide, persist, act."""
