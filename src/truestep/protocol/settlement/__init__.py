"""Version 2 of the protocol as a pure model (docs/settlement.md): `apply(state, message) -> (state, effects)`."""
