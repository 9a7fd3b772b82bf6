"""All contracts with Kept as policy 2; items and challenges are as the test says, games are on real runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from tests.contracts.compiled import deploy_compiled
from tests.contracts.evm import EvmContract, Receipt
from tests.contracts.playing import Arena, artifact_with_base_fee
from tests.contracts.settings import BOB, DEPLOYER, KEEPER, Values
from tests.contracts.settlement import PostedJob, TakenBatch
from truestep.adapters.chain.record_codec import checksummed
from truestep.availability.parts import Part, parts_hash
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.items import ItemState, Record, Standing
from truestep.protocol.availability.contracts.kept import Named
from truestep.protocol.availability.ids import ChallengeKind, ChallengePlace, ItemId
from truestep.protocol.availability.kept import PROGRAM_DEPTH, RANGE_DEPTH
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.settlement.trees import item_leaf, path_in

ANSWER_SECONDS, ACKNOWLEDGE_SECONDS, BLOB_BOND_WEI = 600, 1_800, 10**16
OUTPUT_SECONDS = 60 * 86_400
POLICY = 2
ZERO = Bytes32(bytes(32))
ZERO_RECORD = Record(
    registrant=Address("0x" + "00" * 20),
    parts_hash=ZERO,
    hashes_root=ZERO,
    blob_count=0,
    seat_count=0,
    since=0,
    until=0,
    fee_wei=0,
    bond_wei=0,
)
NO_OUTPUTS = Named(item_id=ItemId(0), record=ZERO_RECORD, part=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeItem:
    """An item, with all that calls say of it."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]

    def named(self, part: int = 0) -> Named:
        """The item and one of its parts, as calls name it."""
        return Named(item_id=self.item_id, record=self.record, part=part)


def program_part(job: PostedJob) -> Part:
    """What holds a job's program."""
    return Part(root=job.work.image_root, depth=PROGRAM_DEPTH, first_leaf=0, leaf_count=5)


def input_part(job: PostedJob) -> Part:
    """What holds a job's input."""
    return Part(root=job.work.input_root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=3)


def output_parts(leaves: Sequence[Leaf]) -> list[Part]:
    """What holds the outputs of leaves, one part for equal ones."""
    roots = dict.fromkeys(leaf.output_root for leaf in leaves)
    return [Part(root=root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=1) for root in roots]


