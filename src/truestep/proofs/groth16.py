"""Groth16 proofs over BN254: their points, and whether the equation of a key holds (docs/receipts.md R2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.proofs.bn254 import (
    G1,
    G2,
    add,
    is_in_second_group,
    is_on_curve,
    multiply,
    negate,
    pairing_is_one,
)
from truestep.proofs.fields import ORDER

PROOF_SIZE_BYTES = 256
_WORD = 32
_INFINITY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a circuit's proofs are checked with."""

    alpha: G1
    beta: G2
    gamma: G2
    delta: G2
    inputs: tuple[G1, ...]
    """A constant, then one point for each public input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Three points; `parse_proof` has seen that they are in their groups."""

    a: G1
    b: G2
    c: G1


def parse_proof(content: bytes) -> Proof:
    """The proof in the eight words that provers write. Raises Rejected unless all are points."""
    if len(content) != PROOF_SIZE_BYTES:
        raise Rejected(
            Reject.PROOF_LENGTH,
            f"expected three points in {PROOF_SIZE_BYTES} bytes, got {len(content)}; the file is cut or is"
            " not a Groth16 proof: take it from the prover again",
        )
    words = words_of(content)
    proof = Proof(a=first_point(words[:2]), b=second_point(words[2:6]), c=first_point(words[6:]))
    if not (is_on_curve(proof.a) and is_on_curve(proof.c) and is_in_second_group(proof.b)):
        raise Rejected(
            Reject.PROOF_POINT,
            "expected three points of the curve, got other numbers; the proof was changed or damaged: take it"
            " from the prover again",
        )
    return proof


def holds(key: Key, proof: Proof, inputs: Sequence[int]) -> bool:
    """Whether the proof is one of these public inputs. Raises Rejected for a number above the order."""
    if len(inputs) + 1 != len(key.inputs):
        raise ValueError(f"expected {len(key.inputs) - 1} inputs, got {len(inputs)}")
    total = key.inputs[0]
    for point, scalar in zip(key.inputs[1:], inputs, strict=True):
        if not 0 <= scalar < ORDER:
            raise Rejected(
                Reject.PROOF_SCALAR,
                f"public input {scalar:#x} is not below the order of the curve; no prover writes it",
            )
        total = add(total, multiply(point, scalar))
    return pairing_is_one(
        [
            (proof.a, proof.b),
            (negate(key.alpha), key.beta),
            (negate(total), key.gamma),
            (negate(proof.c), key.delta),
        ]
    )


def words_of(content: bytes) -> list[int]:
    """Numbers of 32 bytes each."""
    return [int.from_bytes(content[at : at + _WORD], "big") for at in range(0, len(content), _WORD)]


def first_point(words: Sequence[int]) -> G1:
    """A point of the first group as the precompiles write it; whether it is one is not looked at."""
    x, y = words
    return None if x == y == _INFINITY else (x, y)


def second_point(words: Sequence[int]) -> G2:
    """A point of the second group as the precompiles write it, imaginary parts first."""
    x_imaginary, x, y_imaginary, y = words
    return None if not any(words) else ((x, x_imaginary), (y, y_imaginary))


def first_words(point: G1) -> tuple[int, int]:
    """The inverse of `first_point`."""
    return point or (0, 0)


def second_words(point: G2) -> tuple[int, int, int, int]:
    """The inverse of `second_point`."""
    return (0, 0, 0, 0) if point is None else (point[0][1], point[0][0], point[1][1], point[1][0])
