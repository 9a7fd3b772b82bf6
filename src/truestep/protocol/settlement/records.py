"""What the contracts keep and what callers state again, as values (docs/protocol.md S1 to S5)."""

from enum import IntEnum

from truestep.base.ids import Address, Bytes32, ProgramId
from truestep.base.records import record
from truestep.protocol.settlement.ids import PackedItem
from truestep.protocol.settlement.standing import NOTHING_KNOWN, Counts, Entry


@record
class Program:
    """A registered program (S1.1)."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    workload: int
    digest: Bytes32
    owner: Address


@record
class Order:
    """What a requester asks for (S3.1)."""

    program_id: ProgramId
    program_hash: Bytes32
    """Of what the number must stand for."""
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    reward: int
    asset: Address
    lease_seconds: int
    deadline: int
    window_seconds: int
    bond_multiple: int
    policy: int
    parameters_id: int
    """The newest set."""
    consumer: Address
    callback_gas: int
    reducer_of: int
    """The job that it reduces and the level of a slot, `job_id << 8 | level` (S4.9), or 0."""


@record
class Work:
    """What a job computes (S1.2)."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    input_root: Bytes32
    input_size: int
    seed: Bytes32
    shard_count: int


@record
class JobTerms:
    """The terms of a job (S1.3)."""

    requester: Address
    consumer: Address
    callback_gas: int
    asset: Address
    policy: int
    parameters_id: int
    bond_multiple: int
    window_seconds: int
    lease_seconds: int
    reducer_of: int


@record
class BatchTerms:
    """What every call on a batch states again (S4.2)."""

    tasks_root: Bytes32
    claims_root: Bytes32
    reward: int
    bond_wei: int
    asset: Address
    window_seconds: int
    lease_seconds: int


@record
class Leaf:
    """What a claim says of one task (S4.3, S5.1)."""

    head: int
    """[ status 64 | code 64 | cycle 64 | output_size 64 ]"""
    output_root: Bytes32
    left_root: Bytes32

    @property
    def status(self) -> int:
        """1 exited, 2 trapped, 0 running; everything else is false."""
        return self.head >> 192

    @property
    def code(self) -> int:
        """Exit code or cause of the trap."""
        return self.head >> 128 & 2**64 - 1

    @property
    def cycle(self) -> int:
        """The number of the last state."""
        return self.head >> 64 & 2**64 - 1

    @property
    def output_size(self) -> int:
        """Bytes of output."""
        return self.head & 2**64 - 1


@record
class LeafProof:
    """That a leaf is in a batch, and which task of which job it is about (S4.8)."""

    item: PackedItem
    item_index: int
    item_path: tuple[Bytes32, ...]
    work: Work
    job_terms: JobTerms
    leaf: Leaf
    leaf_path: tuple[Bytes32, ...]


class BatchStage(IntEnum):
    """Where a batch is in its life (S4)."""

    NONE = 0
    TAKEN = 1
    CLAIMED = 2
    FINAL = 3
    OVER = 4


@record
class Batch:
    """A batch. The contracts keep the hash of the terms instead of them."""

    stage: BatchStage
    leaf_count: int
    until: int
    operator: Address
    parameters_id: int
    policy: int
    terms: BatchTerms
    items: tuple[PackedItem, ...]
    """Those behind tasks_root, which the contracts are given again."""
    struck: int = 0
    """A bit for each leaf that was struck."""
    held: int = 0
    """Of a FINAL batch: a bit for each leaf that had to wait and is not final yet (S4.5)."""


@record
class Job:
    """A job. The contracts keep its digest instead of work and terms (S1.3, S3.2)."""

    work: Work
    terms: JobTerms
    digest: Bytes32
    reward: int
    """For each shard."""
    deadline: int
    standing: int = 0
    """A bit for each shard that is in a standing batch or final."""
    refunded: int = 0
    """A bit for each shard that was refunded."""
    final_count: int = 0
    """Shards that are written out (S4.8)."""
    is_called_back: bool = False
    is_fed: bool = True
    """Whether its input is known: a reducer's is not before all outputs are in."""
    is_supplied: bool = True
    """Whether its policy has seen its data, if it asks for that."""

    @property
    def is_ready(self) -> bool:
        """Whether it can be taken, as far as its input is concerned."""
        return self.is_fed and self.is_supplied

    @property
    def busy(self) -> int:
        """A bit for each shard that nobody can take (S3.2)."""
        return self.standing | self.refunded


@record
class Stake:
    """An operator's stake, the part of it that is locked, in wei, and what is known of it (S9.1)."""

    stake_wei: int = 0
    locked_wei: int = 0
    """With what is pledged."""
    pledged_wei: int = 0
    facts: Counts = NOTHING_KNOWN
    is_listed: bool = False
    """Whether it is on the allow-list (operators O4)."""

    @property
    def free_wei(self) -> int:
        """What may be locked or withdrawn."""
        return self.stake_wei - self.locked_wei

    @property
    def entry(self) -> Entry:
        """What decides what it may do (operators O3, O4)."""
        return Entry(
            stake_wei=self.stake_wei - self.pledged_wei,
            locked_wei=self.locked_wei - self.pledged_wei,
            pledged_wei=self.pledged_wei,
            facts=self.facts,
            is_listed=self.is_listed,
        )
