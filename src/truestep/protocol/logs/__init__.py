"""Transparent logs of operators, as values: trees, proofs, checkpoints, entries (docs/logs.md)."""
