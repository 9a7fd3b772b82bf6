"""Background work: threads."""
