"""Drills: attacks and outages on a whole network in this process, each judged by where the coins are."""
