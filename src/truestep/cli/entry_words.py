"""Entries of Verifiers, and those that are announced, in words and as fields."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from truestep.base.units import coins

if TYPE_CHECKING:
    from truestep.adapters.chain.timelock import Announcement
    from truestep.client.verifiers import ListedEntry
    from truestep.protocol.validity.contracts.verifiers import Entry


def entry_fields(listed: "ListedEntry") -> dict[str, Any]:
    """What is said of an entry to programs."""
    return {
        "number": listed.number,
        "state": str(listed.state),
        "code_hash": f"0x{listed.code_hash.hex()}",
        **_fields(listed.entry),
        "stopped_at": listed.stopped_at or None,
    }


def shown_entry(listed: "ListedEntry") -> dict[str, str]:
    """What is said of an entry to people."""
    return {
        "entry": f"{listed.number}, {listed.state}" + _when(listed.stopped_at, ", since "),
        **_limits(listed.entry),
    }


def _limits(entry: "Entry") -> dict[str, str]:
    return {
        "system": f"{entry.system}, {entry.bits} bits of security",
        "verifier": f"{entry.verifier}, selector 0x{entry.selector.hex()}",
        "key": f"0x{entry.key_digest.hex()}",
        "program": f"0x{entry.program_hash.hex()}" if any(entry.program_hash) else "any",
        "claims": f"of up to {coins(entry.value_cap_wei)} of bond and reward{_least(entry)}",
        "active": f"{_when(entry.active_from)} to {_when(entry.active_until)}",
    }


def _least(entry: "Entry") -> str:
    return f", with a bond of at least {coins(entry.least_bond_wei)}" if entry.least_bond_wei else ""


def shown_announcement(found: "Announcement", now: int) -> dict[str, str]:
    """The same of one that is not added yet."""
    due, stale = moment(found.due_at), moment(found.stale_at)
    when = f"from {due} to {stale}" if now <= found.stale_at else f"no more since {stale}"
    return {
        "entry": f"{found.number}, announced",
        "to be added": f"{when}, with `truestep verifiers execute {found.number}`",
        "action": f"0x{found.action_id.hex()}",
        **_limits(found.entry),
    }


def _when(seconds: int, before: str = "") -> str:
    """A day; large numbers are of no calendar."""
    if not seconds:
        return "" if before else "the beginning"
    try:
        return f"{before}{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return f"{before}for ever"


def announcement_fields(found: "Announcement") -> dict[str, Any]:
    """What is said of an entry that is not one yet."""
    return {
        "entry": found.number,
        "action_id": f"0x{found.action_id.hex()}",
        "due_at": found.due_at,
        "stale_at": found.stale_at,
        **_fields(found.entry),
    }


def _fields(entry: "Entry") -> dict[str, Any]:
    return {
        "system": entry.system,
        "verifier": entry.verifier,
        "selector": f"0x{entry.selector.hex()}",
        "key_digest": f"0x{entry.key_digest.hex()}",
        "program_hash": f"0x{entry.program_hash.hex()}" if any(entry.program_hash) else None,
        "bits": entry.bits,
        "value_cap_wei": entry.value_cap_wei,
        "least_bond_wei": entry.least_bond_wei,
        "gas_limit": entry.gas_limit,
        "active_from": entry.active_from,
        "active_until": entry.active_until,
    }


def moment(seconds: int) -> str:
    """A second of UTC; large numbers are of no calendar."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"second {seconds:,}"
