"""Which open jobs a worker looks at, if there are more than it can look at at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from truestep.base.ids import Address, JobId

LOT_SECONDS = 30
"""How long a lot holds: time enough to get a program and an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A job with an open task that this node would take."""

    job_id: JobId
    requester: Address
    reward_wei: int
    attempts: int
    """How often its program and input were tried for in vain."""


def shortlist(candidates: Iterable[Candidate], limit: int, now: int, account: Address) -> list[JobId]:
    """In turn the best paid job, the next one of each requester, and anybody's by lot.

    Any one order can be used by strangers, whose rewards come back after the deadline: jobs that pay a wei
    more, and whose inputs nobody has, would hide all others. What was tried for in vain comes after what was
    not; lots are drawn again and again, so that each job is looked at in the end.
    """
    by_reward = sorted(candidates, key=_rank)
    if len(by_reward) <= limit:
        return [each.job_id for each in by_reward]
    salt = f"{account.lower()}/{now // LOT_SECONDS}/".encode()
    by_lot = sorted(by_reward, key=lambda each: sha256(salt + each.job_id.to_bytes(32, "big")).digest())
    in_turn = chain.from_iterable(zip(by_reward, _by_requester(by_reward), by_lot, strict=True))
    return list(dict.fromkeys(each.job_id for each in in_turn))[:limit]


def _rank(candidate: Candidate) -> tuple[int, int, int]:
    return candidate.attempts, -candidate.reward_wei, candidate.job_id


def _by_requester(by_reward: Sequence[Candidate]) -> Iterator[Candidate]:
    """The first job of each requester, then the second of each, and so on."""
    counts: dict[Address, int] = {}
    places: dict[JobId, int] = {}
    for each in by_reward:
        places[each.job_id] = counts[each.requester] = counts.get(each.requester, 0) + 1
    return iter(sorted(by_reward, key=lambda each: places[each.job_id]))
