"""Names of deeds, each done once; and what people read, which is jobs, shards and batches, not ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.roles.views import CHALLENGER, GAME
from truestep.base.ids import BatchId, Bytes32, ClaimId, JobId, TaskId, claim_of, game_of, task_of
from truestep.protocol.availability.ids import ItemId, demand_of
from truestep.roles import intents
from truestep.roles.intents import in_words, landed_in_words

SHARDS = [task_of(JobId(3), shard) for shard in range(8)]
CLAIM = claim_of(task_of(JobId(2), 3), BatchId(12))


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        ("take/4294967296+1/0", "take of a batch of job 1 shard 0"),
        (intents.of_take(SHARDS, 0), "take of a batch of 8 shards of job 3"),
        (intents.of_take([*SHARDS, task_of(JobId(5), 1)], 7), "take of a batch of 9 shards of 2 jobs"),
        ("claim/12/8#2", "claim of batch 12"),
        ("finalize/12", "finalize of batch 12"),
        ("commit-result/12", "commitment to the result of batch 12"),
        ("commit-signed/12/30", "commitments that members have signed to the result of batch 12"),
        ("open-result/12", "opening of what was committed to of batch 12"),
        ("confirm-for-all/12/30", "confirmations, for all members, of batch 12"),
        (f"open/{CLAIM}", "open of job 2 shard 3"),
        (f"split/{CLAIM}/0/9/aabbccdd", "split of job 2 shard 3"),
        (f"pick/{game_of(CLAIM, 4)}/0/9", "pick in game 4 on job 2 shard 3"),
        ("cancel/7/0", "cancel of job 7"),
        (f"give/{demand_of(ItemId(4), 0, CHALLENGER)}/1700000000", "answer for the tree of item 4"),
        (f"answer/{4 << 128 | 1 << 56}/1700000000", "answer to a challenge of seat 1 of item 4"),
        ("enrol/0+8/aabbccdd", "enrolment as a keeper"),
        ("acknowledge/6/1/1700000000", "signature for item 6"),
        ("collect/6/1/1700000000/3", "fees of item 6"),
        ("strike-item/6/0/19675", "strike of item 6"),
        ("withdraw/Keepers/19675", "withdrawal from Keepers"),
        ("withdraw-rewards/1700000000", "withdrawal of rewards"),
        ("withdraw-tokens/0xDd/1700000000", "withdrawal of tokens"),
        ("post:letters", "post:letters"),
        ("take/something", "take/something"),
        ("take/1+1000000000000/0", "take/1+1000000000000/0"),
        ("claim/something", "claim/something"),
    ],
)
def test_intents_name_jobs_shards_and_batches(intent: str, words: str) -> None:
    assert in_words(intent) == words


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        (f"{intents.of_take(SHARDS, 0)}#1", "took a batch of 8 shards of job 3"),
        ("claim/12/8#0", "claimed batch 12: 8 shards"),
        ("claim/12/1", "claimed batch 12: 1 shard"),
        ("finalize/12", "batch 12 is final"),
        ("expire/12", "batch 12 has expired"),
        ("release/12", "released batch 12"),
        ("enrol/0+8/aabbccdd#0", "is a keeper with 8 shares"),
        ("enrol/1+0/aabbccdd", "is a keeper with 1 share"),
        ("enrol/something", "enrolment as a keeper is in a block"),
        ("acknowledge/6/1/1700000000", "answers for seat 1 of item 6"),
        ("withdraw/Keepers/19675", "withdrew from Keepers"),
        ("withdraw-rewards/1700000000", "withdrew rewards"),
        (f"open/{CLAIM}", "open of job 2 shard 3 is in a block"),
        ("claim/something", "claim/something is in a block"),
    ],
)
def test_what_has_landed_is_said_in_the_past_tense(intent: str, words: str) -> None:
    assert landed_in_words(intent) == words


@given(st.sets(st.integers(0, 2**40), min_size=1, max_size=256))
def test_a_take_names_its_tasks(numbers: set[int]) -> None:
    tasks = [TaskId(number) for number in sorted(numbers)]
    assert intents.tasks_taken(intents.of_take(tasks, 5)) == numbers
    assert intents.of_take(tasks, 5) != intents.of_take(tasks, 6), "taken again after another batch"


def test_other_intents_take_and_dispute_nothing() -> None:
    assert intents.tasks_taken("claim/12/8") == intents.tasks_taken("take/nothing/0") == frozenset()
    assert intents.claim_opened(f"open/{CLAIM}") == ClaimId(CLAIM)
    again = intents.of_open(ClaimId(CLAIM), is_proven=True)
    assert again != intents.of_open(ClaimId(CLAIM), is_proven=False)
    assert intents.claim_opened(again) == ClaimId(CLAIM)
    assert intents.in_words(again) == "open of job 2 shard 3"
    assert intents.claim_opened(f"refute/{CLAIM}") is None
    assert intents.claim_opened("open/something") is None


def test_a_split_is_named_by_its_node_and_a_pick_by_its_game() -> None:
    other = replace(GAME, game_id=game_of(intents.claim_of_game(GAME.game_id), 2), challenger=CHALLENGER)
    assert intents.of_split(other) == intents.of_split(GAME)
    assert intents.of_pick(other) != intents.of_pick(GAME)
    for change in ({"low": 1}, {"high": 9}, {"high_hash": Bytes32(b"x" * 32)}, {"operator": CHALLENGER}):
        assert intents.of_split(replace(GAME, **change)) != intents.of_split(GAME)
