"""The protocol as a pure model (docs/protocol.md): a call makes a new state and effects."""
