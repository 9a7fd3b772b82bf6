"""Wires the parts together: the only package that knows both the node and the adapters."""
