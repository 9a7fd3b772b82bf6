"""The numbers of drawn lots: their bounds (docs/drawn.md T1.2)."""

from truestep.protocol.settlement.parameters import DAY_SECONDS

POOL_LIMIT = 255
LOT_LIMIT = 32
"""Tasks of a lot: the contract keeps a bit for each, and the least pledge pays for as many."""
EXCLUDED_LIMIT = 16
"""As many as Sortition leaves out of a draw."""
DECLINES_LIMIT = 16
"""So many holders did not want a lot: whoever does may take it."""
CALL_LIMIT = 64
"""Lots in one call: so many draws stay below 8 million gas."""
TURN_LIMIT_SECONDS = 7 * DAY_SECONDS
"""So long can one operator that does nothing put off its lots."""
TELLER_BPS = 1_000
"""Of a penalty, for whoever has it taken: less than anybody loses by telling of itself."""
