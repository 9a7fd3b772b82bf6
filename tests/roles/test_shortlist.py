"""Which jobs a worker looks at: no stranger can hide the others."""

from __future__ import annotations

from truestep.base.ids import Address, JobId
from truestep.roles.shortlist import LOT_SECONDS, Candidate, shortlist

ACCOUNT = Address("0x" + "aa" * 20)
LIMIT = 9


def candidate(number: int, requester: int = 0, reward_wei: int = 1, attempts: int = 0) -> Candidate:
    return Candidate(
        job_id=JobId(number),
        requester=Address(f"0x{requester:040x}"),
        reward_wei=reward_wei,
        attempts=attempts,
    )


def test_all_are_looked_at_if_they_are_few() -> None:
    jobs = [candidate(1), candidate(2, reward_wei=3), candidate(3, reward_wei=5, attempts=1)]
    assert shortlist(jobs, LIMIT, 0, ACCOUNT) == [2, 1, 3], "the best paid first, what failed last"


def test_a_stranger_with_better_paid_jobs_hides_nobodys_first_job() -> None:
    crowd = [candidate(number, requester=1, reward_wei=2) for number in range(1, 1_000)]
    assert 1_000 in shortlist([*crowd, candidate(1_000, requester=2)], LIMIT, 0, ACCOUNT)


def test_strangers_of_any_number_hide_no_job_for_ever() -> None:
    crowd = [candidate(number, requester=number, reward_wei=2) for number in range(1, 100)]
    looks = [
        shortlist([*crowd, candidate(100, requester=100)], LIMIT, look * LOT_SECONDS, ACCOUNT)
        for look in range(200)
    ]
    assert sum(100 in look for look in looks) > 1
    assert {len(look) for look in looks} == {LIMIT}


def test_what_was_tried_in_vain_gives_way_to_what_was_not() -> None:
    crowd = [candidate(number, requester=number, reward_wei=2, attempts=1) for number in range(1, 1_000)]
    chosen = shortlist([*crowd, candidate(1_000, requester=2)], LIMIT, 0, ACCOUNT)
    assert chosen[0] == 1_000


def test_the_best_paid_job_is_always_looked_at() -> None:
    jobs = [candidate(number, requester=number, reward_wei=number) for number in range(1, 100)]
    assert all(shortlist(jobs, LIMIT, look * LOT_SECONDS, ACCOUNT)[0] == 99 for look in range(10))
