"""The store port over SQLite."""
