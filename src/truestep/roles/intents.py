"""Intents: the name of each deed, which is done at most once, and what people call it.

An intent names all that makes its deed another one: tasks that are open again after a batch, a game that has
moved on, a node of a claim. `take/4294967296+8/0` takes 8 shards of job 1 that nobody has had before.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from truestep.base.ids import (
    BatchId,
    ClaimId,
    GameId,
    JobId,
    TaskId,
    claim_of_game,
    game_in_words,
    job_of_task,
    task_in_words,
    task_of_claim,
)
from truestep.base.text import counted
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.ids import item_of_demand, unpack_challenge
from truestep.protocol.records import GameRecord
from truestep.protocol.settlement.ids import BATCH_LIMIT

_DIGEST_BYTES = 4
"""Of the hashes at the ends of an interval: two intervals of one claim that have the same numbers differ."""
_WITHDRAWAL = "withdraw-"
_BATCHES = (
    "claim",
    "finalize",
    "expire",
    "release",
    "register",
    "deliver",
    "hold",
    "settle-hold",
    "prepare",
    "draw",
)
_AUDITS = {
    "appoint": "draw of an auditor for",
    "close-audit": "end of the audit of",
    "commit-audit": "commitment about",
    "reveal-audit": "answer about",
    "publish": "early statement about",
    "state-checkpoints": "statement about",
    "dismiss": "end of the auditor's time for",
    "judge": "judgement of the audit of",
    "drop-unaudited": "strike of",
}
"""Of claims, by the numbers that contracts give them."""
_SITTINGS = {
    "commit-result": "commitment to the result of",
    "commit-signed": "commitments that members have signed to the result of",
    "open-result": "opening of what was committed to of",
    "confirm-for-all": "confirmations, for all members, of",
}
_CLAIMS = ("finalize-claim", "fail", "open", "refute", "write-out", "split", "drop", "contradict")
_ITEMS = {
    "assign": "draw of keepers for",
    "close-item": "end of",
    "acknowledge": "signature for",
    "collect": "fees of",
    "strike-item": "strike of",
}
_GAMES = ("pick", "step", "descend", "reveal", "settle", "show", "reward")
_ROUNDS = {"entropy-commit": "promise of a secret for", "entropy-reveal": "secret for"}
_JOBS = ("cancel", "call-back")
_LOTS = {"draw-lots": "draw of lots", "decline-lot": "no to a lot", "end-turn": "end of a turn"}
_CHALLENGES = {
    "challenge": "challenge",
    "answer": "answer to a challenge",
    "settle-challenge": "end of a challenge",
}
_DEMANDS = {
    "demand": "demand for a tree",
    "give": "answer for the tree",
    "pick-node": "pick in the tree",
    "strike": "strike",
    "settle-demand": "end of a demand",
}


# --- names ----------------------------------------------------------------------------------------


def of_take(tasks: Sequence[TaskId], last_batch: int) -> str:
    """Of taking tasks, of which `last_batch` is the newest batch that had one of them; 0 if none had."""
    ranges = [list(run) for _, run in groupby(enumerate(tasks), key=lambda entry: entry[1] - entry[0])]
    names = ",".join(f"{run[0][1]}+{len(run)}" for run in ranges)
    return f"take/{names}/{last_batch}"


def of_claim(batch_id: BatchId, count: int) -> str:
    """Of claiming a batch of so many tasks."""
    return f"claim/{batch_id}/{count}"


def of_batch(deed: str, batch_id: BatchId) -> str:
    """Of a deed that a batch sees once: finalize, expire, release."""
    return f"{deed}/{batch_id}"


def of_claim_id(deed: str, claim_id: ClaimId) -> str:
    """Of a deed that a claim sees once: refute, finalize-claim, write-out."""
    return f"{deed}/{claim_id}"


def of_open(claim_id: ClaimId, *, is_proven: bool) -> str:
    """Of opening a game: once, and once more on a claim that was proven (docs/validity.md V5.1)."""
    return f"open/{claim_id}/proven" if is_proven else f"open/{claim_id}"


def of_prove(claim_id: ClaimId, entry: int) -> str:
    """Of proving a claim by an entry of Verifiers (docs/validity.md V4.1)."""
    return f"prove/{claim_id}/{entry}"


def of_split(game: GameRecord) -> str:
    """Of a split: one for all games of a claim that stand on the same node (S6.4)."""
    digest = keccak256(game.operator.lower().encode() + game.low_hash + game.high_hash)[:_DIGEST_BYTES]
    return f"split/{claim_of_game(game.game_id)}/{game.low}/{game.high}/{digest.hex()}"


def of_pick(game: GameRecord) -> str:
    """Of a pick, by the interval that it leads out of."""
    return f"pick/{game.game_id}/{game.low}/{game.high}"


def of_game(deed: str, game_id: GameId, number: int | None = None) -> str:
    """Of a deed that a game sees once, or once at a state number: step, descend, reveal, settle and so on."""
    return f"{deed}/{game_id}" if number is None else f"{deed}/{game_id}/{number}"


def of_job(deed: str, job_id: JobId, first_shard: int | None = None) -> str:
    """Of calling a consumer back, or of cancelling shards from `first_shard` on."""
    return f"{deed}/{job_id}" if first_shard is None else f"{deed}/{job_id}/{first_shard}"


# --- what they say --------------------------------------------------------------------------------


def tasks_taken(intent: str) -> frozenset[TaskId]:
    """The tasks that an intent takes; none if it is no take."""
    kind, _, rest = intent.partition("/")
    return frozenset(_tasks_named(rest.partition("/")[0])) if kind == "take" else frozenset()


def claim_opened(intent: str) -> ClaimId | None:
    """The claim that an intent disputes; None if it disputes none."""
    kind, _, rest = intent.partition("/")
    number = rest.partition("/")[0]
    return ClaimId(int(number)) if kind == "open" and _is_number(number) else None


def tasks_in_words(tasks: Sequence[TaskId]) -> str:
    """`job 3 shard 0`, `8 shards of job 3` or `8 shards of 2 jobs`."""
    jobs = {job_of_task(task_id) for task_id in tasks}
    if len(tasks) == 1:
        return task_in_words(tasks[0])
    of_what = f"job {next(iter(jobs))}" if len(jobs) == 1 else f"{len(jobs)} jobs"
    return f"{len(tasks)} shards of {of_what}"


def shards_in_words(count: int) -> str:
    """`1 shard`, `8 shards`."""
    return "1 shard" if count == 1 else f"{count} shards"


def in_words(intent: str) -> str:
    """An intent as people read it; one that a role did not name is unchanged."""
    kind, _, rest = intent.partition("#")[0].partition("/")
    if kind.startswith(_WITHDRAWAL):
        return f"withdrawal of {kind.removeprefix(_WITHDRAWAL)}"
    first = rest.partition("/")[0]
    if kind == "enrol":
        return "enrolment as a keeper"
    if kind in _ROUNDS:
        return f"{_ROUNDS[kind]} round {first}"
    if kind == "withdraw":
        return f"withdrawal from {first}"
    if kind == "attest":
        group, _, epoch = rest.partition("/")
        return f"anchor of epoch {epoch} of group {group}"
    if kind == "take":
        tasks = list(_tasks_named(first))
        return f"take of a batch of {tasks_in_words(tasks)}" if tasks else intent
    about = _about(kind, int(first)) if _is_number(first) else ""
    return about or intent


def landed_in_words(intent: str) -> str:
    """What has happened now that an intent's transaction is in a block."""
    kind, *rest = intent.partition("#")[0].split("/")
    if kind.startswith(_WITHDRAWAL):
        return f"withdrew {kind.removeprefix(_WITHDRAWAL)}"
    match kind, rest:
        case "take", [named, _] if tasks := list(_tasks_named(named)):
            return f"took a batch of {tasks_in_words(tasks)}"
        case "claim", [batch, count] if _is_number(batch) and _is_number(count):
            return f"claimed batch {batch}: {shards_in_words(int(count))}"
        case "finalize", [batch] if _is_number(batch):
            return f"batch {batch} is final"
        case "expire", [batch] if _is_number(batch):
            return f"batch {batch} has expired"
        case "release", [batch] if _is_number(batch):
            return f"released batch {batch}"
        case "prove", [claim, entry] if _is_number(claim):
            task = task_in_words(task_of_claim(ClaimId(int(claim))))
            return f"{task} is proven by entry {entry}: consumers can rely on it now"
        case "enrol", [shares, _]:
            had, _, more = shares.partition("+")
            if _is_number(had) and _is_number(more):
                return f"is a keeper with {counted(int(had) + int(more), 'share')}"
        case "acknowledge", [item, seat, _] if _is_number(item) and _is_number(seat):
            return f"answers for seat {seat} of item {item}"
        case "withdraw", [contract, _]:
            return f"withdrew from {contract}"
        case "register", [batch, *_] if _is_number(batch):
            return f"registered an item with the outputs of batch {batch}"
        case "deliver", [batch, item] if _is_number(batch) and _is_number(item):
            return f"delivered batch {batch}" + (f" with item {item}" if item != "0" else "")
        case _:
            pass
    return f"{in_words(intent)} is in a block"


