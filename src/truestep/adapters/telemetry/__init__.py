"""What a daemon says of itself over HTTP: its health, and metrics for Prometheus."""
