"""The chain as a node keeps it: indexed events, the ledger they add up to, and what was sent."""
