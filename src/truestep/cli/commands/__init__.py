"""One command a module; each has `register(app)`."""
