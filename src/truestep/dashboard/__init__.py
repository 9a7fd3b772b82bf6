"""Pages in a browser that show a network: its jobs, operators and disputes. Read-only."""
