"""The contract of the policy: its calls, events and records."""
