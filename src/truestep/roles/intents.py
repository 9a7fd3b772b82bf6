"""Intents in words: `take of job 1 shard 0` for `take/4294967296/1`."""

from truestep.base.ids import ClaimId, GameId, TaskId, game_in_words, task_in_words, task_of_claim

_WITHDRAWAL = "withdraw-"
_ON_CLAIMS = ("claim", "finalize", "expire", "open")
_IN_GAMES = ("split", "pick", "descend", "step", "reveal", "settle")


def in_words(intent: str) -> str:
    """An intent as people read it; one that is not about a task is unchanged."""
    kind, _, rest = intent.partition("/")
    if kind.startswith(_WITHDRAWAL):
        return f"withdrawal of {kind.removeprefix(_WITHDRAWAL)}"
    number = rest.partition("#")[0].partition("/")[0]
    if not (number.isascii() and number.isdecimal()):
        return intent
    if kind == "take":
        return f"{kind} of {task_in_words(TaskId(int(number)))}"
    if kind in _ON_CLAIMS:
        return f"{kind} of {task_in_words(task_of_claim(ClaimId(int(number))))}"
    if kind in _IN_GAMES:
        return f"{kind} in {game_in_words(GameId(int(number)))}"
    return intent
