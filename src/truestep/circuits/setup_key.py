"""The structured reference string that proofs are made and checked with: production, or development.

The production key is Aztec's Ignition ceremony. Its points are pinned by hash here. The development key has
the secret 2, which everybody knows: whoever has it can prove anything. No production verifier takes its
proofs, because the second point of G2 is a constant of the verifier's code.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Generator
from enum import StrEnum
from pathlib import Path

from truestep.circuits.errors import CircuitError
from truestep.guest.user_cache import user_cache

BASE_FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""Coordinates of points are integers below it."""
POINT_BYTES = 64
DEVELOPMENT_SECRET = 2
DEVELOPMENT_WARNING = (
    "development key: its secret is known, so this proof convinces nobody; contracts for production refuse it"
)
G2Point = tuple[int, int, int, int]
"""A point of G2 as the precompile takes it: x imaginary, x real, y imaginary, y real."""


class KeyName(StrEnum):
    """Which key a proof is made with."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"


SECRET_POINTS: dict[KeyName, G2Point] = {
    KeyName.PRODUCTION: (
        0x260E01B251F6F1C7E7FF4E580791DEE8EA51D87A358E038B4EFE30FAC09383C1,
        0x0118C4D5B837BCC2BC89B5B398B5974E9F5944073B32078B7E231FEC938883B0,
        0x04FC6369F7110FE3D25156C1BB9A72859CF2A04641F99BA4EE413C80DA6A5FE4,
        0x22FEBDA3C0C0632A56475B4214E5615E11E6DD3F96E6CEA2854A87D4DACC5E55,
    ),
    KeyName.DEVELOPMENT: (
        0x203E205DB4F19B37B60121B83A7333706DB86431C6D835849957ED8C3928AD79,
        0x27DC7234FD11D3E8C36C59277C3E6F149D5CD3CFA9A62AEE49F8130962B4B3B9,
        0x195E8AA5B7827463722B8C153931579D3505566B4EDF48D498E185F0509DE152,
        0x04BB53B8977E5F92A0BC372742C4830944A59B4FE6B1C0466E2A6DAD122B5D2E,
    ),
}
"""The generator of G2 times the secret: what makes a verifier one of a key."""

CHUNK_POINTS = 1 << 17
CHUNK_BYTES = CHUNK_POINTS * 32
PRODUCTION_CHUNKS = (
    "fad8203ae1fd103658d4bb33b2b4cf126a28352b5de4684737cff23cc15fb94b",
    "652de4632b48f5856eaa29ab88dc11a0c35fdb738f02fb87b7e9355cc0717436",
    "1bd8f89c08d1c5000e9dc6a4ecabcfa28b2417676f5700b520c9cf448979ef4c",
    "4a3d5598c4995247b20f8948fb57d4180f71a31182f67e0f3304afe1a0e1f904",
    "3ed6cef0be438d9dd5e5c90d0d381e27ded2dbccbe02f9073136da70a6fb84ea",
    "11032b437a436c1af221ce67af4bc0037c5be7f976bc7b39f77c3f140b0858d4",
    "f925cbcbd122b8a8890b04483cb92f9cb970ce7eb5e4008aa89ff106fbadffe3",
    "edf6b390165207e1c85bc7c4a7654465f7799715765e2161b67c68149f9e7e5f",
    "cb2e273a40ecf31c8e43de099030eaf6803a3a1ad6e0ff9b0869a6799993bc56",
)
"""SHA-256 of each 4 MiB of `g1_compressed.dat`; `bb`, which is pinned itself, holds the same."""


def key_folder(name: KeyName) -> Path:
    """Where the points of a key are kept."""
    return user_cache().absolute() / "circuits" / f"key-{name}"


def points(folder: Path) -> int:
    """How many points a key has; 0 if it is not there."""
    path = folder / "bn254_g1.dat"
    return path.stat().st_size // POINT_BYTES if path.is_file() else 0


def make_development_key(folder: Path, count: int, progress: Callable[[int], None] | None = None) -> None:
    """Write the first `count` points, unless so many are there. Each is twice the one before."""
    if points(folder) >= count:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            for number, block in enumerate(_doublings(count), 1):
                file.write(block)
                if progress is not None:
                    progress(min(count, number * _BLOCK))
            file.flush()
            Path(file.name).replace(folder / "bn254_g1.dat")
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


_BLOCK = 1 << 12
"""Points that share one inversion."""


def _doublings(count: int) -> Generator[bytes]:
    """G, 2 G, 4 G… as pairs of coordinates."""
    order = BASE_FIELD_ORDER
    x, y, z = 1, 2, 1
    for start in range(0, count, _BLOCK):
        block: list[tuple[int, int, int, int]] = []
        product = 1
        for _ in range(min(_BLOCK, count - start)):
            block.append((x, y, z, product))
            product = product * z % order
            square = y * y % order
            fourfold = 4 * x * square % order
            slope = 3 * x * x % order
            z = 2 * y * z % order
            x = (slope * slope - 2 * fourfold) % order
            y = (slope * (fourfold - x) - 8 * square * square) % order
        yield _affine(block, pow(product, -1, order))


def _affine(block: list[tuple[int, int, int, int]], inverse: int) -> bytes:
    """The block's points by their two coordinates; `inverse` is that of the product of all z."""
    order = BASE_FIELD_ORDER
    parts: list[bytes] = []
    for x, y, z, product in reversed(block):
        own = inverse * product % order
        inverse = inverse * z % order
        square = own * own % order
        pair = x * square % order, y * square * own % order
        parts.append(b"".join(each.to_bytes(32, "big") for each in pair))
    return b"".join(reversed(parts))


