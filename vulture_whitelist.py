"""Names that vulture cannot see in use, each with the reason."""
