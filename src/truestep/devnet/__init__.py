"""A local network for other terminals: an in-process chain with JSON-RPC over HTTP, and a blob store."""
