"""A quantised model becomes Noir source, and a run of it a proof for a contract (docs/circuits.md)."""
