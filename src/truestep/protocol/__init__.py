"""Job life cycle and dispute game: states, inputs, effects, `apply`."""
