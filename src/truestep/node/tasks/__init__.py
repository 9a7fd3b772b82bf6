"""Work in the background: the queue, its items, replays, and the views that roles decide by."""
