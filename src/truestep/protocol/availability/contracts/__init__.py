"""A module for each contract of availability: its calls, events and records, in the names of its ABI."""
