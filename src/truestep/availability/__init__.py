"""Items: programs, inputs and outputs as blobs that are committed, erasure-coded and checked (A1)."""
