"""Claims, bisection, and the contracts' calls, events and records as values."""
