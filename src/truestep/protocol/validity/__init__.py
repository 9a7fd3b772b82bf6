"""The policy under which claims are proven, as values (docs/validity.md)."""
