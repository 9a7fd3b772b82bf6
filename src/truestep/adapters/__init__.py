"""Ports made real: chains, stores and blobs."""
