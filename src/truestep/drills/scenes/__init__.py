"""The drills, each in a module of its own."""
