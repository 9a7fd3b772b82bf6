"""What members of committees hand to each other: served, and fetched (docs/quorum.md Q11)."""
