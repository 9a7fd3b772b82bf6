"""What the events of all contracts have said, as values."""

from collections.abc import Mapping
from dataclasses import field

from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, TaskId
from truestep.base.records import record
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.state import Audit, AuditedBatch, JobFund
from truestep.protocol.availability.facts import Event as DataEvent
from truestep.protocol.availability.facts import Facts as DataFacts
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept_state import Kept
from truestep.protocol.events import LogPosition
from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.lots.state import Lot, LotKey, Offered
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum.state import Load, Purse, Seated, Sitting
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.games import ChallengedClaim
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import Batch, Job, Leaf, Program, Stake
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.proving import Proving
from truestep.protocol.validity.state import ClaimProof, KeptEntry

Event = (
    parameters.Event
    | programs.Event
    | operators.Event
    | assurances.Event
    | jobs.Event
    | results.Event
    | disputes.Event
    | DataEvent
    | verifiers.Event
    | audits.Event
    | quorums.Event
    | lots.Event
)


@record
class Logged:
    """An event, its place in the chain, and the time of its block, which clocks need and no event says."""

    event: Event
    at: LogPosition
    time: int
    """Need not be known, and is 0 then, unless the event is one of `fold.TIMED`."""


@record
class KnownJob:
    """A job that is not over."""

    job: Job
    program_id: ProgramId
    input_uri: str
    at: LogPosition
    """Where it was posted."""
    is_wanted: bool
    """Whether its results stay until they are written out."""
    final: int = 0
    """A bit for each shard that is final."""
    needed_by: int = 0
    """How many items of batches, challenged claims and unfed reducers of it are in the facts."""


@record
class KnownBatch:
    """A batch that is not over."""

    batch: Batch
    at: LogPosition
    """Where it was taken."""
    leaves: bytes = b""
    """Once claimed: 96 bytes for each."""
    written: int = 0
    """A bit for each leaf that is written out."""


@record
class KnownDispute:
    """A claim that was challenged or struck."""

    task_id: TaskId
    claim: ChallengedClaim = field(default_factory=ChallengedClaim)


@record
class KnownSplit:
    """The hashes inside a node, which lie between those of the games that stand on it (S6.4)."""

    claim_id: LeafId
    hashes: tuple[Bytes32, ...]
    time: int
    """When it was split."""


