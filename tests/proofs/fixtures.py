"""Genuine proofs that others have published, with where they come from (`fixtures.json`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from truestep.proofs.receipts import ForeignReceipt
from truestep.proofs.versions import System

FILE = Path(__file__).with_name("fixtures.json")


@cache
def fixtures() -> dict[str, dict[str, Any]]:
    """By the name of their version."""
    return json.loads(FILE.read_text("utf-8"))


def names(state: str) -> list[str]:
    return [name for name, fixture in fixtures().items() if fixture["state"] == state]


def receipt(name: str) -> ForeignReceipt:
    fixture = fixtures()[name]
    return ForeignReceipt(
        system=System(fixture["system"]),
        image=bytes.fromhex(fixture["image"]),
        journal=bytes.fromhex(fixture["journal"]),
        proof=bytes.fromhex(fixture["proof"]),
    )


def flipped(content: bytes, bit: int) -> bytes:
    """The bytes with one bit changed."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flips(original: ForeignReceipt, every: int = 1, start: int = 0) -> Iterator[tuple[str, ForeignReceipt]]:
    """The receipt with one bit of proof, image or journal flipped, each bit or some of them."""
    for field in ("proof", "image", "journal"):
        content: bytes = getattr(original, field)
        for bit in range(start, 8 * len(content), every):
            yield f"{field} bit {bit}", replace(original, **{field: flipped(content, bit)})
