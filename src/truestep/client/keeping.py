"""Has programs and inputs kept: by keepers, in calldata or in blobs (docs/availability.md A3)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from truestep.adapters.keepers.publishing import check_served, publish
from truestep.availability.manifest import Manifest
from truestep.availability.parts import parts_hash
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.client import blob_items
from truestep.client.costs import Costs
from truestep.client.item_terms import duration_in_days, item_fee_wei, last_second, moment, written_gas
from truestep.client.seats import SEATS_USUAL, chosen_seats, free_shares
from truestep.client.sending import finish_pending, transact_once
from truestep.client.supplies import (
    Availability,
    Content,
    Need,
    Plan,
    blob_count,
    plan,
    plan_sent,
    plan_written,
)
from truestep.commitments.kzg import Kzg
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.protocol.availability.contracts.items import (
    Assign,
    CloseItem,
    ItemState,
    PublishHashes,
    Register,
    RegisterCalldata,
)
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import OVER, Facts, KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.layout import NODES_LIMIT, named_nodes
from truestep.protocol.availability.rules import RENT_BPS
from truestep.roles.availability.delivery import KEEPERS_GAS

ROUNDS = 2
"""Of draws, that are waited for before an item is given up."""
SPARE_SECONDS = 3_600
"""For transactions and encoding, beside the rounds."""
DURATION_LIMIT_SECONDS = 500 * 86_400 - SPARE_SECONDS
"""The contract takes no item that lasts longer (A3.1)."""
HASHES_AT_ONCE = 1_024
DAY_SECONDS = 86_400
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingTerms:
    """What a requester offers keepers."""

    url: str = ""
    """From where they fetch. It is written on the chain, for everybody to read."""
    seat_count: int | None = None
    """How many keepers are drawn for each item; None: four, or as many as have a free share."""
    fee_wei: int = 0
    """Of each keeper, for each blob and day."""
    rent_bps: int = RENT_BPS
    """And so much of the share that a seat locks, a year, in hundredths of a per cent."""
    keep_seconds: int | None = None
    """How long items are kept from their registration; None: as long as the job may need them."""


Tell = Callable[[str], None]
"""Hears what is done, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingWorld:
    """What it takes to have data kept."""

    chain: Chain
    blobs: Blobs
    kzg: Kzg
    rules: Rules
    clock: Clock
    may_be_private: bool
    """Whether keepers fetch from private addresses too, as on a devnet."""


