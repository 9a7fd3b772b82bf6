"""What keepers and their clients say to each other, version 1 (docs/keepers.md)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from truestep.availability.cells import Cell
from truestep.availability.parts import BLOB_LIMIT
from truestep.base.errors import Reject, Rejected
from truestep.base.text import counted
from truestep.commitments.kzg import CELL_SIZE_BYTES, CELLS_PER_BLOB, PROOF_SIZE_BYTES

VERSION = 1
PLACES_LIMIT = CELLS_PER_BLOB
"""Cells in one answer, a quarter of a megabyte: all of a blob, or as many of any blobs."""
CELLS_TYPE = "application/vnd.truestep.cells"
HELD_LIMIT_BYTES = 1 << 20
"""Of the list of what a keeper holds. Runs of all blobs take a hundred bytes, holes take more."""

_BLOB_BYTES, _NUMBER_BYTES = 2, 1
_HEAD_BYTES = _BLOB_BYTES + _NUMBER_BYTES
PACKED_SIZE_BYTES = _HEAD_BYTES + CELL_SIZE_BYTES + PROOF_SIZE_BYTES

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CellPlace:
    """Which cell of an item."""

    blob: int
    cell: int


class HeldRun(BaseModel):
    """Cells `first_cell` and the next 63 of the blobs in `blobs`, pairs of a first blob and a number."""

    model_config = ConfigDict(strict=True, extra="ignore")

    first_cell: int = Field(ge=0, lt=CELLS_PER_BLOB)
    blobs: list[list[int]] = Field(max_length=BLOB_LIMIT)

    def numbers(self) -> set[int]:
        """The blobs."""
        return {
            blob for first, count, *_ in self.blobs for blob in range(first, min(first + count, BLOB_LIMIT))
        }


class Held(BaseModel):
    """What a keeper says that it holds of an item."""

    model_config = ConfigDict(strict=True, extra="ignore")

    runs: list[HeldRun] = Field(max_length=CELLS_PER_BLOB)


class Health(BaseModel):
    """What a keeper says of itself."""

    model_config = ConfigDict(strict=True, extra="ignore")

    version: int
    status: str
    items: int = 0
    used_bytes: int = 0
    keeper: str = ""


def held_run(first_cell: int, blobs: Iterable[int]) -> HeldRun:
    """A run of these blobs."""
    pairs: list[list[int]] = []
    for blob in sorted(blobs):
        if pairs and sum(pairs[-1]) == blob:
            pairs[-1][1] += 1
        else:
            pairs.append([blob, 1])
    return HeldRun(first_cell=first_cell, blobs=pairs)


def read_model(model: type[Model], body: bytes) -> Model:
    """The answer in JSON that `body` is. Raises `Rejected` if it is something else."""
    try:
        return model.model_validate_json(body)
    except (ValidationError, ValueError) as error:
        raise Rejected(
            Reject.KEEPER_ANSWER, f"expected the JSON of {model.__name__}, version {VERSION}, got other bytes"
        ) from error


def pack(cell: Cell) -> bytes:
    """A cell in an answer: blob and number, content, proof."""
    head = cell.blob.to_bytes(_BLOB_BYTES, "big") + cell.cell.to_bytes(_NUMBER_BYTES, "big")
    return head + cell.content + cell.proof


def unpack(body: bytes, wanted: Sequence[CellPlace], source: str) -> list[Cell]:
    """The cells in an answer of `source`, unverified.

    Raises `Rejected` if they are not some of those that were wanted, each at most once.
    """
    if len(body) % PACKED_SIZE_BYTES:
        raise _malformed(
            f"expected cells of {PACKED_SIZE_BYTES} bytes each, got {counted(len(body), 'byte')}"
        )
    left, cells = set(wanted), list[Cell]()
    for start in range(0, len(body), PACKED_SIZE_BYTES):
        blob, number = int.from_bytes(body[start : start + _BLOB_BYTES], "big"), body[start + _BLOB_BYTES]
        place = CellPlace(blob=blob, cell=number)
        if place not in left:
            raise _malformed(f"expected the cells that were asked for, got cell {number} of blob {blob}")
        left.remove(place)
        content = body[start + _HEAD_BYTES : start + _HEAD_BYTES + CELL_SIZE_BYTES]
        proof = body[start + _HEAD_BYTES + CELL_SIZE_BYTES : start + PACKED_SIZE_BYTES]
        cells.append(Cell(blob=blob, cell=number, content=content, proof=proof, source=source))
    return cells


def places_text(places: Iterable[CellPlace]) -> str:
    """Places in a URL: `0.5,12.127`."""
    return ",".join(f"{place.blob}.{place.cell}" for place in places)


def error_body(message: str) -> bytes:
    """The body of a refusal."""
    return json.dumps({"error": message}).encode()


def _malformed(message: str) -> Rejected:
    return Rejected(Reject.KEEPER_ANSWER, message)
