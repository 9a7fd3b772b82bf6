"""Version 2 of the protocol as a pure model (docs/settlement.md): a call makes a new state and effects."""
