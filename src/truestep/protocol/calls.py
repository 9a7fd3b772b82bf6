"""The calls that anybody can make on the contracts, as values (docs/protocol.md P7). Amounts in wei."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.protocol.claims import ClaimedState


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Add coins to the sender's stake (P1.6)."""

    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawStake:
    """Withdraw free stake."""

    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDelegate:
    """Name an account that may move in games for the sender."""

    delegate: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProgram:
    """Register a program (P1.1). `uri` says where its ELF file is."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    digest: Bytes32
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostJob:
    """Post a job with its whole reward, `reward_wei` for each shard (P1.2)."""

    program_id: ProgramId
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    reward_wei: int
    lease_seconds: int
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTask:
    """Take a task for the duration of its lease (P2.1)."""

    job_id: JobId
    shard_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitClaim:
    """Claim a task's final state (P2.2). `running_state` is the packed state of a running claim, or empty."""

    task_id: TaskId
    claimed: ClaimedState
    running_state: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeTask:
    """Make an unchallenged claim final (P2.4)."""

    task_id: TaskId
    claimed: ClaimedState


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireTask:
    """Reopen a task whose lease has ended without a claim (P2.3)."""

    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimTasks:
    """Return to the requester the rewards that nobody earned by the deadline (P2.6)."""

    job_id: JobId
    shard_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRewards:
    """Withdraw the sender's credits from Jobs (P2.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGame:
    """Dispute a claim, with the challenger's bond (P4.2)."""

    claim_id: ClaimId
    claimed: ClaimedState
    bond_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitSplit:
    """The operator's move: the inner hashes of the interval (P4.4)."""

    game_id: GameId
    low: int
    high: int
    hashes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPick:
    """The challenger's move: the first part that it disagrees with (P4.5)."""

    game_id: GameId
    part: int
    start: Bytes32
    end: Bytes32
    siblings: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitStep:
    """The last move: one instruction, executed by the chain (P4.6)."""

    game_id: GameId
    witness: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DescendGame:
    """Continue a game, at its last float instruction, in the micro-run of that instruction (P4.9)."""

    game_id: GameId
    witness: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealGame:
    """The operator's move: the result of the float instruction and the end of its micro-run (P4.10)."""

    game_id: GameId
    low: int
    """The number of the micro-run's first state (machine M9.6)."""
    after: bytes
    """The packed state after the instruction, 305 bytes."""
    cycles: int
    memory_root: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleGame:
    """Pay out a decided game (P5.1)."""

    game_id: GameId


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawWinnings:
    """Withdraw the sender's credits from Disputes (P2.7)."""


Call = (
    Deposit
    | WithdrawStake
    | SetDelegate
    | RegisterProgram
    | PostJob
    | TakeTask
    | SubmitClaim
    | FinalizeTask
    | ExpireTask
    | ReclaimTasks
    | WithdrawRewards
    | OpenGame
    | SubmitSplit
    | SubmitPick
    | SubmitStep
    | DescendGame
    | RevealGame
    | SettleGame
    | WithdrawWinnings
)

URGENT = (SubmitClaim, OpenGame, SubmitSplit, SubmitPick, SubmitStep, DescendGame, RevealGame)
"""A clock runs for these: a lease, a window or a game's; too late, a bond is lost."""
ONCE = (Deposit, WithdrawStake, RegisterProgram, PostJob)
"""The contracts do these as often as they are asked; all others they refuse the second time."""
