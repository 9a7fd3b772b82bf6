"""Anchors does what the pure model does, on random schedules (docs/logs.md)."""

from __future__ import annotations

from collections import Counter

from tests.contracts.anchors_comparison import compare_episode


def test_anchors_does_what_the_model_does() -> None:
    tally = Counter[str]()
    for seed in range(3):
        tally += compare_episode(seed, 250)
    done = {kind for kind in tally if ":" not in kind}
    assert done == {"Register", "Attest", "Report", "Retire", "Release", "MoveTo", "WithdrawTo"}
