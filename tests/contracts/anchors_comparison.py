"""Anchors held against the pure model, call by call, on random schedules (docs/logs.md).

`python -m tests.contracts.anchors_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

from tests.contracts.anchoring import OPERATORS, TERMS, Anchoring, toy_key, toy_signature, words_of
from tests.contracts.comparison import compare_at_length, comparison_options
from tests.contracts.evm import Event, Reverted
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import POSSESSES, PublicKey, Signature
from truestep.commitments.keccak import keccak256
from truestep.protocol.logs.anchors import Anchors, apply_anchors
from truestep.protocol.logs.contracts.anchors import (
    Anchor,
    AnchorNumber,
    AnchorPath,
    Attest,
    Call,
    LogNumber,
    MoveTo,
    Register,
    Release,
    Report,
    Retire,
    Statement,
    WithdrawTo,
)
from truestep.protocol.logs.epochs import Row, Rows, epoch_message, possession_message, rows_of
from truestep.protocol.logs.tree import consistency_proof, leaf_hash, peaks_of
from truestep.protocol.settlement.contracts.operators import Locked, Noted, Seized, Unlocked
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused

SIZES = 9


def tree(flavour: int, size: int) -> list[Bytes32]:
    """The leaves of a log: those of another flavour differ from the fifth on."""
    return [leaf_hash(b"%d/%d" % (flavour if number > 4 else 0, number)) for number in range(size)]


def root_of(flavour: int, size: int) -> Bytes32:
    return peaks_of(tree(flavour, size)).root


def proof_of(flavour: int, old: int, new: int) -> tuple[Bytes32, ...]:
    leaves = tree(flavour, new)
    read = lambda level, index: peaks_of(leaves[index << level : (index + 1) << level]).root  # noqa: E731
    return tuple(consistency_proof(read, old, new)) if 0 < old < new else ()


@dataclass(frozen=True)
class Kept:
    """An anchor, and the rows in it."""

    number: AnchorNumber
    anchor: Anchor
    rows: Rows


class Schedule:
    """Random calls, of which most are made to succeed."""

    def __init__(self, seed: int, chain: Anchoring) -> None:
        self.rng = random.Random(seed)
        self.chain = chain
        self.state = Anchors()
        self.kept: list[Kept] = []
        self.tally = Counter[str]()
        self.locked_wei = Counter[Address]()
        self.rows = Rows(by_place={})

    def odd(self) -> bool:
        """Now and then."""
        return self.rng.random() < 0.12

    def number(self) -> LogNumber:
        """Of a log, mostly one that there is."""
        return LogNumber(self.rng.randint(0 if self.odd() else 1, max(1, len(self.state.logs) + self.odd())))

    def key_of(self, number: LogNumber) -> PublicKey:
        known = 0 < number <= len(self.state.logs) and not self.odd()
        return self.state.logs[number - 1].key if known else toy_key(self.rng.randint(1, 10**9))

    def owner_of(self, number: LogNumber) -> Address:
        known = 0 < number <= len(self.state.logs) and not self.odd()
        return self.state.logs[number - 1].operator if known else self.rng.choice(OPERATORS)

    def register(self) -> tuple[Address, Call]:
        index = self.rng.randrange(len(OPERATORS))
        operator = OPERATORS[index]
        key = toy_key(0 if self.odd() else self.rng.randint(1, 2**380))
        proved = OPERATORS[0] if self.odd() else operator
        message = possession_message(1, self.chain.address, proved, key)
        possession = toy_signature((key,), message, POSSESSES)
        return operator, Register(
            key=key,
            possession=Signature(possession[:-1] + b"\1") if self.odd() else possession,
            note_key=keccak256(b"note"),
            signer=Address("0x" + "00" * 20) if self.odd() else operator,
            origin="" if self.odd() else f"log.example/{index}",
            url="https://log.example",
        )

    def attest(self) -> tuple[Address, Call]:
        epoch = self.chain.now // TERMS.epoch_seconds - self.rng.choice((0, 0, 0, 0, 1, 1, 2, -1))
        live = [place for place in range(256) if self.state.live(0) >> place & 1]
        signing = [place for place in live if self.rng.random() < 0.8]
        rows = rows_of(
            Row(number=LogNumber(place), size=size, root=root_of(self.rng.randint(0, 1), size))
            for place in signing
            for size in [self.rng.randint(0, SIZES)]
        )
        self.rows = rows
        lists_absent = self.rng.random() < 0.5
        listed = [place for place in live if (place in signing) != lists_absent]
        if self.odd():
            listed = sorted({*listed, self.rng.randint(0, 300)}, reverse=self.odd())
        group = int(self.odd())
        message = epoch_message(1, self.chain.address, group, epoch, rows.root)
        keys = tuple(self.state.logs[place - 1].key for place in signing)
        listed_keys = [self.key_of(LogNumber(place)) for place in listed]
        return self.rng.choice(OPERATORS), Attest(
            group=group,
            epoch=epoch,
            root=rows.root,
            lists_absent=lists_absent,
            places=tuple(listed),
            keys=tuple(listed_keys[: -1 if self.odd() else None]),
            signature=toy_signature(keys[1:] if self.odd() else keys, message),
        )

    def statement(self, number: LogNumber) -> tuple[Statement, int]:
        """Something that a log has said, and the flavour of its tree."""
        flavour, size = self.rng.randint(0, 1), self.rng.randint(0, SIZES)
        found = [kept for kept in self.kept if number in kept.rows.by_place]
        if found and self.rng.random() < 0.5:
            kept = self.rng.choice(found)
            row = kept.rows.by_place[number]
            anchor = replace(kept.anchor, epoch=1) if self.odd() else kept.anchor
            shown = AnchorPath(number=kept.number, anchor=anchor, path=kept.rows.path(number))
            is_other = row.root != root_of(0, row.size)
            return Statement(size=row.size, root=row.root, shown_by=shown), int(is_other)
        known = 0 < number <= len(self.state.logs)
        index = OPERATORS.index(self.state.logs[number - 1].operator) if known and not self.odd() else 0
        origin = self.state.logs[number - 1].origin if known else "log.example"
        size = 2**63 if self.odd() else size
        root = root_of(flavour, size) if size <= SIZES else Bytes32(bytes(32))
        return self.chain.signed(index, origin, size, root), flavour

    def report(self) -> tuple[Address, Call]:
        number = self.number()
        first, second = sorted((self.statement(number) for _ in range(2)), key=lambda each: each[0].size)
        path = ()
        if second[0].size <= SIZES:
            path = proof_of(second[1], first[0].size, second[0].size)[: -1 if self.odd() else None]
        if self.odd():
            path = tuple(keccak256(node) for node in path)
        call = Report(number=number, key=self.key_of(number), first=first[0], second=second[0], path=path)
        return self.rng.choice(OPERATORS), call

    def call(self) -> tuple[Address, Call]:
        """Who calls what."""
        kind = self.rng.choices(
            ("register", "attest", "report", "retire", "release", "move", "withdraw"), (5, 6, 4, 2, 3, 1, 1)
        )[0]
        if kind in ("register", "attest", "report"):
            return getattr(self, kind)()
        number = self.number()
        if kind == "retire":
            return self.owner_of(number), Retire(number=number, key=self.key_of(number))
        if kind == "release":
            return self.rng.choice(OPERATORS), Release(number=number)
        if kind == "move":
            return self.owner_of(number), MoveTo(number=number, url="https://other.example")
        receiver = Address("0x" + "00" * 20) if self.odd() else self.rng.choice(OPERATORS)
        return self.rng.choice(OPERATORS), WithdrawTo(receiver=receiver)

    def step(self) -> None:
        """One call, in the model and in the contract."""
        if self.rng.random() < 0.3:
            self.chain.pass_time(self.rng.choice((1, 600, 3_600, 100_000)))
        if self.rng.random() < 0.3:
            self.chain.stake(self.rng.choice(OPERATORS), TERMS.bond_wei)
        sender, call = self.call()
        before, effects = len(self.state.anchors), ()
        links, message = self.chain.links, Message(sender=sender, now=self.chain.now, call=call)
        try:
            state, effects = apply_anchors(self.state, message, links)
            expected: Any = [shown(effect) for effect in effects if not is_of_operators(effect)]
        except Refused as refusal:
            state, expected = self.state, refusal.reason.value
        try:
            found: Any = [as_told(event) for event in self.chain.make(sender, call).events]
        except Reverted as error:
            found = error.reason
        assert found == expected, (call, found, expected)
        self.tally[type(call).__name__ + ("" if isinstance(expected, list) else f": {expected}")] += 1
        self.state = state
        if isinstance(expected, list):
            self.locked_wei.update(locked_wei(effects))
        if len(state.anchors) > before:
            number = AnchorNumber(len(state.anchors))
            self.kept.append(Kept(number=number, anchor=state.anchors[-1], rows=self.rows))

    def compare(self) -> None:
        """What the contract keeps."""
        own, state = self.chain.anchors, self.state
        assert own.call("log_count") == len(state.logs)
        assert own.call("anchor_count") == len(state.anchors)
        assert own.call("live", 0) == state.live(0)
        assert own.call("burned_wei") == state.burned_wei
        for operator in OPERATORS:
            assert own.call("log_of", operator) == state.log_of(operator)
            assert own.call("credits", operator) == state.credits.get(operator, 0)
            assert self.chain.operators.call("accounts", operator)[1] == self.locked_wei[operator]
        for number, log in enumerate(state.logs, 1):
            found = own.call("get", number)
            ends = (log.leaves_at, log.is_slashed, log.is_released)
            named = (log.operator, log.signer, log.note_key, keccak256(log.key))
            assert (*map(checksummed, found[:2]), *found[2:]) == (*named, *ends, log.origin, log.url)
        for kept in self.kept:
            for number in kept.rows.by_place:
                row = kept.rows.by_place[number]
                place = (kept.number, astuple(kept.anchor), list(kept.rows.path(row.number)))
                assert own.call("is_anchored", number, row.size, row.root, *place)
                assert not own.call("is_anchored", number, row.size + 1, row.root, *place)
        balance = self.chain.evm.chain.get_balance(own.address)
        assert balance == state.burned_wei + sum(state.credits.values())


def is_of_operators(effect: Any) -> bool:
    """Whether Operators says it, not Anchors."""
    return isinstance(effect, Locked | Unlocked | Seized | Noted)


def locked_wei(effects: Iterable[Any]) -> Counter[Address]:
    """What effects add to the bonds of operators."""
    changes = Counter[Address]()
    for effect in effects:
        if not isinstance(effect, Locked | Unlocked | Seized):
            continue
        changes[effect.operator] += effect.amount_wei if isinstance(effect, Locked) else -effect.amount_wei
    return changes


def shown(effect: Any) -> tuple[str, dict[str, Any]]:
    """An event of the model as the contract's."""
    fields = {name: getattr(effect, name) for name in effect.__slots__}
    if isinstance(fields.get("key"), bytes):
        fields["key"] = tuple(words_of(fields["key"]))
    return type(effect).__name__, fields


def as_told(event: Event) -> tuple[str, dict[str, Any]]:
    """An event of the contract with addresses as the model writes them."""
    is_address = lambda value: isinstance(value, str) and value.startswith("0x")  # noqa: E731
    fields = {name: checksummed(each) if is_address(each) else each for name, each in event.fields.items()}
    return event.name, fields


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode; what was done, by kind of call."""
    schedule = Schedule(seed, Anchoring())
    with replayable(seed, schedule.tally):
        for _ in range(inputs):
            schedule.step()
        schedule.compare()
    return schedule.tally


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
