"""The demo's program, its real prices and what its results mean."""
