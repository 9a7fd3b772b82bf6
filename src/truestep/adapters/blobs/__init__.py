"""Implementations of the blob port: directory, HTTP, cache, several stores, and the server."""