@record
class Facts:
    """All that calls depend on and that is not over, as of one place in the chain. Never changes.

    Nothing here is a belief: whoever has the same events has the same facts.
    """

    deployment: Deployment
    keeping: Keeping | None = None
    """The contracts of availability, if the network has them."""
    proving: Proving | None = None
    """Verifiers, if the network has it."""
    auditing: Auditing | None = None
    """Audits, if the network has it."""
    seating: Seating | None = None
    """Quorums, if the network has it."""
    dealing: Dealing | None = None
    """Lots, if the network has it."""
    keeps: frozenset[Address] | None = None
    """Requesters and consumers whose results stay until they are written out; None: everybody's."""
    at: LogPosition | None = None
    """The newest event."""
    stopped_at: int = 0
    stopped_until: int = 0
    parameters: tuple[Parameters, ...] = ()
    programs: tuple[Program, ...] = ()
    program_uris: tuple[str, ...] = ()
    stakes: Mapping[Address, Stake] = field(default_factory=dict[Address, Stake])
    roles: Mapping[tuple[Address, Address], int] = field(default_factory=dict[tuple[Address, Address], int])
    """Of (operator, delegate)."""
    job_count: int = 0
    jobs: Mapping[JobId, KnownJob] = field(default_factory=dict[JobId, KnownJob])
    batch_count: int = 0
    batches: Mapping[BatchId, KnownBatch] = field(default_factory=dict[BatchId, KnownBatch])
    outcomes: Mapping[TaskId, Leaf] = field(default_factory=dict[TaskId, Leaf])
    """What was written out of jobs that are wanted. A left root is 0 if it is not known any more."""
    credits: Mapping[tuple[Address, Address], int] = field(default_factory=dict[tuple[Address, Address], int])
    """What Jobs owes, by (asset, account)."""
    disputes: Mapping[LeafId, KnownDispute] = field(default_factory=dict[LeafId, KnownDispute])
    """Claims with games, or with coins of a struck one still to be given away."""
    games: Mapping[LeafGameId, Game] = field(default_factory=dict[LeafGameId, Game])
    ordinals: Mapping[tuple[LeafId, Address], int] = field(default_factory=dict[tuple[LeafId, Address], int])
    """Which game of a claim is a challenger's."""
    splits: Mapping[Bytes32, KnownSplit] = field(default_factory=dict[Bytes32, KnownSplit])
    """By node."""
    shown: Mapping[tuple[LeafId, Bytes32], int] = field(default_factory=dict[tuple[LeafId, Bytes32], int])
    """Games that showed a state hash."""
    bond_credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    """What Disputes owes."""
    pots: Mapping[TaskId, int] = field(default_factory=dict[TaskId, int])
    """How many struck claims on a task have winners that are not rewarded."""
    results: Mapping[TaskId, LeafId] = field(default_factory=dict[TaskId, LeafId])
    """The final claims of tasks with pots, which their rewards must name, and of tasks in doubt."""
    data: DataFacts = field(default_factory=DataFacts)
    """Items, keepers, challenges and demands."""
    kept: Kept = field(default_factory=Kept)
    """What the policy *kept* knows of jobs and batches that are not over, and holds of struck batches too.

    No event says all of what it owes and has burned, so nothing of that is here.
    """
    entries: tuple[KeptEntry, ...] = ()
    """Of Verifiers."""
    entry_stopped_at: int = 0
    """When one was stopped last."""
    proofs: Mapping[LeafId, ClaimProof] = field(default_factory=dict[LeafId, ClaimProof])
    """Of claims of batches that are not over, and of struck ones whose entry is not stopped."""
    proven: Mapping[BatchId, int] = field(default_factory=dict[BatchId, int])
    """The leaves of batches that are not over and are proven, a bit each."""
    reopened_until: Mapping[BatchId, int] = field(default_factory=dict[BatchId, int])
    """The last second for games on batches with proofs (V4.2)."""
    funds: Mapping[JobId, JobFund] = field(default_factory=dict[JobId, JobFund])
    """What is paid ahead for audits of jobs that are not over."""
    audited: Mapping[BatchId, AuditedBatch] = field(default_factory=dict[BatchId, AuditedBatch])
    """Batches that are prepared for audits, and not over."""
    audits: Mapping[LeafId, Audit] = field(default_factory=dict[LeafId, Audit])
    """Audits that have an auditor and have not ended."""
    purses: Mapping[JobId, Purse] = field(default_factory=dict[JobId, Purse])
    """Of jobs under *quorum* that are not over."""
    committees: Mapping[JobId, Seated] = field(default_factory=dict[JobId, Seated])
    failed: Mapping[tuple[JobId, Address], bool] = field(default_factory=dict[tuple[JobId, Address], bool])
    """Operators that may take nothing of a job any more."""
    sittings: Mapping[BatchId, Sitting] = field(default_factory=dict[BatchId, Sitting])
    """What members have said of batches that are not over, or of which somebody is to be paid or charged."""
    commitments: Mapping[tuple[BatchId, int], int] = field(default_factory=dict[tuple[BatchId, int], int])
    dissents: Mapping[tuple[BatchId, int], Bytes32] = field(
        default_factory=dict[tuple[BatchId, int], Bytes32]
    )
    quorum_load: Load = field(default_factory=Load)
    offers: Mapping[JobId, Offered] = field(default_factory=dict[JobId, Offered])
    """Of jobs under *drawn* that are not over."""
    lots: Mapping[LotKey, Lot] = field(default_factory=dict[LotKey, Lot])
    """Their lots that were drawn."""
    late: Mapping[tuple[JobId, Address], bool] = field(default_factory=dict[tuple[JobId, Address], bool])
    """Holders that have failed a job, and take nothing of it any more."""
