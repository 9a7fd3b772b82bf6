"""Which segments of a run are done again."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from truestep.roles.self_check import Segment, SelfCheckPolicy

SEEDS = st.integers(0, 2**64 - 1)


@given(SEEDS, st.integers(0, 2**48), st.integers(1, 20), st.integers(1, 20_000))
@example(seed=0, cycles=70, random_segments=5, steps=10)
@example(seed=0, cycles=71, random_segments=5, steps=10)
def test_segments_rise_and_hold_both_ends(seed: int, cycles: int, random_segments: int, steps: int) -> None:
    segments = SelfCheckPolicy(random_segments=random_segments, segment_steps=steps).segments(seed, cycles)
    assert segments[0].first == 0
    assert segments[-1].end == cycles
    ends = [0, *(segment.end for segment in segments)]
    assert all(segment.first >= end for end, segment in zip(ends, segments, strict=False))
    done = sum(segment.end - segment.first for segment in segments)
    assert min(cycles, steps) <= done <= min(cycles, steps * (random_segments + 2))
    assert (done == cycles) == (cycles <= steps * (random_segments + 2) or len(segments) == 1)


def test_the_seed_decides_and_everything_is_reached() -> None:
    policy = SelfCheckPolicy(random_segments=4, segment_steps=10)
    assert policy.segments(7, 1000) == policy.segments(7, 1000)
    inside = {segment for seed in range(400) for segment in policy.segments(seed, 1000)[1:-1]}
    assert len(inside) > 700
    covered = {cycle for segment in inside for cycle in range(segment.first, segment.end)}
    assert covered == set(range(min(covered), max(covered) + 1))
    assert min(covered) == 10
    assert max(covered) >= 989


def test_a_short_run_is_done_again_whole() -> None:
    assert SelfCheckPolicy(random_segments=1).segments(0, 30_000) == [Segment(first=0, end=30_000)]
