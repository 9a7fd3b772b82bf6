"""The HTTP API of a network: reads for everybody, orders for those who have a token."""
