"""The chain as one account sees it: typed reads, and sends that are made at most once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.protocol.availability.contracts.keepers import Keeper
from truestep.protocol.availability.ids import KeeperId
from truestep.protocol.calls import Call
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameRecord, JobRecord, Parameters, ProgramRecord, TaskRecord
from truestep.protocol.settlement.facts.evidence import Evidence
from truestep.protocol.settlement.facts.kept_items import JobItems
from truestep.protocol.settlement.facts.policy_words import JobPage
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block. `time_seconds`, since the epoch, is the time that contracts use."""

    number: int
    hash: Bytes32
    time_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What one account has, in wei: in its wallet, as stake, and as credits to withdraw."""

    wallet_wei: int
    stake_wei: int
    locked_wei: int
    rewards_wei: int
    """What Jobs owes it in native coins."""
    winnings_wei: int
    """What Disputes owes it."""
    tokens: Mapping[Address, int] = field(default_factory=dict[Address, int])
    """What Jobs owes it in tokens."""
    for_data: Mapping[str, int] = field(default_factory=dict[str, int])
    """What the contracts of availability owe it, by their names, such as `Items`."""
    room_wei: int | None = None
    """What may be locked for tasks now (operators O3.4); None if nothing bounds it but the stake."""

    @property
    def lockable_wei(self) -> int:
        """Free stake that may be locked for tasks now."""
        free_wei = self.free_stake_wei
        return free_wei if self.room_wei is None else min(free_wei, self.room_wei)

    @property
    def free_stake_wei(self) -> int:
        """Stake that is not locked by a bond."""
        return self.stake_wei - self.locked_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolding:
    """What an account has of a token, and what of it Jobs may take."""

    balance: int
    allowance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The result of a task, as a consumer contract reads it. All fields are zero until it is final."""

    is_final: bool
    is_accepted: bool
    status: int
    code: int
    cycle: int
    output_size: int
    output_root: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The numbers of programs and jobs. An index that knows fewer has missed an event."""

    program_count: int
    job_count: int
    batch_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """What a range of blocks holds. All of it is of one branch of the chain."""

    events: tuple[ChainEvent, ...]
    hashes: dict[int, Bytes32]
    """The hashes of the blocks whose headers were read along; always that of the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What to read of the contracts as of one block, in one question."""

    tasks: Collection[TaskId] = ()
    games: Collection[GameId] = ()
    claims: Collection[ClaimId] = ()
    """Whose open games are counted."""
    pages: Collection[JobPage] = ()
    """What the contracts of policies say of these shards is compared with their events."""
    balances_of: Address | None = None
    has_counters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The answer to an `Inquiry`; tasks of unknown jobs, and unknown games, are left out."""

    tasks: dict[TaskId, TaskRecord]
    games: dict[GameId, GameRecord]
    open_game_counts: dict[ClaimId, int]
    balances: Balances | None
    counters: Counters | None
    pages: Mapping[JobPage, bool] = field(default_factory=dict[JobPage, bool])
    """Whether policies say what their events have told; pages of which none says anything are left out."""


class Outcome(StrEnum):
    """The outcome of a transaction."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One intent and its outcome. `reason` says why it was reverted."""

    intent: str
    outcome: Outcome
    transaction_hash: Bytes32
    block_number: int | None = None
    gas_used: int = 0
    gas_price_wei: int = 0
    reason: str = ""

    @property
    def fee_wei(self) -> int:
        """The cost of its gas."""
        return self.gas_used * self.gas_price_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProof:
    """How the claim on a task was proven (docs/validity.md V4)."""

    number: EntryNumber
    entry: Entry
    statement: Bytes32
    at: LogPosition
    """Where it was proven."""
    seal: bytes
    """Empty if another contract than the sender's own call has given it."""
    circuit_code: bytes
    """Of the contract that a CircuitVerifier asks; empty for verifiers of other systems."""


