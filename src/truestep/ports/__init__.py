"""Protocols that the outside world satisfies: chain, store, blobs, engine, clock."""
