"""The store port, implemented with SQLite."""
