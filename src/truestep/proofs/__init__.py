"""Succinct proofs of other systems: what they say, which versions are known, and whether they hold."""
