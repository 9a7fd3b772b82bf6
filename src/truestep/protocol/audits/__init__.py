"""The policy under which claims are drawn and run again by somebody else, as values (docs/audits.md)."""
