"""Poseidon2 over the scalar field of BN254 with four words of state: the hash inside circuits (C5)."""

from collections.abc import Sequence
from functools import cache

FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""The order of the groups of BN254: circuits compute with integers below it."""

_WIDTH = 4
_RATE = 3
_FULL_ROUNDS = 8
_PARTIAL_ROUNDS = 56
_DIAGONAL = (
    0x10DC6E9C006EA38B04B1E03B4BD9490C0D03F98929CA1D7FB56821FD19D3B6E7,
    0x0C28145B6A44DF3E0149B3D0A30B3BB599DF9756D4DD9B84A86B38CFB45A740B,
    0x00544B8338791518B2C7645A50392798B21F75BB60E3596170067D00141CAC15,
    0x222C01175718386F2E2E82EB122789E352E105A3B8FA852613BC534433EE428B,
)
"""The diagonal of the matrix of partial rounds, less one; a constant of the standard's parameter set."""


def sponge(words: Sequence[int], tag: int) -> int:
    """One word that stands for all of `words`; `tag` says what they are, and how many (C5.1)."""
    state = [0, 0, 0, tag]
    for start in range(0, len(words), _RATE):
        for offset, word in enumerate(words[start : start + _RATE]):
            state[offset] = (state[offset] + word) % FIELD_ORDER
        state = permute(state)
    return state[0]


def permute(words: Sequence[int]) -> list[int]:
    """The permutation."""
    state = _mix_full(words)
    half = _FULL_ROUNDS // 2
    for number, constants in enumerate(_round_constants()):
        state = [word + constant for word, constant in zip(state, constants, strict=True)]
        if half <= number < half + _PARTIAL_ROUNDS:
            state[0] = pow(state[0], 5, FIELD_ORDER)
            total = sum(state)
            state = [
                (word * scale + total) % FIELD_ORDER for word, scale in zip(state, _DIAGONAL, strict=True)
            ]
        else:
            state = _mix_full([pow(word, 5, FIELD_ORDER) for word in state])
    return state


def _mix_full(words: Sequence[int]) -> list[int]:
    """The matrix of full rounds: circ(2, 1) of the 4 x 4 matrix that takes eight additions."""
    first, second, third, fourth = words
    left, right = first + second, third + fourth
    low, high = 2 * second + right, 2 * fourth + left
    last, middle = 4 * right + high, 4 * left + low
    return [each % FIELD_ORDER for each in (high + middle, middle, low + last, last)]


@cache
def _round_constants() -> tuple[tuple[int, ...], ...]:
    """What each round adds: words of the Grain generator, which the parameters alone seed."""
    generator = _Grain()
    half = _FULL_ROUNDS // 2
    rounds = range(_FULL_ROUNDS + _PARTIAL_ROUNDS)
    is_full = [number < half or number >= half + _PARTIAL_ROUNDS for number in rounds]
    return tuple(
        tuple(generator.word() for _ in range(_WIDTH)) if full else (generator.word(), 0, 0, 0)
        for full in is_full
    )


class _Grain:
    """The shift register of 80 bits from which the constants of Poseidon are drawn."""

    def __init__(self) -> None:
        field_bits = FIELD_ORDER.bit_length()
        seed = f"010000{field_bits:012b}{_WIDTH:012b}{_FULL_ROUNDS:010b}{_PARTIAL_ROUNDS:010b}" + "1" * 30
        self._bits = [int(bit) for bit in seed]
        for _ in range(160):
            self._step()

    def word(self) -> int:
        """The next integer below the field's order."""
        while True:
            number = int("".join(str(self._chosen_bit()) for _ in range(FIELD_ORDER.bit_length())), 2)
            if number < FIELD_ORDER:
                return number

    def _chosen_bit(self) -> int:
        """The second bit of the next pair that begins with a one."""
        while True:
            is_taken, bit = self._step(), self._step()
            if is_taken:
                return bit

    def _step(self) -> int:
        bits = self._bits
        bit = bits[62] ^ bits[51] ^ bits[38] ^ bits[23] ^ bits[13] ^ bits[0]
        del bits[0]
        bits.append(bit)
        return bit
