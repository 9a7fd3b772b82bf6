"""A local chain that other terminals reach: JSON-RPC over HTTP before an in-process EVM, and blobs."""
