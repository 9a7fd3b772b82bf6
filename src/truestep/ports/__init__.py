"""Protocols between the roles and the outside world: chain, store, blobs, engine, clock."""
