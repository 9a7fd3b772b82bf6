"""The calls of the life cycle, in the contracts' names (docs/settlement.md S2 to S4, S9)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, ClaimId, JobId, TaskId
from truestep.protocol.settlement.ids import BatchId, PackedItem
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, LeafProof, Order, Work

NO_JOB = JobId(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddParameters:
    """Add a set, by the owner (S2.4)."""

    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFinalize:
    """Stop `finalize` until a time, by the timelock (S2.4)."""

    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProgram:
    """Register a program (S1.1)."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    workload: int
    digest: Bytes32
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositFor:
    """Add the coins sent to an operator's stake (S9.1)."""

    operator: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send free stake of the sender to a receiver (S9.1)."""

    receiver: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDelegate:
    """Give a delegate of the sender its roles (S1.8)."""

    delegate: Address
    roles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Post a job with its whole reward (S3.1). A reducer names its job and the level of a slot (S4.9)."""

    order: Order
    reducer_of: JobId = NO_JOB
    slot_level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Raise the reward of every shard (S3.3)."""

    job_id: JobId
    reward: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Refund shards that are not busy to the requester (S3.3)."""

    job_id: JobId
    work: Work
    terms: JobTerms
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Lease tasks as one batch (S4.1)."""

    operator: Address
    items: tuple[PackedItem, ...]
    tasks_root: Bytes32
    min_reward: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """State the final states of a batch (S4.3)."""

    batch_id: BatchId
    terms: BatchTerms
    leaves: tuple[Leaf, ...]
    running_states: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalize:
    """End a batch that is due (S4.4). Items only if a leaf is struck or held."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeLeaf:
    """Finalize a leaf that its batch left behind (S4.5)."""

    claim_id: ClaimId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """End a batch whose lease was missed (S4.6)."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Give a lease back (S4.6)."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Take a false leaf out of its batch, by Disputes (S4.7)."""

    claim_id: ClaimId
    task_id: TaskId
    bond_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOut:
    """Keep the outcome of a final leaf (S4.8)."""

    claim_id: ClaimId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPart:
    """One leaf of the job that a reducer reduces, and its batch's terms."""

    claim_id: ClaimId
    terms: BatchTerms
    proof: LeafProof
    slot_node: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Give a reducer the next outputs (S4.9)."""

    reducer: JobId
    work: Work
    terms: JobTerms
    parts: tuple[FeedPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """Tell a job's consumer that all shards are written out (S10.2)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Send all that the sender is owed of an asset to a receiver (S9.2)."""

    asset: Address
    receiver: Address


Call = (
    AddParameters
    | StopFinalize
    | RegisterProgram
    | DepositFor
    | WithdrawTo
    | SetDelegate
    | Post
    | TopUp
    | Cancel
    | Take
    | Claim
    | Finalize
    | FinalizeLeaf
    | Expire
    | Release
    | Strike
    | WriteOut
    | Feed
    | CallBack
    | Withdraw
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A call, and what comes with it: who, when, how many native coins, and how strangers behave."""

    sender: Address
    now: int
    call: object
    """A `Call` of this module, or one of games."""
    value_wei: int = 0
    is_delivered: bool = True
    """Whether the stranger that is called (token, receiver, consumer) does what it is asked."""
