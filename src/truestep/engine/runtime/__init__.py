"""A run: its memory, hashes, snapshots and replays."""
