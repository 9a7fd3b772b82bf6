"""Items of data, their keepers and the challenges of both, as values (docs/availability.md)."""
