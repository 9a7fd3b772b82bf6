"""Calls and events of Jobs (docs/protocol.md S3, S4, S9.2)."""

from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, TaskId
from truestep.base.records import record
from truestep.protocol.settlement.ids import LeafId, PackedItem
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Order, Work


@record
class Post:
    """Post a job with its whole reward (S3.1)."""

    order: Order


@record
class TopUp:
    """Raise the reward of every shard (S3.3)."""

    job_id: JobId
    job_digest: Bytes32
    reward: int


@record
class Close:
    """Let the deadline be now (S3.4)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@record
class Cancel:
    """Refund shards that are not busy to the requester (S3.3)."""

    job_id: JobId
    work: Work
    terms: JobTerms
    shards: tuple[int, ...]


@record
class Take:
    """Lease tasks as one batch (S4.1)."""

    operator: Address
    items: tuple[PackedItem, ...]
    tasks_root: Bytes32
    min_reward: int
    min_until: int
    """When the lease may end at the earliest."""


@record
class Claim:
    """State the final states of a batch (S4.3)."""

    batch_id: BatchId
    terms: BatchTerms
    leaves: tuple[Bytes32, ...]
    """Three words for each (S4.3)."""


@record
class Finalize:
    """End a batch that is due (S4.4). Items only if a leaf is held."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@record
class FinalizeLeaf:
    """Finalize a leaf that its batch left behind (S4.5)."""

    claim_id: LeafId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@record
class Expire:
    """End a batch whose lease was missed (S4.6)."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@record
class Release:
    """Give a lease back (S4.6)."""

    batch_id: BatchId
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@record
class Strike:
    """Take a false leaf out of its batch, by Disputes (S4.7)."""

    claim_id: LeafId
    task_id: TaskId
    bond_wei: int


@record
class Withdraw:
    """Send all that the sender is owed of an asset to a receiver (S9.2)."""

    asset: Address
    receiver: Address


@record
class Posted:
    """A job was posted."""

    job_id: JobId
    program_id: ProgramId
    requester: Address
    job_digest: Bytes32
    reward: int
    deadline: int
    work: Work
    terms: JobTerms
    input_uri: str


@record
class ToppedUp:
    """Every shard earns this much now."""

    job_id: JobId
    sender: Address
    reward: int


@record
class Closed:
    """The job's deadline is now."""

    job_id: JobId


@record
class Cancelled:
    """These shards were refunded."""

    job_id: JobId
    requester: Address
    shards: tuple[int, ...]
    refund: int


@record
class Taken:
    """A batch was taken."""

    batch_id: BatchId
    operator: Address
    until: int
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@record
class Claimed:
    """Final states were stated, three words for each leaf."""

    batch_id: BatchId
    operator: Address
    until: int
    claims_root: Bytes32
    leaves: tuple[Bytes32, ...]


@record
class Finalized:
    """A batch is final but for the leaves that are held."""

    batch_id: BatchId
    operator: Address
    reward: int
    held: int


@record
class LeafFinalized:
    """A leaf that was held is final."""

    claim_id: LeafId
    operator: Address
    reward: int


@record
class Expired:
    """A lease was missed."""

    batch_id: BatchId
    operator: Address
    penalty_wei: int


@record
class Released:
    """A lease was given back."""

    batch_id: BatchId
    operator: Address
    penalty_wei: int


@record
class Struck:
    """A leaf was false."""

    claim_id: LeafId
    operator: Address
    task_id: TaskId
    bond_wei: int


@record
class Resolved:
    """A reducer can be taken; its work is known now."""

    job_id: JobId
    job_digest: Bytes32


@record
class Withdrawn:
    """An account took what it was owed."""

    asset: Address
    account: Address
    receiver: Address
    amount: int


Call = (
    Post
    | TopUp
    | Close
    | Cancel
    | Take
    | Claim
    | Finalize
    | FinalizeLeaf
    | Expire
    | Release
    | Strike
    | Withdraw
)
Event = (
    Posted
    | ToppedUp
    | Closed
    | Cancelled
    | Taken
    | Claimed
    | Finalized
    | LeafFinalized
    | Expired
    | Released
    | Struck
    | Resolved
    | Withdrawn
)
