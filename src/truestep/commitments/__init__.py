"""Keccak and positional Merkle trees."""
