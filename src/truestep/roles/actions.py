"""The actions that a role can decide on. Nodes carry them out."""

from enum import StrEnum

from truestep.base.ids import TaskId
from truestep.base.records import record
from truestep.protocol.calls import Call


@record
class Send:
    """Make `call` on the chain, at most once for each intent (`intents`). `message` says why, for people."""

    intent: str
    call: Call
    message: str


@record
class Fetch:
    """Fetch the task's program and input, and check them against the chain."""

    task_id: TaskId


@record
class Run:
    """Run the task to its end and keep its claim."""

    task_id: TaskId


@record
class ComputeHashes:
    """Run the task once and keep the hashes of the states with these rising numbers (machine M9.6)."""

    task_id: TaskId
    cycles: tuple[int, ...]
    is_check: bool = False
    """Whether it only checks a claim. Then work that a game needs goes first."""


@record
class BuildWitness:
    """Run the task to the state with this number and keep the witness of the step from there."""

    task_id: TaskId
    cycle: int


@record
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


@record
class Decline:
    """Do not act on a task, and say why."""

    task_id: TaskId
    reason: Declined
    message: str


@record
class Agree:
    """Do nothing about a claim, because it is true, and say so."""

    task_id: TaskId
    message: str


@record
class Alert:
    """Tell whoever runs the node, now and again while it lasts. `kind` is stable, for programs."""

    kind: str
    message: str


Action = Send | Fetch | Run | ComputeHashes | BuildWitness | BuildReveal | Decline | Agree | Alert
