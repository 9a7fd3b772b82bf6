"""The drill of a whole network: jobs, workers and liars on a node with a block a second."""