class KeptArena(Arena):
    """The contracts, in which nothing is final whose data is not kept."""

    def __init__(self, values: Values | None = None) -> None:
        super().__init__(values) if values is not None else super().__init__()
        self.kept = self.deploy_kept()
        self.by_owner(self.assurances, "add", self.kept.address, POLICY)
        self.item_count = 0

    def deploy_kept(self) -> EvmContract:
        """Deploy Kept, and what stands for the contracts that it asks."""
        rules = (ANSWER_SECONDS, ACKNOWLEDGE_SECONDS, BLOB_BOND_WEI)
        self.availability = self.double("AvailabilityDouble", *rules)
        links = (self.assurances.address, *[self.availability.address] * 3)
        return deploy_compiled(self.evm, artifact_with_base_fee("Kept", 1), *links, sender=DEPLOYER)

    # --- items ------------------------------------------------------------------------------------

    def item(
        self, *parts: Part, state: ItemState = ItemState.KEPT, until: int | None = None, **record: Any
    ) -> MadeItem:
        """Register an item and let it be in this state; it ends in 300 days unless told otherwise."""
        self.item_count += 1
        usual = {"registrant": Address(checksummed(KEEPER)), "blob_count": 1, "seat_count": 4}
        until = self.now + 300 * 86_400 if until is None else until
        changes = usual | {"parts_hash": parts_hash(parts), "since": self.now, "until": until} | record
        made = MadeItem(item_id=ItemId(self.item_count), record=replace(ZERO_RECORD, **changes), parts=parts)
        self.put(made, state)
        return made

    def put(self, item: MadeItem, state: ItemState, **changes: Any) -> None:
        """Let an item be in another state."""
        usual = {
            "state": state,
            "was_kept": state in (ItemState.KEPT, ItemState.LOST),
            "is_contested": False,
            "changed_at": self.now,
            "published_at": 0,
            "record_hash": hash_struct(item.record),
        }
        standing = Standing(**(usual | changes))
        self.availability.transact("put", item.item_id, astuple(standing))

    def challenge(self, item: MadeItem, kind: ChallengeKind = ChallengeKind.BLOB, blob: int = 0) -> int:
        """Open a challenge."""
        place = ChallengePlace(
            item_id=item.item_id, acknowledged_at=1, seat=0, kind=kind, blob=blob, element=0
        )
        self.availability.transact("challenge", place.pack(), b"c" * 32)
        return place.pack()

    def answer(self, challenge_id: int, item: MadeItem) -> None:
        """Answer it, by publishing the blob."""
        self.availability.transact("challenge", challenge_id, bytes(32))
        self.put(item, ItemState.KEPT, published_at=self.now)

    # --- jobs and batches -------------------------------------------------------------------------

    def post_kept(self, **order: Any) -> tuple[PostedJob, MadeItem]:
        """A job under Kept, with an item of its program and input that is kept."""
        job = self.post_runs(policy=POLICY, **order)
        return job, self.item(program_part(job), input_part(job))

    def supply(
        self, job: PostedJob, item: MadeItem, other: MadeItem | None = None, sender: str = BOB
    ) -> Receipt:
        """Name the item of both, or one of the program and one of the input."""
        given, place = (item, 1) if other is None else (other, 0)
        arguments = (job.job_id, astuple(job.work), astuple(job.terms))
        named = (astuple(item.named()), astuple(given.named(place)))
        parts = (rows(item.parts), rows(given.parts))
        return self.kept.transact("supply", *arguments, *named, *parts, sender=sender)

    def supplied_job(self, **order: Any) -> tuple[PostedJob, MadeItem]:
        """A job that can be taken."""
        job, item = self.post_kept(**order)
        self.supply(job, item)
        return job, item

    def deliver(
        self,
        batch: TakenBatch,
        item: MadeItem | None,
        sender: str,
        places: bytes | None = None,
        parts: Sequence[Part] | None = None,
    ) -> Receipt:
        """Name the item of a batch's outputs, or that there are none."""
        named = NO_OUTPUTS if item is None else item.named()
        given = parts if parts is not None else () if item is None else item.parts
        roots = [part.root for part in given]
        if places is None:
            found = [
                roots.index(leaf.output_root) if leaf.output_root in roots else 0 for leaf in batch.leaves
            ]
            places = bytes(found)
        leaves = [astuple(leaf) for leaf in batch.leaves]
        arguments = (batch.batch_id, astuple(batch.terms), leaves, astuple(named), rows(given), places)
        return self.kept.transact("deliver", *arguments, sender=sender)

    def outputs(self, batch: TakenBatch, state: ItemState = ItemState.KEPT, **record: Any) -> MadeItem:
        """An item of all outputs of a batch."""
        return self.item(*output_parts(batch.leaves), state=state, **record)

    def hold(
        self,
        batch: TakenBatch,
        challenge_id: int,
        value_wei: int,
        sender: str = KEEPER,
        index: int = 0,
        function: str = "hold",
    ) -> Receipt:
        """Hold a batch for one of its items; or `hold_for_demand`."""
        leaves = [item_leaf(item, self.posted[unpack_item(item).job_id].digest) for item in batch.items]
        place = (batch.items[index], index, path_in(leaves, index))
        arguments = (batch.batch_id, astuple(batch.terms), *place, challenge_id)
        return self.kept.transact(function, *arguments, sender=sender, value=value_wei)

    def settle_hold(self, receipt: Receipt) -> Receipt:
        """End a hold that was made."""
        (event,) = [event for event in receipt.events if event.name == "Held"]
        fields = event.fields
        return self.kept.transact("settle_hold", fields["batch_id"], fields["ordinal"], fields["hold"])

    def fail(self, batch: TakenBatch, leaf_index: int = 0, sender: str = KEEPER) -> Receipt:
        """Strike a leaf whose data is gone."""
        proof = astuple(batch.proof(leaf_index, self.posted))
        return self.kept.transact(
            "fail", batch.claim_id(leaf_index), astuple(batch.terms), proof, sender=sender
        )

    def owed_by_kept(self, account: str) -> int:
        """What Kept owes."""
        return self.kept.call("credits", account)

    def stake(self, operator: str) -> tuple[int, int]:
        """An operator's stake, and what is locked of it."""
        return self.operators.call("accounts", operator)


def rows(parts: Sequence[Part]) -> list[tuple[Any, ...]]:
    """Parts as a call takes them."""
    return [(part.root, part.depth, part.first_leaf, part.leaf_count) for part in parts]
