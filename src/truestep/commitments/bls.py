"""Signatures over BLS12-381 that add up (docs/logs.md L4.3).

Keys are in the first group, signatures in the second. The scheme is draft-irtf-cfrg-bls-signature with proofs
of possession; points have the form of EIP-2537.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, NewType, cast

from truestep.base.errors import Reject, Rejected

PublicKey = NewType("PublicKey", bytes)
"""128 bytes: x and y, 64 bytes each."""
Signature = NewType("Signature", bytes)
"""256 bytes: x and y, two numbers of 64 bytes each."""

SIGNS = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
"""Put before a message that is signed."""
POSSESSES = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
"""Put before a message by which the owner of a key shows that it has it."""
KEY_SIZE_BYTES, SIGNATURE_SIZE_BYTES = 128, 256
_NUMBER_SIZE_BYTES = 64


@cache
def _curve() -> Any:
    """The curve, whose tables take a third of a second."""
    from py_ecc import optimized_bls12_381

    return optimized_bls12_381


def secret_key(seed: bytes) -> int:
    """A secret key out of 48 bytes or more of chance."""
    if len(seed) < 48:
        raise ValueError(f"expected a seed of at least 48 bytes, got {len(seed)}")
    return int.from_bytes(seed, "big") % (_curve().curve_order - 1) + 1


def public_key(secret: int) -> PublicKey:
    """The key that verifies what the secret one signs."""
    curve = _curve()
    return PublicKey(_encoded(curve.multiply(curve.G1, secret)))


def sign(secret: int, message: bytes, purpose: bytes = SIGNS) -> Signature:
    """The signature of a message."""
    return Signature(_encoded(_curve().multiply(_point_of(message, purpose), secret)))


def sum_of(signatures: Sequence[Signature]) -> Signature:
    """Signatures of one message in one. Raises `Rejected` if one is not a point."""
    return Signature(_encoded(_total(map(_decoded_signature, signatures), _curve().Z2)))


def verifies(keys: Sequence[PublicKey], message: bytes, signature: Signature, purpose: bytes = SIGNS) -> bool:
    """Whether the owners of all keys have signed the message. Raises `Rejected` if one is not a point."""
    curve = _curve()
    total = _total(map(_decoded_key, keys), curve.Z1)
    found = _decoded_signature(signature)
    point = _point_of(message, purpose)
    left = curve.pairing(found, curve.G1)
    return bool(keys) and left == curve.pairing(point, total)


def _total(points: Iterable[Any], nothing: Any) -> Any:
    total = nothing
    for point in points:
        total = _curve().add(total, point)
    return total


def _point_of(message: bytes, purpose: bytes) -> Any:
    from py_ecc.bls.hash_to_curve import hash_to_G2

    return cast(Any, hash_to_G2)(message, purpose, sha256)


def _encoded(point: Any) -> bytes:
    if _curve().is_inf(point):
        return bytes(SIGNATURE_SIZE_BYTES if _is_second(point) else KEY_SIZE_BYTES)
    numbers: list[Any] = []
    for coordinate in _curve().normalize(point):
        numbers += getattr(coordinate, "coeffs", [coordinate])
    return b"".join(int(each).to_bytes(_NUMBER_SIZE_BYTES, "big") for each in numbers)


def _is_second(point: Any) -> bool:
    return hasattr(point[0], "coeffs")


def _numbers(content: bytes, size_bytes: int) -> list[int]:
    starts = range(0, len(content), _NUMBER_SIZE_BYTES)
    numbers = [int.from_bytes(content[at : at + _NUMBER_SIZE_BYTES], "big") for at in starts]
    if len(content) != size_bytes or any(each >= _curve().field_modulus for each in numbers):
        raise Rejected(Reject.BLS_POINT, f"expected {size_bytes} bytes of numbers of the field")
    return numbers


def _decoded_key(key: bytes) -> Any:
    curve = _curve()
    x, y = _numbers(key, KEY_SIZE_BYTES)
    return _checked((curve.FQ(x), curve.FQ(y), curve.FQ(1)), curve.b)


def _decoded_signature(signature: bytes) -> Any:
    curve = _curve()
    numbers = _numbers(signature, SIGNATURE_SIZE_BYTES)
    x, y = (curve.FQ2(numbers[at : at + 2]) for at in (0, 2))
    return _checked((x, y, curve.FQ2.one()), curve.b2)


def _checked(point: Any, b: Any) -> Any:
    """The point, if it is on the curve and in the group, and is not infinity."""
    curve = _curve()
    if not curve.is_on_curve(point, b) or not curve.is_inf(curve.multiply(point, curve.curve_order)):
        raise Rejected(Reject.BLS_POINT, "the numbers are not a point of the group")
    return point
