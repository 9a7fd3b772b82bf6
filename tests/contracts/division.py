"""What most games on two levels are about: the division of `FLOATS`, true and falsified."""

from __future__ import annotations

from tests.contracts.runs import FLOATS, falsified_float_run, run
from truestep.protocol.state_numbers import micro_number

INDEX = 6
"""The state number that is about to execute it."""
LOW = micro_number(INDEX, 0)
TRUTH = run(FLOATS)
MICRO = TRUTH.micro_run_at(INDEX)
FALSE = falsified_float_run(INDEX)
