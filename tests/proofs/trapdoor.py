"""Keys whose secrets are known, so that a proof can be made for any inputs: what no set-up may leave."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from truestep.proofs import bn254
from truestep.proofs.fields import ORDER
from truestep.proofs.groth16 import Key, first_words, second_words

G1: bn254.G1 = (1, 2)
G2: bn254.G2 = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)
"""The generators of EIP-197."""


@dataclass(frozen=True, kw_only=True)
class Trapdoor:
    """The secrets behind a key."""

    alpha: int
    beta: int
    gamma: int
    delta: int
    inputs: tuple[int, ...]

    @property
    def key(self) -> Key:
        return Key(
            alpha=bn254.multiply(G1, self.alpha),
            beta=bn254.multiply_second(G2, self.beta),
            gamma=bn254.multiply_second(G2, self.gamma),
            delta=bn254.multiply_second(G2, self.delta),
            inputs=tuple(bn254.multiply(G1, each) for each in self.inputs),
        )

    def prove(self, inputs: Sequence[int], seed: int = 1) -> bytes:
        """A proof of anything at all."""
        a, b = (random.Random(seed).randrange(1, ORDER) for _ in range(2))
        total = self.inputs[0] + sum(p * q for p, q in zip(self.inputs[1:], inputs, strict=True))
        c = (a * b - self.alpha * self.beta - total * self.gamma) * pow(self.delta, -1, ORDER) % ORDER
        points = [
            *first_words(bn254.multiply(G1, a)),
            *second_words(bn254.multiply_second(G2, b)),
            *first_words(bn254.multiply(G1, c)),
        ]
        return b"".join(word.to_bytes(32, "big") for word in points)


def make_trapdoor(seed: int, input_count: int = 5) -> Trapdoor:
    secrets = [random.Random(seed).randrange(1, ORDER) for _ in range(5 + input_count)]
    alpha, beta, gamma, delta, *inputs = secrets
    return Trapdoor(alpha=alpha, beta=beta, gamma=gamma, delta=delta, inputs=tuple(inputs))
