"""What goes wrong with circuits for a cause outside truestep."""


class CircuitError(Exception):
    """A model, an input, a tool or a proof is not as it should be; the message is for people."""