def install_production_key(source: Path, folder: Path) -> int:
    """Check `g1_compressed.dat` chunk by chunk and put its points where the prover finds them; their number.

    Raises `CircuitError` if the file is not the key.
    """
    checked: list[bytes] = []
    with source.open("rb") as file:
        for number, expected in enumerate(PRODUCTION_CHUNKS):
            chunk = file.read(CHUNK_BYTES)
            if len(chunk) < CHUNK_BYTES:
                break
            found = hashlib.sha256(chunk).hexdigest()
            if found != expected:
                raise CircuitError(
                    f"{source} is not the production key: expected SHA-256 {expected} for its bytes from"
                    f" {number * CHUNK_BYTES} on, got {found}; fetch g1_compressed.dat of the ceremony again"
                )
            checked.append(_expanded(chunk))
    if not checked:
        raise CircuitError(
            f"{source} is too short for a key: expected at least {CHUNK_BYTES} bytes; fetch"
            " g1_compressed.dat of the ceremony again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"bn254_g1.dat.{os.getpid()}"
    made.write_bytes(b"".join(checked))
    made.replace(folder / "bn254_g1.dat")
    return len(checked) * CHUNK_POINTS


def _expanded(chunk: bytes) -> bytes:
    """Points as pairs of coordinates, out of x and, in the highest bit, whether y is odd."""
    order = BASE_FIELD_ORDER
    parts: list[bytes] = []
    for start in range(0, len(chunk), 32):
        word = int.from_bytes(chunk[start : start + 32], "big")
        x = word & ((1 << 255) - 1)
        y = pow(x * x * x + 3, (order + 1) // 4, order)
        if y & 1 != word >> 255:
            y = order - y
        parts.append(x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    return b"".join(parts)


def need_points(folder: Path, name: KeyName, count: int) -> None:
    """Raise `CircuitError` unless the key has so many points: the prover would fetch them by itself."""
    found = points(folder)
    if found < count:
        hint = (
            f"`truestep proofs setup --points {count}` makes them"
            if name is KeyName.DEVELOPMENT
            else "`truestep proofs setup --production-key FILE` takes them from the ceremony's file;"
            " to try things out, use the development key"
        )
        raise CircuitError(f"the {name} key has {found} points, and this circuit needs {count}: {hint}")