def _about(kind: str, number: int) -> str:
    if kind in _BATCHES:
        return f"{kind} of batch {number}"
    if kind in _SITTINGS:
        return f"{_SITTINGS[kind]} batch {number}"
    if kind in _ITEMS:
        return f"{_ITEMS[kind]} item {number}"
    if kind in _CLAIMS:
        return f"{kind} of {task_in_words(task_of_claim(ClaimId(number)))}"
    if kind in _AUDITS:
        return f"{_AUDITS[kind]} claim {number & BATCH_LIMIT - 1} of batch {number // BATCH_LIMIT}"
    if kind == "prove":
        return f"proof of {task_in_words(task_of_claim(ClaimId(number)))}"
    if kind in _GAMES:
        return f"{kind} in {game_in_words(GameId(number))}"
    if kind in _CHALLENGES:
        place = unpack_challenge(number)
        return f"{_CHALLENGES[kind]} of seat {place.seat} of item {place.item_id}"
    if kind in _DEMANDS:
        return f"{_DEMANDS[kind]} of item {item_of_demand(number)}"
    if kind in _LOTS:
        return f"{_LOTS[kind]} of job {number}"
    return f"{kind} of job {number}" if kind in _JOBS else ""


def _tasks_named(names: str) -> Iterator[TaskId]:
    for name in names.split(","):
        first, _, count = name.partition("+")
        if not (_is_number(first) and _is_number(count) and int(count) <= BATCH_LIMIT):
            return
        yield from (TaskId(int(first) + number) for number in range(int(count)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
