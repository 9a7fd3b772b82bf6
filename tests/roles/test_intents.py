"""People read jobs and shards, not ids."""

import pytest

from truestep.base.ids import JobId, claim_of, game_of, task_of
from truestep.roles.intents import in_words


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        ("take/4294967296/1", "take of job 1 shard 0"),
        ("claim/18446744073709551617#2", "claim of job 1 shard 0"),
        (f"split/{game_of(claim_of(task_of(JobId(2), 3), 1), 4)}/9", "split in game 4 on job 2 shard 3"),
        ("withdraw-rewards/1700000000", "withdrawal of rewards"),
        ("post:letters", "post:letters"),
        ("take/something", "take/something"),
    ],
)
def test_intents_name_jobs_and_shards(intent: str, words: str) -> None:
    assert in_words(intent) == words
