"""The policy under which a drawn committee finds each result, as values (docs/quorum.md)."""
