"""Calls and events of Randomness and Sortition."""
