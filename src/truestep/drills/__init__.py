"""Drills: attacks and outages on a whole network, and load on one, judged by where the coins are."""
