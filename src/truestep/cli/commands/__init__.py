"""One command per module; each module has `register(app)`."""
