"""Items that no keeper has, laid into a file from what the chain holds (docs/availability.md A3.7, A3.8)."""

from collections.abc import Sequence

from truestep.adapters.keepers.download import OnBlob, PayloadFile
from truestep.adapters.keepers.item_blobs import Published
from truestep.availability.blobs import payload_of
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, UNIT_SIZE_BYTES
from truestep.base.errors import Unavailable
from truestep.base.text import counted
from truestep.protocol.availability.facts import KnownItem


def lay_calldata(item: KnownItem, payload: bytes, file: PayloadFile) -> None:
    """Lay the leaves of all parts, which were in calldata, where blobs would hold them.

    Raises `Unavailable` if they are not as many as the parts say, or the disk fails.
    """
    if len(payload) != sum(part.size_bytes for part in item.parts):
        raise Unavailable(
            f"the node gives {counted(len(payload), 'byte')} of item {item.item_id}, which are not those of"
            " its parts;"
            " try another node"
        )
    laid, start = bytearray(), 0
    for part in item.parts:
        leaves = payload[start : start + part.size_bytes]
        laid += leaves.ljust(part.unit_count * UNIT_SIZE_BYTES, b"\0")
        start += part.size_bytes
    for blob, begin in enumerate(range(0, len(laid), BLOB_PAYLOAD_BYTES)):
        file.write(blob, bytes(laid[begin : begin + BLOB_PAYLOAD_BYTES]))


def lay_published(
    item: KnownItem, published: Published, file: PayloadFile, blobs: Sequence[int], on_blob: OnBlob
) -> None:
    """Lay those of these blobs that the file lacks, from the transaction that has registered the item.

    Raises `Unavailable` if one cannot be had, and `Rejected` if an element of it is none of an item's.
    """
    on_blob(len(blobs) - sum(blob not in file.done for blob in blobs), len(blobs))
    for done, blob in enumerate(blobs, start=1):
        if blob not in file.done:
            file.write(blob, payload_of(published(item.item_id, blob), blob))
        on_blob(done, len(blobs))