class Keeping:
    """Has data kept for one account. Begun again after an interruption, it goes on where it was."""

    def __init__(
        self,
        world: KeepingWorld,
        terms: KeepingTerms,
        tell: Tell,
        availability: Availability,
        leave_behind: Tell = lambda _: None,
    ) -> None:
        """`availability`: to whom data goes, the keepers or the chain. `leave_behind` hears what there is on
        the chain if this ends now, and how to go on.
        """
        self._world = world
        self._chain = world.chain
        self._rules = world.rules
        self._terms = terms
        self._tell = tell
        self._availability = availability
        self._leave_behind = leave_behind

    def foresee(self, program: Content, content: Content, need: Need) -> Costs:
        """What `keep` will send. Refuses what it would refuse, as far as that can be known before."""
        missing, now = self._plan(program, content, need).new, self._chain.head().time_seconds
        if self._is_by_keepers:  # what is asked for may be too short, though what is there lasts
            self._last_second(need, now)
        if not missing:
            return Costs()
        bonds_wei = len(missing) * self._rules.registrant_bond_wei
        bonds = ("of bonds for its data, which come back", bonds_wei)
        match self._availability:
            case Availability.CALLDATA:
                return Costs(gas=sum(map(written_gas, missing)))
            case Availability.BLOB:
                blob_items.last_second(need, now, self._terms.keep_seconds)
                return Costs(sent_wei=(bonds,), gas=len(missing) * blob_items.REGISTER_GAS)
            case _:
                seats, until = self.seats(len(missing)), self._last_second(need, now)
                fees_wei = sum(seats * self.fee_wei(blob_count(each), until - now) for each in missing)
                fees = ("of fees for its keepers", fees_wei)
                return Costs(sent_wei=(bonds, fees), gas=len(missing) * KEEPERS_GAS)

    def keep(self, program: Content, content: Content, need: Need) -> tuple[ItemId, ItemId]:
        """The kept items of a program and an input. Registers those that this account does not have.

        Raises Rejected if keepers do not take them in time, and closes them, so that the bonds come back;
        Unavailable if something outside fails: then call it again.
        """
        finish_pending(self._chain, "item:")
        self._close_hopeless()
        chosen = self._plan(program, content, need)
        seats = self.seats(len(chosen.new)) if chosen.new and self._is_by_keepers else 0
        for group in chosen.new:
            match self._availability:
                case Availability.CALLDATA:
                    self._write(group)
                case Availability.BLOB:
                    self._send(group, need)
                case _:
                    self._register(group, need, seats)
        if chosen.new:
            chosen = self._plan(program, content, need)
        if chosen.program is None or chosen.input is None:
            raise Unavailable("an item was registered and is gone from the node's events; try another node")
        ids = chosen.program.item_id, chosen.input.item_id
        self._tell_of_ends([chosen.program, chosen.input])
        self.wait(dict.fromkeys(ids))
        return ids

    # --- how ----------------------------------------------------------------------------------------------

    def _plan(self, program: Content, content: Content, need: Need) -> Plan:
        """Which items there are, and which are missing. Who has written to the chain does not matter."""
        written = [item for item in self._facts().items.values() if item.is_written]
        if self._availability is Availability.CALLDATA:
            return plan_written(program, content, written, need)
        if self._availability is Availability.BLOB:
            return plan_sent(program, content, written + self._usable(), need)
        return plan(program, content, written + [each for each in self._usable() if _has_seats(each)], need)

    def _usable(self) -> list[KnownItem]:
        """The account's items that are kept, then those that may still be taken by their keepers."""
        facts, now = self._facts(), self._chain.head().time_seconds
        own = own_items(facts, self._chain.account)
        kept = [item for item in own if item.state is ItemState.KEPT]
        return kept + [item for item in own if self.is_hopeful(item, now)]

    def _write(self, contents: Sequence[Content]) -> None:
        """Write contents to the chain, where they stay."""
        parts = tuple(part for each in contents for part in each.parts)
        payload = b"".join(each.payload for each in contents)
        names = " and ".join(each.name for each in contents)
        self._tell(f"writes {names} to the chain: {counted(len(payload), 'byte')}, for ever, without a bond")
        # what an earlier run has sent is in the facts by now, or they have forgotten it since
        intent = f"item:{parts_hash(parts).hex()}:{self._facts().item_count}"
        transact_once(self._chain, RegisterCalldata(parts=parts, payload=payload), intent)

    def _send(self, contents: Sequence[Content], need: Need) -> None:
        """Register contents in the blobs of a transaction."""
        now = self._chain.head().time_seconds
        until = blob_items.last_second(need, now, self._terms.keep_seconds)
        bond_wei = self._rules.registrant_bond_wei
        self._tell(blob_items.in_words(contents, blob_count(contents), bond_wei, until - now))
        manifest, blobs = blob_items.encoded_item(contents, self._world.kzg)
        blob_items.register_in_blobs(self._chain, manifest, blobs, until)

    def is_hopeful(self, item: KnownItem, now: int) -> bool:
        """Whether keepers may still take it."""
        end = item.record.since + ROUNDS * self._rules.acknowledge_seconds
        return item.state is ItemState.REGISTERED and now <= end

    def _facts(self) -> Facts:
        return self._chain.facts().data

    def _register(self, contents: Sequence[Content], need: Need, seats: int) -> None:
        names = " and ".join(each.name for each in contents)
        count, now = blob_count(contents), self._chain.head().time_seconds
        until = self._last_second(need, now)
        manifest = publish(
            self._world.blobs,
            self._world.kzg,
            (each.tree for each in contents),
            lambda done: self._stored(names, done, count),
        )
        if manifest.parts != tuple(part for each in contents for part in each.parts):
            raise Bug("expected an item to have the parts that it was planned with")
        self.register(manifest, names, seats, until, f"the job may need it until {moment(need.until)}")

    def register(self, manifest: Manifest, names: str, seats: int, until: int, why: str) -> None:
        """Register an item that is in the store, if keepers can fetch it there."""
        check_served(self._terms.url, manifest, may_be_private=self._world.may_be_private)
        self._publish_hashes(manifest)
        now, count = self._chain.head().time_seconds, len(manifest.commitments)
        fee_wei = self.fee_wei(count, until - now)
        call = Register(
            parts=manifest.parts,
            nodes=named_nodes(manifest.versioned_hashes),
            seat_count=seats,
            until=until,
            fee_wei=fee_wei,
            url=self._terms.url,
        )
        bond_wei = self._rules.registrant_bond_wei
        self._tell(
            f"registers {names} with {counted(seats, 'keeper')} until {moment(until)}"
            f" ({duration_in_days(until - now)}; {why}): {coins(fee_wei * seats)} of fees, and a bond of"
            f" {coins(bond_wei)}, which comes back then"
        )
        self._leave_behind(
            f"the registration of {names} may have been sent: `truestep items` shows whether it is on the"
            " chain. Wait for that, then run the same command again: it goes on with the item"
        )
        transact_once(self._chain, call, f"item:{manifest.name.hex()}:{until}")
        self._leave_behind(
            f"an item with {names} is registered, with a bond of {coins(bond_wei)} and"
            f" {coins(fee_wei * seats)} of fees. The same command goes on with it and pays nothing twice;"
            " `truestep items` shows it, and `truestep items --close` takes bond and fees back once it is"
            f" over, or if too few keepers have signed in {duration(self._rules.acknowledge_seconds)}"
        )

    def _last_second(self, need: Need, now: int) -> int:
        """Until when an item is registered. Refuses a time that is too short for the job, or too long."""
        slack_seconds = ROUNDS * self._rules.acknowledge_seconds + SPARE_SECONDS
        return last_second(
            now,
            self._terms.keep_seconds,
            least_seconds=min(need.until + slack_seconds - now, DURATION_LIMIT_SECONDS),
            most_seconds=DURATION_LIMIT_SECONDS,
        )

    def fee_wei(self, blobs: int, seconds: int) -> int:
        """Of each seat: for blobs and days, and the rent of its share."""
        return item_fee_wei(self._rules, self._terms.fee_wei, self._terms.rent_bps, blobs, seconds)

    def _tell_of_ends(self, items: Sequence[KnownItem]) -> None:
        """Say of items that were there before if they end earlier than was asked for."""
        if self._terms.keep_seconds is None:
            return
        wanted = self._chain.head().time_seconds + self._terms.keep_seconds
        for item in {each.item_id: each for each in items}.values():
            if item.record.until + DAY_SECONDS < wanted:
                self._tell(
                    f"item {item.item_id} holds it already, until {moment(item.record.until)}, which is"
                    " enough"
                    f" for the job; `truestep extend {item.item_id}` has the same bytes kept for longer"
                )

    @property
    def _is_by_keepers(self) -> bool:
        return self._availability is Availability.KEEPERS

    def seats(self, items: int) -> int:
        """Of each of so many new items."""
        enough = max(SEATS_USUAL, self._terms.seat_count or 0)
        return chosen_seats(free_shares(self._chain, enough, items), self._terms.seat_count, items)

    def _stored(self, names: str, done: int, of: int) -> None:
        if done == of or done % -(-of // 10) == 0:
            self._tell(f"stored {done:,} of {counted(of, 'blob')} of {names}")

    def _publish_hashes(self, manifest: Manifest) -> None:
        """Emit the hashes of an item that is too large to name them when it is registered (A1.4)."""
        hashes = manifest.versioned_hashes
        if len(hashes) <= NODES_LIMIT:
            return
        for start in range(0, len(hashes), HASHES_AT_ONCE):
            call = PublishHashes(hashes=hashes[start : start + HASHES_AT_ONCE])
            transact_once(self._chain, call, f"hashes:{manifest.name.hex()}:{start}")

    # --- keepers ------------------------------------------------------------------------------------------

    def wait(self, item_ids: Collection[ItemId]) -> None:
        """Until all are kept. Has seats drawn meanwhile. Gives up after some rounds."""
        said: dict[ItemId, str] = {}
        while True:
            waiting = self._unkept(item_ids)
            now = self._chain.head().time_seconds
            for item in waiting:
                words = _in_words(item) + self._assign(item, now)
                if said.get(item.item_id) != words:
                    said[item.item_id] = words
                    self._tell(words)
            late = [item for item in waiting if not self.is_hopeful(item, now)]
            if not waiting:
                return
            closed = [item for item in late if item.was_kept or self._close(item)]
            if late and len(closed) == len(late):
                raise self._given_up(late)
            self._world.clock.sleep(POLL_SECONDS)

    def _unkept(self, item_ids: Collection[ItemId]) -> list[KnownItem]:
        items = self._facts().items
        found = [items[item_id] for item_id in item_ids if item_id in items]
        if len(found) < len(item_ids) or not all(item.is_open for item in found):
            raise Rejected(
                Reject.DATA_NOT_KEPT,
                "an item was struck, lost or closed while this command waited for it; run it again to have"
                " the data kept anew",
            )
        return [item for item in found if item.state is not ItemState.KEPT]

    def _assign(self, item: KnownItem, now: int) -> str:
        """Have keepers drawn for vacant seats, if nobody else has done it yet. Says what is in the way."""
        vacant = item.record.seat_count - sum(
            1
            for seat in item.seats.values()
            if seat.acknowledged_at or now <= seat.drawn_at + self._rules.acknowledge_seconds
        )
        last = max((seat.drawn_at for seat in item.seats.values()), default=item.record.since)
        if not vacant or now <= last:
            return ""
        call = Assign(item_id=item.item_id, record=item.record)
        try:
            # a seat that is lost leaves the same number of vacant ones and the same draws behind
            intent = f"assign:{item.item_id}:{last}:{item.changed_at}:{vacant}"
            transact_once(self._chain, call, intent)
        except Rejected as refused:  # else keepers have just done it, or it is too early by a block
            is_full = refused.reason is Reject.KEEPERS_UNDRAWN
            return "; no keeper has a free share for it at the moment" if is_full else ""
        return ""

    # --- items that nobody takes ----------------------------------------------------------------------

    def _close_hopeless(self) -> None:
        """Get back the bonds of items that an earlier run has waited for in vain."""
        facts, now = self._facts(), self._chain.head().time_seconds
        for item in own_items(facts, self._chain.account):
            is_over = item.state is ItemState.REGISTERED and not self.is_hopeful(item, now)
            if is_over and not item.was_kept and self._close(item):
                self._tell(f"closed item {item.item_id}, which too few keepers have taken: its bond is back")

    def _close(self, item: KnownItem) -> bool:
        """Whether an item could be closed: not if it was kept just now, or somebody asks for its bytes."""
        try:
            close_item(self._chain, item)
        except Rejected:
            return False
        return True

    def _given_up(self, items: Sequence[KnownItem]) -> Rejected:
        names = " and ".join(f"item {item.item_id}" for item in items)
        signed = min(_signed(item) for item in items)
        waited = duration(ROUNDS * self._rules.acknowledge_seconds)
        return Rejected(
            Reject.DATA_NOT_KEPT,
            f"too few keepers have taken {names} in {waited}: {signed} of {items[0].record.seat_count} have"
            " signed. It is closed, and `truestep withdraw` takes bond and fees back. Perhaps keepers have no"
            f" free shares, want more than --keeper-fee {coins(self._terms.fee_wei)}, cannot reach"
            f" {items[0].url}, or need longer than {duration(self._rules.acknowledge_seconds)} to fetch and"
            f" check {counted(max(item.record.blob_count for item in items), 'blob')}",
        )


def own_items(facts: Facts, account: Address) -> list[KnownItem]:
    """The items that an account has registered and that are not closed."""
    return [
        item
        for item in facts.items.values()
        if item.record.registrant == account and item.state not in OVER and not item.is_written
    ]


def close_item(chain: Chain, item: KnownItem) -> None:
    """End an item, so that bond and unused fees come back. Raises Rejected if it is not over."""
    call = CloseItem(item_id=item.item_id, record=item.record)
    transact_once(chain, call, f"close item:{item.item_id}:{chain.head().hash.hex()}")


def _has_seats(item: KnownItem) -> bool:
    return item.record.seat_count > 0


def _signed(item: KnownItem) -> int:
    return sum(1 for seat in item.seats.values() if seat.acknowledged_at)


def _in_words(item: KnownItem) -> str:
    drawn = f"{counted(len(item.seats), 'keeper')} drawn" if item.seats else "no keepers are drawn yet"
    return (
        f"item {item.item_id}: {drawn}, {_signed(item)} of {item.record.seat_count} have signed; it is kept"
        f" once {item.record.seat_count // 2 + 1} have"
    )
