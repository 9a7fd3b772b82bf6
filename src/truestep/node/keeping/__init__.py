"""The keeper's daemon: the chain of availability, work on items, and the loop's site."""
