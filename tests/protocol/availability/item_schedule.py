"""Random schedules of availability: what people might do next, mostly sensible, sometimes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.protocol.availability.contents import Content, contents
from tests.protocol.availability.world import (
    KEEPERS,
    PEOPLE,
    REGISTRANTS,
    SIGNERS,
    START_TIME,
    Step,
    World,
)
from tests.protocol.settlement.mutations import changed_call
from truestep.base.ids import Address
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import (
    ItemId,
)
from truestep.protocol.availability.layout import item_digest, receipt_hash
from truestep.protocol.availability.state import Item
from truestep.protocol.settlement.messages import Message, Stranger

WRONG_SHARE = 0.12  # of all inputs: those with one thing changed
OPEN_ITEMS, OPEN_BLOB_ITEMS = 6, 2
WITHDRAWALS = (keepers.WithdrawTo, items.WithdrawTo, challenges.WithdrawTo, bindings.WithdrawTo)

Maker = Callable[[], Step | None]


@dataclass(slots=True)
class ItemSchedule:
    """The next step, again and again; the caller plays each in the world before it asks for the next."""

    rng: Random
    world: World
    now: int = START_TIME
    makers: dict[Maker, int] = field(init=False)

    def __post_init__(self) -> None:
        for content in contents():
            self.world.learn(content)
        self.makers = self.weights()

    def weights(self) -> dict[Maker, int]:
        """How often each kind of step is tried."""
        return {
            self.enrol: 4,
            self.set_signer: 1,
            self.retire: 2,
            self.withdraw_shares: 2,
            self.publish_hashes: 1,
            self.register: 6,
            self.register_blobs: 3,
            self.register_calldata: 1,
            self.assign: 14,
            self.acknowledge: 26,
            self.collect: 4,
            self.close_item: 5,
            self.withdraw: 4,
        }

    def steps(self, count: int) -> Iterator[Step]:
        """So many steps."""
        for _ in range(count):
            yield self.next_step()

    def next_step(self) -> Step:
        """A sensible step, or a wrong one."""
        self._pass_time()
        while True:
            (maker,) = self.rng.choices(list(self.makers), weights=list(self.makers.values()))
            step = maker()
            if step is not None:
                return self._wrong(step) if self.rng.random() < WRONG_SHARE else step

    def _wrong(self, step: Step) -> Step:
        message = step.message
        match self.rng.randrange(6):
            case 0 | 1:
                changed = replace(message, sender=self.rng.choice(PEOPLE))
            case 2 if message.value_wei:
                changed = replace(message, value_wei=max(0, message.value_wei + self.rng.choice((-1, 1))))
            case _:
                changed = replace(message, call=changed_call(self.rng, message.call))
        refuses = getattr(changed.call, "receiver", None) == self.world.refuser
        stranger = Stranger.REFUSES if refuses else Stranger.WILLING
        return replace(step, message=replace(changed, stranger=stranger))

    def _pass_time(self) -> None:
        kind = self.rng.random()
        if kind < 0.5:
            return
        if kind < 0.93:
            self.now += self.rng.choice((1, 2, 12))
            return
        state = self.world.state
        ends = [each.until for each in state.challenges.values()]
        ends += [each.moved_at + state.rules.answer_seconds for each in state.demands.values()]
        ends += [
            item.record.until for item in state.items.values() if item.is_open and item.record.blob_count
        ]
        ends += [self.now + state.rules.acknowledge_seconds]
        ahead = sorted(end for end in ends if end >= self.now)
        if ahead:
            self.now = max(self.now, self.rng.choice(ahead[:3]) + self.rng.choice((-1, 0, 1, 1)))

    def step(self, sender: Address, call: object, value_wei: int = 0) -> Step:
        """A call of somebody, now."""
        refuses = getattr(call, "receiver", None) == self.world.refuser
        stranger = Stranger.REFUSES if refuses else Stranger.WILLING
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei, stranger=stranger)
        return Step(message=message)

    def _anybody(self) -> Address:
        return self.rng.choice(PEOPLE)

    def _receiver(self, account: Address) -> Address:
        return self.world.refuser if self.rng.random() < 0.1 else account

    def _is_worth(self, is_right: bool) -> bool:
        """Whether to make an input that is right, or one that is wrong for once."""
        return is_right or self.rng.random() < 0.05

    # --- keepers ----------------------------------------------------------------------------------

    def enrol(self) -> Step | None:
        sender = self.rng.choice(KEEPERS)
        number = self.world.state.numbers.get(sender)
        has_enough = number is not None and self.world.state.keepers[number].shares > 6
        if not self._is_worth(not has_enough):
            return None
        shares = self.rng.choice((0, 1, 2, 5, 20))
        call = keepers.Enrol(shares=shares, url="https://keeper.example")
        return self.step(sender, call, shares * self.world.state.rules.share_wei)

    def set_signer(self) -> Step:
        sender = self.rng.choice(KEEPERS)
        signer = self.rng.choice((sender, *SIGNERS))
        return self.step(sender, keepers.SetSigner(signer=signer))

    def retire(self) -> Step | None:
        state = self.world.state
        if not state.keepers:
            return None
        number = self.rng.choice(list(state.keepers))
        keeper, entries = state.keepers[number], list(state.entries)
        positions: list[int] = []
        is_surplus = keeper.listed > keeper.shares
        for _ in range(self.rng.choice((1, 1, 2, 9))):
            own = [place for place, entry in enumerate(entries) if entry == number]
            if not own:
                break
            positions.append(self.rng.choice(own))
            last = entries.pop()
            if positions[-1] < len(entries):
                entries[positions[-1]] = last
        sender = self._anybody() if is_surplus else keeper.account
        return self.step(sender, keepers.Retire(keeper=number, positions=tuple(positions)))

    def withdraw_shares(self) -> Step | None:
        state = self.world.state
        if not state.keepers:
            return None
        keeper = state.keepers[self.rng.choice(list(state.keepers))]
        free = keeper.shares - max(keeper.locked, keeper.listed)
        if not self._is_worth(free > 0):
            return None
        shares = self.rng.choice((1, max(free, 1)))
        call = keepers.WithdrawShares(shares=shares, receiver=self._receiver(keeper.account))
        return self.step(keeper.account, call)

    # --- items ------------------------------------------------------------------------------------

    def publish_hashes(self) -> Step:
        content = self.rng.choice(contents())
        return self.step(self._anybody(), items.PublishHashes(hashes=content.hashes))

    def register(self) -> Step | None:
        state = self.world.state
        if self._open_count(has_seats=True) >= OPEN_ITEMS:
            return None
        content: Content = self.rng.choice(contents())
        seat_count = self.rng.choice((2, 2, 3, 3, 4, 6))
        listed = sum(keeper.listed != 0 for keeper in state.keepers.values())
        if not self._is_worth(seat_count <= listed):
            return None
        fee_wei = self.rng.choice((0, 7, 10**9))
        call = items.Register(
            parts=content.parts,
            nodes=content.nodes,
            seat_count=seat_count,
            until=self.now + self.rng.choice((62, 600, 3_000, 9_000, 86_400)),
            fee_wei=fee_wei,
            url="https://registrant.example",
        )
        due_wei = state.rules.registrant_bond_wei + fee_wei * seat_count
        return self.step(self.rng.choice(REGISTRANTS), call, due_wei)

    def register_blobs(self) -> Step | None:
        state = self.world.state
        if self._open_count(has_seats=False) >= OPEN_BLOB_ITEMS:
            return None
        content: Content = self.rng.choice(contents())
        call = items.RegisterBlobs(
            parts=content.parts,
            until=self.now + self.rng.choice((1, 62, 600, 3_000, 15 * 86_400)),
            url="https://registrant.example",
        )
        sent = content.hashes + (content.hashes if self.rng.random() < 0.5 else ())
        step = self.step(self.rng.choice(REGISTRANTS), call, state.rules.registrant_bond_wei)
        return replace(step, blob_hashes=sent if self.rng.random() < 0.9 else sent[1:])

    def register_calldata(self) -> Step | None:
        content: Content = self.rng.choice(contents()[:4])
        payload = b"".join(each.held for each in content.pieces)
        call = items.RegisterCalldata(parts=content.parts, payload=payload)
        return self.step(self.rng.choice(REGISTRANTS), call)

    def _open_count(self, *, has_seats: bool) -> int:
        every = self.world.state.items.values()
        return sum(
            each.is_open and bool(each.seats) == has_seats and bool(each.record.blob_count) for each in every
        )

    def _some_item(self, suits: Callable[[Item], bool]) -> tuple[ItemId, Item] | None:
        every = self.world.state.items.items()
        found = list(every) if self.rng.random() < 0.03 else [entry for entry in every if suits(entry[1])]
        return self.rng.choice(found) if found else None

    def _is_running(self, item: Item) -> bool:
        return item.is_open and self.now <= item.record.until

    def _is_waited_for(self, seat: items.Seat) -> bool:
        return seat.keeper != 0 and seat.acknowledged_at == 0 and not self._is_vacant(seat)

    def _is_vacant(self, seat: items.Seat) -> bool:
        limit = seat.drawn_at + self.world.state.rules.acknowledge_seconds
        return seat.keeper == 0 or (seat.acknowledged_at == 0 and self.now > limit)

    def assign(self) -> Step | None:
        found = self._some_item(lambda item: self._is_running(item) and any(map(self._is_vacant, item.seats)))
        if found is None:
            return None
        return self.step(self._anybody(), items.Assign(item_id=found[0], record=found[1].record))

    def acknowledge(self) -> Step | None:
        found = self._some_item(
            lambda item: self._is_running(item) and any(map(self._is_waited_for, item.seats))
        )
        if found is None or not found[1].seats:
            return None
        item_id, item = found
        open_seats = [place for place, seat in enumerate(item.seats) if self._is_waited_for(seat)]
        others = range(len(item.seats))
        chosen = open_seats if open_seats and self.rng.random() < 0.9 else list(others)
        indices = self.rng.sample(chosen, self.rng.randrange(1, len(chosen) + 1))
        signatures = [self._receipt(item_id, item, index) for index in indices]
        call = items.Acknowledge(
            item_id=item_id, record=item.record, indices=tuple(indices), signatures=tuple(signatures)
        )
        return self.step(self._anybody(), call)

    def _receipt(self, item_id: ItemId, item: Item, index: int) -> bytes:
        state, seat = self.world.state, item.seats[index]
        if not seat.keeper:
            return b"no seat"
        chain_id, contract = state.deployment.chain_id, state.deployment.items
        digest = item_digest(chain_id, contract, item_id, item.record)
        receipt = receipt_hash(chain_id, contract, digest, index, seat.drawn_at)
        return self.world.sign(state.keepers[seat.keeper].signer, receipt)

    def collect(self) -> Step | None:
        found = self._some_item(lambda item: item.is_open and bool(item.acknowledged))
        if found is None:
            return None
        item_id, item = found
        index = self.rng.choice(item.acknowledged or [0])
        return self.step(self._anybody(), items.Collect(item_id=item_id, record=item.record, index=index))

    def close_item(self) -> Step | None:
        late = self.now - self.world.state.rules.acknowledge_seconds

        def is_over(item: Item) -> bool:
            is_missed = not item.was_kept and late > item.record.since and self.rng.random() < 0.02
            return (
                item.state is ItemState.LOST or (item.is_open and self.now > item.record.until) or is_missed
            )

        found = self._some_item(is_over)
        if found is None:
            return None
        item_id, item = found
        sender = self.rng.choice((item.record.registrant, self._anybody()))
        return self.step(sender, items.CloseItem(item_id=item_id, record=item.record))

    # --- coins ------------------------------------------------------------------------------------

    def withdraw(self) -> Step | None:
        deployment = self.world.state.deployment
        contracts = (deployment.keepers, deployment.items, deployment.challenges, deployment.bindings)
        owed = [key for key, amount_wei in self.world.state.credits.items() if amount_wei]
        if not owed:
            return None
        contract, account = self.rng.choice(owed)
        call = WITHDRAWALS[contracts.index(contract)](receiver=self._receiver(account))
        return self.step(account, call)
