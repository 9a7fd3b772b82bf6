"""The bounds that the contracts set for parameters, so that a bad value is found before anything is sent.

A test compares each bound with what the contracts accept.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.units import coins, duration, gas_price, share
from truestep.protocol.deployment.plans import TimelockTerms
from truestep.protocol.settlement import parameters as settlement
from truestep.protocol.settlement import standing

ARITIES = settlement.ARITIES
DAY_SECONDS = settlement.DAY_SECONDS
_UNITS = ("_wei", "_seconds", "_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least and most that a value may be, and what each depends on, in words."""

    least: int
    most: int
    reason: Reject
    least_because: str = ""
    most_because: str = ""
    choices: tuple[int, ...] = ()


Values = Mapping[str, int]
"""The parameters by the names of their fields."""


def key_of(field: str) -> str:
    """The name of a parameter for people: without its unit, which is part of the value."""
    for unit in _UNITS:
        field = field.removesuffix(unit)
    return field


def shown(field: str, value: int) -> str:
    """A value with its unit."""
    if "gas_price" in field:
        return gas_price(value)
    if field.endswith("_wei"):
        return coins(value)
    if field.endswith("_seconds"):
        return duration(value)
    return share(value) if field.endswith("_bps") else f"{value:,}"


def check_parameters(rules: settlement.Parameters, timelock: TimelockTerms) -> None:
    """Raise `Rejected` for parameters that the contracts refuse; the message names every bound."""
    times = {"delay_seconds": timelock.delay_seconds, "guardian_time_seconds": timelock.guardian_seconds}
    values = {**asdict(rules), **times}
    check_bounds(values, parameter_bounds(values))


def check_admission(values: Values) -> None:
    """Raise `Rejected` for what Operators refuses to ask of operators; the message names every bound."""
    bounds = {
        "fresh_share_bps": Bound(
            least=standing.SHARE_MIN_BPS, most=settlement.BPS, reason=Reject.SHARE_BOUNDS
        ),
        "gate_wei": Bound(least=0, most=standing.STAKE_LIMIT_WEI, reason=Reject.GATE_BOUNDS),
    }
    check_bounds(values, bounds)


def check_bounds(values: Values, bounds: Mapping[str, Bound]) -> None:
    """Raise `Rejected` for the values that are out of their bounds; the message names every one."""
    wrong = {
        field: said for field, bound in bounds.items() if (said := _objection(field, values[field], bound))
    }
    if wrong:
        raise Rejected(bounds[next(iter(wrong))].reason, "; ".join(wrong.values()))


def _objection(field: str, value: int, bound: Bound) -> str:
    key = key_of(field)
    if bound.choices:
        choices = ", ".join(f"{choice}" for choice in bound.choices)
        return "" if value in bound.choices else f"{key}: expected one of {choices}, got {value:,}"
    if bound.least <= value <= bound.most:
        return ""
    least = shown(field, bound.least) + (f" ({bound.least_because})" if bound.least_because else "")
    most = shown(field, bound.most) + (f" ({bound.most_because})" if bound.most_because else "")
    if bound.least > bound.most:
        return f"{key}: nothing is between the least, {least}, and the most, {most}; change those"
    return f"{key}: expected {least} to {most}, got {shown(field, value)}"


def parameter_bounds(values: Values) -> dict[str, Bound]:
    """The bounds (docs/protocol.md S2.1, S2.4)."""
    p = settlement
    clock = values["clock_seconds"]
    dispute_gas = p.dispute_gas(values["arity"])
    at_cap_wei = dispute_gas * values["gas_price_cap_wei"]
    return {
        "gas_price_cap_wei": Bound(least=0, most=p.GAS_PRICE_LIMIT_WEI, reason=Reject.PARAMETER_GAS_PRICE),
        "operator_bond_wei": Bound(least=0, most=p.BOND_LIMIT_WEI, reason=Reject.PARAMETER_BOND),
        "challenger_bond_wei": Bound(
            least=max(p.BOND_MIN_WEI, at_cap_wei),
            least_because=f"{dispute_gas:,} gas at gas_price_cap" if at_cap_wei > p.BOND_MIN_WEI else "",
            most=values["operator_bond_wei"] // p.BOND_RATIO,
            most_because=f"operator_bond / {p.BOND_RATIO}",
            reason=Reject.PARAMETER_BOND,
        ),
        "clock_seconds": Bound(
            least=p.CLOCK_MIN_SECONDS, most=p.CLOCK_LIMIT_SECONDS, reason=Reject.PARAMETER_CLOCK
        ),
        "window_seconds": Bound(
            least=2 * p.GAME_CLOCKS * clock,
            least_because=f"{2 * p.GAME_CLOCKS} x clock",
            most=p.WINDOW_LIMIT_SECONDS,
            reason=Reject.PARAMETER_WINDOW,
        ),
        "rescue_seconds": Bound(
            least=clock // p.RESCUE_PART,
            least_because=f"clock / {p.RESCUE_PART}",
            most=clock,
            most_because="clock",
            reason=Reject.PARAMETER_RESCUE,
        ),
        "reveal_seconds": Bound(
            least=clock, least_because="clock", most=p.REVEAL_LIMIT_SECONDS, reason=Reject.PARAMETER_REVEAL
        ),
        "cycles_per_second": Bound(least=p.SPEED_MIN, most=p.SPEED_LIMIT, reason=Reject.PARAMETER_SPEED),
        "arity": Bound(least=2, most=64, choices=ARITIES, reason=Reject.PARAMETER_ARITY),
        "lease_penalty_bps": Bound(
            least=p.LEASE_PENALTY_MIN_BPS, most=p.BPS, reason=Reject.PARAMETER_PENALTY
        ),
        "release_penalty_bps": Bound(
            least=p.RELEASE_PENALTY_MIN_BPS,
            most=values["lease_penalty_bps"],
            most_because="lease_penalty",
            reason=Reject.PARAMETER_RELEASE,
        ),
        "winner_share_bps": Bound(
            least=p.SHARE_MIN_BPS, most=p.SHARE_LIMIT_BPS, reason=Reject.PARAMETER_SHARE
        ),
        "delay_seconds": Bound(least=DAY_SECONDS, most=60 * DAY_SECONDS, reason=Reject.DELAY_BOUNDS),
        "guardian_time_seconds": Bound(least=0, most=4 * 365 * DAY_SECONDS, reason=Reject.GUARDIAN_TIME),
    }
