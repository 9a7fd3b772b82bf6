"""Decisions about the data that results depend on (docs/availability.md)."""
