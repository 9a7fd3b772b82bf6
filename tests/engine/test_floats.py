"""Every float instruction gives the reference's bits (docs/machine.md M8)."""

from __future__ import annotations

import random
from itertools import islice, product

import pytest

from tests.engine.float_cases import (
    FORMATS,
    INTEGER_LIMITS,
    Triple,
    as_registers,
    differences,
    edge_values,
    random_triple,
    variants,
)


def assert_equal(words: list[int], triples: list[Triple]) -> None:
    found = list(islice(differences(words, triples), 8))
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("letter", FORMATS)
def test_all_pairs_of_edge_values(letter: str) -> None:
    values = as_registers(FORMATS[letter], edge_values(FORMATS[letter]))
    pairs = list(product(values, values))
    third = values * (len(pairs) // len(values))
    # Against its neighbours the third operand shifts by one in each row.
    triples = [(a, b, third[i + i // len(values) - len(pairs)]) for i, (a, b) in enumerate(pairs)]
    assert_equal(variants(letter, least_operands=2), triples)


@pytest.mark.parametrize("letter", FORMATS)
def test_edge_values_and_integer_limits(letter: str) -> None:
    values = as_registers(FORMATS[letter], edge_values(FORMATS[letter]))
    assert_equal(variants(letter), [(value, value, value) for value in (*values, *INTEGER_LIMITS)])


@pytest.mark.parametrize("letter", FORMATS)
def test_random_operands(letter: str, rng: random.Random) -> None:
    assert_equal(variants(letter), [random_triple(rng, FORMATS[letter]) for _ in range(2_000)])
