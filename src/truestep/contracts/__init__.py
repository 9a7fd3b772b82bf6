"""Vyper contracts, their Solidity interfaces and compiled artifacts."""
