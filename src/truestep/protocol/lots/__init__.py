"""The policy under which parts of a job are drawn for operators, as values (docs/drawn.md)."""
