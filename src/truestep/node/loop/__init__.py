"""The loop that every role lives in: read the chain, decide, write down, act."""
