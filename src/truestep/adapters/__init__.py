"""Implementations of the ports: chains, stores, blobs, threads, files."""
