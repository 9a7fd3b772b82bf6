"""Fixed-width integers, ids, units and errors."""
