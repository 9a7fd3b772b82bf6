"""Logs of operators: on a disk, over HTTP, and their keys (docs/logs.md)."""
