"""Mappings whose every version stays what it was."""

from __future__ import annotations

from random import Random

import pytest

from truestep.protocol.settlement.state import with_entry, without_entry
from truestep.protocol.versions import Versions


@pytest.mark.parametrize("seed", range(5))
def test_every_version_says_what_a_copied_mapping_says(seed: int) -> None:
    rng = Random(seed)
    plain: list[dict[int, int]] = [{1: 1}]
    kept: list[Versions[int, int]] = [Versions({1: 1})]
    for _ in range(200):
        number = rng.randrange(len(kept)) if rng.random() < 0.3 else len(kept) - 1
        key, value = rng.randrange(8), rng.randrange(100)
        if rng.random() < 0.3:
            made = without_entry(kept[number], key), without_entry(plain[number], key)
        else:
            made = with_entry(kept[number], key, value), with_entry(plain[number], key, value)
        assert isinstance(made[0], Versions)
        kept.append(made[0])
        plain.append(dict(made[1]))
        for looked_at in rng.sample(range(len(kept)), min(3, len(kept))):
            assert dict(kept[looked_at]) == plain[looked_at]
            assert (key in kept[looked_at], kept[looked_at].get(key)) == (
                key in plain[looked_at],
                plain[looked_at].get(key),
            )
            assert len(kept[looked_at]) == len(plain[looked_at])


def test_the_mapping_that_it_began_with_is_left_alone() -> None:
    entries = {"a": 1}
    newer = Versions(entries).with_entry("b", 2).without_entry("a")
    assert (entries, dict(newer)) == ({"a": 1}, {"b": 2})
    with pytest.raises(KeyError):
        _ = newer["a"]
