"""What a call does to the world outside the state: events in the contracts' names, and moves of assets."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, ClaimId, JobId, ProgramId, TaskId
from truestep.protocol.settlement.ids import BatchId, PackedItem
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An asset moves. Contracts are accounts like others."""

    asset: Address
    sender: Address
    receiver: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersAdded:
    """Parameters: `Added`."""

    parameters_id: int
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Programs."""

    program_id: ProgramId
    owner: Address
    image_root: Bytes32
    entry: int
    max_cycles: int
    workload: int
    digest: Bytes32
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited:
    """Operators."""

    operator: Address
    sender: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeWithdrawn:
    """Operators: `Withdrawn`."""

    operator: Address
    receiver: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """Operators."""

    operator: Address
    delegate: Address
    roles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """Operators."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """Operators."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Burned:
    """Operators."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seized:
    """Operators."""

    operator: Address
    batch_id: BatchId
    receiver: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Jobs."""

    job_id: JobId
    program_id: ProgramId
    requester: Address
    job_digest: Bytes32
    reward: int
    deadline: int
    work: Work
    terms: JobTerms
    input_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToppedUp:
    """Jobs."""

    job_id: JobId
    sender: Address
    reward: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Jobs."""

    job_id: JobId
    requester: Address
    shards: tuple[int, ...]
    refund: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Jobs."""

    batch_id: BatchId
    operator: Address
    until: int
    terms: BatchTerms
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Jobs. Three words for each leaf."""

    batch_id: BatchId
    operator: Address
    until: int
    claims_root: Bytes32
    leaves: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """Jobs."""

    batch_id: BatchId
    operator: Address
    reward: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFinalized:
    """Jobs."""

    claim_id: ClaimId
    operator: Address
    reward: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Jobs."""

    batch_id: BatchId
    operator: Address
    penalty_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Jobs."""

    batch_id: BatchId
    operator: Address
    penalty_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """Jobs."""

    claim_id: ClaimId
    operator: Address
    task_id: TaskId
    bond_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOut:
    """Jobs."""

    task_id: TaskId
    claim_id: ClaimId
    outcome: int
    output_root: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledBack:
    """Jobs."""

    job_id: JobId
    consumer: Address
    is_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """Jobs and Disputes."""

    asset: Address
    account: Address
    receiver: Address
    amount: int


Effect = (
    Transfer
    | ParametersAdded
    | Registered
    | Deposited
    | StakeWithdrawn
    | Delegated
    | Locked
    | Unlocked
    | Burned
    | Seized
    | Posted
    | ToppedUp
    | Cancelled
    | Taken
    | Claimed
    | Finalized
    | LeafFinalized
    | Expired
    | Released
    | Struck
    | WrittenOut
    | CalledBack
    | Withdrawn
)
