"""Wrong inputs: a right call with one thing changed that its ABI still can carry."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

from tests.protocol.settlement.world import PEOPLE, Surroundings
from truestep.base.errors import Rejected
from truestep.protocol.audits.contracts import audits
from truestep.protocol.availability.contracts import kept
from truestep.protocol.lots.contracts import lots
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.settlement.contracts import disputes, jobs, operators
from truestep.protocol.settlement.ids import BATCH_LIMIT, NATIVE, NOBODY
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.records import Order
from truestep.protocol.validity.contracts import verifiers

LIMITS = {
    "policy": 2**8 - 1,
    "bond_multiple": 2**8 - 1,
    "parameters_id": 2**16 - 1,
    "shard_count": 2**32 - 1,
    "shards": 2**32 - 1,
    "workload": 2**16 - 1,
    "entry": 2**64 - 1,
    "max_cycles": 2**64 - 1,
    "input_size": 2**64 - 1,
    "lease_seconds": 2**64 - 1,
    "deadline": 2**64 - 1,
    "callback_gas": 2**64 - 1,
}
"""The largest value of a field that is not a word. A window is 8 bytes in an order, a word in a batch."""
LENGTHS = {"siblings": 6, "hashes": 63, "item_path": 8, "leaf_path": 8, "leaves": 3 * BATCH_LIMIT} | {
    "nodes": 64,
    "path": 13,
    "salt_path": 8,
    "indices": 16,
    "signatures": 16,
    "challenge_ids": 16,
    "challenges": 16,
    "members": 16,
    "openings": 16,
    "seats": 16,
    "signed": 16,
}
"""Longest lists, other than 256."""
KEPT = frozenset({(jobs.Strike, "task_id"), (Order, "asset"), (disputes.Split, "arity")})
"""Disputes names only tasks that it has proved; an asset must be a token; an arity is a game's."""


def mutated(rng: Random, message: Message, around: Surroundings) -> Message:
    """The message with another sender or amount of coins, or a change somewhere in its call."""
    changed = _mutated(rng, message)
    call = changed.call
    if not isinstance(
        call,
        operators.WithdrawTo
        | disputes.WithdrawTo
        | kept.WithdrawTo
        | verifiers.WithdrawTo
        | quorums.WithdrawTo
        | audits.WithdrawTo
        | lots.WithdrawTo
        | jobs.Withdraw,
    ):
        return changed
    if isinstance(call, jobs.Withdraw) and call.asset != NATIVE:
        return changed
    refuses = call.receiver == around.refuser
    return replace(changed, stranger=Stranger.REFUSES if refuses else Stranger.WILLING)


def _mutated(rng: Random, message: Message) -> Message:
    match rng.randrange(8):
        case 0 | 1:
            return replace(message, sender=rng.choice(PEOPLE))
        case 2 if message.value_wei:
            return replace(message, value_wei=max(0, message.value_wei + rng.choice((-1, 1))))
        case _:
            return replace(message, call=changed_call(rng, message.call))


def changed_call(rng: Random, call: Any) -> Any:
    """The call with a change somewhere, unless no value can have that change."""
    try:
        return _changed(rng, call, "")
    except Rejected:
        return call


def _changed(rng: Random, value: Any, name: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if (type(value), field.name) not in KEPT]
        chosen = rng.choice(names)
        return replace(value, **{chosen: _changed(rng, getattr(value, chosen), chosen)})
    if isinstance(value, tuple):
        return _changed_list(rng, value, name)
    if isinstance(value, bool) or not isinstance(value, int):
        return _changed_bytes(rng, value)
    limit = LIMITS.get(name, 2**64 - 1 if name.endswith("seconds") else 2**256 - 1)
    choices = (value + 1, value - 1, 0, 1, value * 2, value ^ 1 << rng.randrange(limit.bit_length()), limit)
    return rng.choice([number for number in choices if 0 <= number <= limit and number != value])


def _changed_bytes(rng: Random, value: Any) -> Any:
    if isinstance(value, bytes):
        if not value:
            return value
        at = rng.randrange(len(value))
        return type(value)(value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :])
    if isinstance(value, str) and value.startswith("0x"):
        return rng.choice((*PEOPLE, NOBODY))
    return value


def _changed_list(rng: Random, items: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    at = rng.randrange(len(items) + 1)
    if at == len(items):
        is_full = len(items) >= LENGTHS.get(name, BATCH_LIMIT)
        return items[:-1] if is_full or not items or rng.random() < 0.5 else (*items, items[0])
    match rng.randrange(3):
        case 0:
            return items[:at] + items[at + 1 :]
        case 1 if len(items) > 1:
            return (*items[1:], items[0])
        case _:
            return (*items[:at], _changed(rng, items[at], name), *items[at + 1 :])
