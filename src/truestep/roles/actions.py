"""The actions that a role can decide on. Nodes carry them out."""

from dataclasses import dataclass
from enum import StrEnum

from truestep.base.ids import TaskId
from truestep.protocol.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Make `call` on the chain, at most once for each intent (`intents`). `message` says why, for people."""

    intent: str
    call: Call
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Fetch the task's program and input, and check them against the chain."""

    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run the task to its end and keep its claim."""

    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeHashes:
    """Run the task once and keep the hashes of the states with these rising numbers (machine M9.6)."""

    task_id: TaskId
    cycles: tuple[int, ...]
    is_check: bool = False
    """Whether it only checks a claim. Then work that a game needs goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWitness:
    """Run the task to the state with this number and keep the witness of the step from there."""

    task_id: TaskId
    cycle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReveal:
    """Find the result of the float instruction whose micro-run begins at state number `low`."""

    task_id: TaskId
    low: int


class Declined(StrEnum):
    """Why something is not done."""

    REWARD = "reward is too small"
    LOCK = "locks more bond for longer than this node accepts"
    ASSET = "pays in a token that this node does not take"
    ASSURANCE = "policy of assurance that this node does not know"
    NOT_READY = "input is not known yet"
    CYCLES = "program may run too long"
    INPUT_SIZE = "input is too large for this node"
    LEASE = "lease is too short"
    DEADLINE = "deadline is too near"
    CLOCK = "a dispute could not be answered in time"
    OUTPUTS = "outputs are too large to be kept"
    STAKE = "not enough free stake"
    CAPACITY = "this node is busy"
    MATERIAL = "program or input cannot be had"
    MATERIAL_WRONG = "program or input is not what the chain says"
    BUDGET = "bonds are at their limit"
    FUNDS = "wallet is short of coins"
    STRUCK = "a claim of this operator was struck"
    RUN_FAILED = "the run failed on this node"
    GAME_OF_ANOTHER = "own hashes do not fit this game"
    DISTRUSTED = "this node computes the program wrongly"
    SLOW = "the program is slower here than this node assumes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Do not act on a task, and say why."""

    task_id: TaskId
    reason: Declined
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """Do nothing about a claim, because it is true, and say so."""

    task_id: TaskId
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Tell whoever runs the node, now and again while it lasts. `kind` is stable, for programs."""

    kind: str
    message: str


Action = Send | Fetch | Run | ComputeHashes | BuildWitness | BuildReveal | Decline | Agree | Alert
