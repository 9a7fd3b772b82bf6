"""A worker's log is anchored with others of its group."""
