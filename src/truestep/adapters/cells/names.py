"""Names of what a store of cells keeps: `{item}/manifest` and `{item}/{blob}-{first cell}`."""

import re

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.cells import RunKey

MANIFEST = "manifest"
_ITEM = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"(\d{4})-(\d{3})")

MANIFEST_LIMIT_BYTES = 4 << 20
"""The largest item has 4,352 blobs and 256 parts: its manifest has half a megabyte."""
RESERVED_BYTES = 256 << 20
"""What a store leaves free on a disk: the state of the daemon is on it too, and must never lack room."""


def item_folder(item: Bytes32) -> str:
    """The folder of an item."""
    return item.hex()


def manifest_name(item: Bytes32) -> str:
    """Where an item's manifest lies."""
    return f"{item.hex()}/{MANIFEST}"


def run_name(run: RunKey) -> str:
    """Where a run lies."""
    return f"{run.item.hex()}/{run.blob:04d}-{run.first_cell:03d}"


def item_of(folder: str) -> Bytes32 | None:
    """The item whose folder this is; None if it is none."""
    return Bytes32(bytes.fromhex(folder)) if _ITEM.fullmatch(folder) else None


def run_of(item: Bytes32, name: str) -> RunKey | None:
    """The run that lies in an item's folder under `name`; None if it is none."""
    matched = _RUN.fullmatch(name)
    return matched and RunKey(item=item, blob=int(matched[1]), first_cell=int(matched[2]))


def no_room(place: str, used_bytes: int, limit_bytes: int) -> Unavailable:
    """The failure of a put above the limit."""
    return Unavailable(
        f"{place} is full: {used_bytes:,} of {limit_bytes:,} bytes are used; raise --store-limit, or accept"
        " fewer seats"
    )
