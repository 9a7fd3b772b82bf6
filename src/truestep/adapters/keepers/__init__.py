"""Keepers of items over HTTP: what they hold, their service, and the clients that fetch and verify."""
