"""Names the transactions of daemons in words: `take of job 1 shard 0` for the intent `take/4294967296/1`."""

from truestep.base.ids import (
    PART_MASK,
    ClaimId,
    GameId,
    TaskId,
    claim_of_game,
    job_of_task,
    shard_of_task,
    task_of_claim,
)

_WITHDRAWAL = "withdraw-"
_ON_CLAIMS = ("claim", "finalize", "expire", "open")
_IN_GAMES = ("split", "pick", "descend", "step", "reveal", "settle")


def readable(intent: str) -> str:
    """An intent as people read it; one that is not about a task is unchanged."""
    kind, _, rest = intent.partition("/")
    if kind.startswith(_WITHDRAWAL):
        return f"withdrawal of {kind.removeprefix(_WITHDRAWAL)}"
    number = rest.partition("#")[0].partition("/")[0]
    if not (number.isascii() and number.isdecimal()):
        return intent
    if kind == "take":
        return f"{kind} of {_task(TaskId(int(number)))}"
    if kind in _ON_CLAIMS:
        return f"{kind} of {_task(task_of_claim(ClaimId(int(number))))}"
    if kind in _IN_GAMES:
        game = GameId(int(number))
        return f"{kind} in game {game & PART_MASK} on {_task(task_of_claim(claim_of_game(game)))}"
    return intent


def _task(task: TaskId) -> str:
    return f"job {job_of_task(task)} shard {shard_of_task(task)}"
