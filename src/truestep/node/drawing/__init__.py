"""A node's part in draws: secrets for the seeds of rounds."""
