"""Keccak, positional Merkle trees and KZG."""
