"""A module for each contract: its calls and events, in the names of its ABI."""
