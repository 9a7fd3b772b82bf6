"""Groth16 on keys whose secrets are known."""

from __future__ import annotations

import pytest

from tests.proofs.test_bn254 import a_point_outside_the_subgroup
from tests.proofs.trapdoor import make_trapdoor
from truestep.base.errors import Reject, Rejected
from truestep.proofs.fields import FIELD, ORDER
from truestep.proofs.groth16 import holds, parse_proof, second_words

INPUTS = (1, 2, 3, ORDER - 1, 0)


def test_a_proof_holds_for_its_inputs_and_key_only() -> None:
    trapdoor, other = make_trapdoor(1), make_trapdoor(2)
    proof = parse_proof(trapdoor.prove(INPUTS))
    assert holds(trapdoor.key, proof, INPUTS)
    assert not holds(trapdoor.key, proof, (1, 2, 3, ORDER - 1, 1))
    assert not holds(other.key, proof, INPUTS)


def test_inputs_above_the_order_are_refused() -> None:
    trapdoor = make_trapdoor(1)
    proof = parse_proof(trapdoor.prove(INPUTS))
    with pytest.raises(Rejected) as caught:
        holds(trapdoor.key, proof, (1 + ORDER, *INPUTS[1:]))
    assert caught.value.reason is Reject.PROOF_SCALAR


@pytest.mark.parametrize("word", range(8))
def test_coordinates_that_are_not_reduced_are_refused(word: int) -> None:
    content = bytearray(make_trapdoor(1).prove(INPUTS))
    place = slice(32 * word, 32 * word + 32)
    content[place] = (int.from_bytes(content[place], "big") + FIELD).to_bytes(32, "big")
    with pytest.raises(Rejected) as caught:
        parse_proof(bytes(content))
    assert caught.value.reason is Reject.PROOF_POINT


def test_a_second_point_outside_the_subgroup_is_refused() -> None:
    content = make_trapdoor(1).prove(INPUTS)
    words = second_words(a_point_outside_the_subgroup())
    outside = b"".join(word.to_bytes(32, "big") for word in words)
    with pytest.raises(Rejected) as caught:
        parse_proof(content[:64] + outside + content[192:])
    assert caught.value.reason is Reject.PROOF_POINT


def test_a_number_of_inputs_that_the_key_does_not_have_is_an_error_of_ours() -> None:
    trapdoor = make_trapdoor(1)
    with pytest.raises(ValueError, match="expected 5 inputs, got 4"):
        holds(trapdoor.key, parse_proof(trapdoor.prove(INPUTS)), INPUTS[:4])
