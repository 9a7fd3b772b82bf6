"""The lab: a real chain, the real daemons, and people and machines that misbehave (docs/lab.md)."""
