"""Blobs that transactions have published, kept: consensus nodes forget them after 18 days."""

from pathlib import Path

from truestep.adapters.blobs.addresses import kzg_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.base.errors import Rejected, Unavailable
from truestep.protocol.availability.ids import ItemId


class PublishedBlobs:
    """Satisfies `truestep.adapters.keepers.item_blobs.Published`, for any thread."""

    def __init__(self, reader: AvailabilityReader, beacon: BeaconBlobs, folder: Path) -> None:
        """`folder`: where blobs are kept that were read once."""
        self.reader = reader
        """Which blobs were published, and where."""
        self._beacon = beacon
        self._kept = DirectoryBlobs(folder)

    def __call__(self, item_id: ItemId, blob: int) -> bytes:
        """One blob of an item. Raises `Unavailable` if it cannot be had, or was not published."""
        versioned_hash, block_id = self.reader.published(item_id, blob)
        name = kzg_name(versioned_hash)
        try:
            return self._kept.get_named(name)
        except (Unavailable, Rejected):
            found = self._beacon.blob(versioned_hash, block_id)
        self._kept.put_named(name, found)
        return found
