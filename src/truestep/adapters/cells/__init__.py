"""Implementations of the store of cells: a directory and S3; and what a keeper lays on its shelf."""