class ChainReader(Protocol):
    """Reads, by any thread. Each raises `Unavailable` if no node answers, `Rejected` for an unknown id.

    What the contracts keep only hashes of is told by their events, as far as they were read.
    """

    @property
    def first_block(self) -> int:
        """The block of the deployment: no event is older."""
        ...

    def parameters(self) -> Parameters:
        """The newest rules: those of jobs that are posted now. Older jobs keep theirs (`JobRecord`)."""
        ...

    def head(self) -> Head:
        """The newest block."""
        ...

    def program(self, program_id: ProgramId) -> ProgramRecord:
        """A registered program."""
        ...

    def job(self, job_id: JobId) -> JobRecord:
        """A posted job, finished or not."""
        ...

    def task(self, task_id: TaskId) -> TaskRecord:
        """The current record of a task, finished or not."""
        ...

    def result(self, task_id: TaskId) -> TaskResult:
        """A task's result."""
        ...

    def evidence(self, task_id: TaskId) -> Evidence:
        """What a contract needs to check a task's result by itself; refused before the task is final."""
        ...

    def proof_of(self, task_id: TaskId, claim_id: LeafId) -> TaskProof | None:
        """How a claim on a task was proven, final or not; None if it was not. Of a client's chain only."""
        ...

    def call_in(self, transaction_hash: Bytes32) -> bytes:
        """The call of an old transaction, whomever it calls. Unavailable if no node has it."""
        ...

    def items_of_job(self, job_id: JobId, batch_ids: Collection[BatchId]) -> JobItems | None:
        """The items that hold a job's data, finished or not; None if it was never supplied (A5)."""
        ...

    def counters(self) -> Counters:
        """How many programs, jobs and batches there are."""
        ...

    def tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        """Tasks as they stand; those of unknown jobs are left out."""
        ...

    def games(self, game_ids: Collection[GameId], now: int) -> dict[GameId, GameRecord]:
        """Games as they stand at a second; those that are over, or unknown, are left out."""
        ...

    def duties(self, now: int) -> tuple[Duty, ...]:
        """What is left to do besides moves: for anybody, and what this account alone can show."""
        ...

    def facts(self) -> Facts:
        """All that is not over, with the data that jobs depend on.

        To the newest block for clients; a daemon reads by `blocks`.
        """
        ...

    def stopped_until(self) -> int:
        """Until when the guardian keeps batches from ending, and claims open to challenges (S6.1); or 0."""
        ...

    def is_claimed(self, batch_id: BatchId) -> bool:
        """Whether a batch is claimed and not final: else its claims cannot be challenged or refuted."""
        ...

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        """What happened in these blocks, both included, in the chain's order."""
        ...

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        """What `events` returns, and the hashes of blocks that were read along, in one question."""
        ...

    def forget_after(self, block_number: int) -> None:
        """Later blocks are of another branch now: what was read of them is forgotten."""
        ...

    def records(self, inquiry: Inquiry, block_number: int) -> Records:
        """What the contracts say as of a block or a newer one, all in one question."""
        ...

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of block `number` of the present chain; None beyond its head."""
        ...

    def block_hashes(self, numbers: Collection[int]) -> dict[int, Bytes32]:
        """The hashes of these blocks, in one question; those beyond the head are left out."""
        ...

    def balances(self, account: Address) -> Balances:
        """What an account has: of tokens, those that events which were read so far tell of."""
        ...

    def token(self, asset: Address, account: Address) -> TokenHolding:
        """What an account has of a token. Refused for an address that is no token."""
        ...

    def keeper(self, number: KeeperId) -> Keeper:
        """A keeper and its shares, as they are now; all zero if there is none."""
        ...

    def roles_of(self, operator: Address, delegate: Address) -> int:
        """What a delegate may do for an operator: `settlement.ids.Role` (S1.8)."""
        ...


class Chain(ChainReader, Protocol):
    """Reads and sends of one account, by any thread. An intent names one deed, done at most once."""

    @property
    def account(self) -> Address:
        """The account that sends."""
        ...

    def submit(self, call: Call, *, intent: str) -> Transaction:
        """Journal, sign and send; returns at once. An intent known already is not sent again.

        Raises `Rejected` if the contract or the balance would refuse it now (then nothing was sent or kept),
        `Unavailable` if the node cannot be asked; then the same call may be made again.
        """
        ...

    def refresh(self) -> tuple[Transaction, ...]:
        """Look after everything that is pending: receipts, lost transactions, higher fees.

        Returns what was pending before, with its present outcome.
        """
        ...

    def alarms(self) -> tuple[str, ...]:
        """What went wrong with sends since the last call, a sentence each: what happened, what to do."""
        ...

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        ...

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent; None if it was never submitted."""
        ...

    def transact(self, call: Call, *, intent: str, deadline_seconds: float = 300.0) -> Transaction:
        """`submit`, then wait until it is confirmed.

        Raises `Rejected` if it was reverted; `Unavailable` if it is pending after `deadline_seconds`: it may
        land yet, and calling again with the same intent goes on waiting for the same transaction.
        """
        ...
