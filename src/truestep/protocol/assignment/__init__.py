"""Who is drawn for what: seeds and pools, as pure values (docs/assignment.md)."""
