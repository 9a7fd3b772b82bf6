"""Blobs that transactions have published; what was read can be kept: nodes forget them after 18 days."""

import time
from contextlib import suppress
from pathlib import Path

from truestep.adapters.blobs.addresses import kzg_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.protocol.availability.ids import ItemId

KEPT_SECONDS = 60 * 86_400
"""For which a blob is kept after it was read: longer than items in blobs, their windows and disputes last."""
PRUNE_SECONDS = 86_400
"""Between two looks for what is older: anybody may fill blobs that a watcher reads."""


class PublishedBlobs:
    """Satisfies `truestep.adapters.keepers.item_blobs.Published`, for any thread."""

    def __init__(self, reader: AvailabilityReader, beacon: BeaconBlobs, folder: Path | None = None) -> None:
        """`folder`: where blobs are kept that were read once, if anywhere."""
        self.reader = reader
        """Which blobs were published, and where."""
        self._beacon = beacon
        self._kept = DirectoryBlobs(folder) if folder is not None else None
        self._folder = folder
        self._pruned_at = 0.0

    def __call__(self, item_id: ItemId, blob: int) -> bytes:
        """One blob of an item. Raises `Unavailable` if it cannot be had, or was not published."""
        versioned_hash, block_id = self.reader.published(item_id, blob)
        if self._kept is None:
            return self._read(item_id, blob, versioned_hash, block_id)
        name = kzg_name(versioned_hash)
        try:
            return self._kept.get_named(name)
        except (Unavailable, Rejected):
            found = self._read(item_id, blob, versioned_hash, block_id)
        self._prune()
        self._kept.put_named(name, found)
        return found

    def _prune(self) -> None:
        """Remove what is so old that nobody needs it, now and then."""
        now = time.time()
        if self._folder is None or now - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = now
        for path in self._folder.glob("kzg/*"):
            with suppress(OSError):  # another thread was first, or the next look does it
                if path.stat().st_mtime < now - KEPT_SECONDS:
                    path.unlink()

    def _read(self, item_id: ItemId, blob: int, versioned_hash: Bytes32, block_id: str) -> bytes:
        """From consensus nodes. A reorganisation may have moved the transaction to another block."""
        try:
            return self._beacon.blob(versioned_hash, block_id)
        except Unavailable:
            self.reader.facts()
            moved = self.reader.published(item_id, blob)
            if moved == (versioned_hash, block_id):
                raise
            return self._beacon.blob(*moved)
