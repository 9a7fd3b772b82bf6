"""Blobs that transactions have published; what was read can be kept: nodes forget them after 18 days."""

from pathlib import Path

from truestep.adapters.blobs.addresses import kzg_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.protocol.availability.ids import ItemId


class PublishedBlobs:
    """Satisfies `truestep.adapters.keepers.item_blobs.Published`, for any thread."""

    def __init__(self, reader: AvailabilityReader, beacon: BeaconBlobs, folder: Path | None = None) -> None:
        """`folder`: where blobs are kept that were read once, if anywhere."""
        self.reader = reader
        """Which blobs were published, and where."""
        self._beacon = beacon
        self._kept = DirectoryBlobs(folder) if folder is not None else None

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
        self._kept.put_named(name, found)
        return found

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
