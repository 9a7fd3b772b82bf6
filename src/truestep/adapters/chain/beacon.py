"""Blobs of transactions, from consensus nodes by their HTTP interface (the Beacon API's `blobs`).

A consensus node keeps the blobs of a block for 18 days. It knows blocks by the roots of its own chain; the
next block of the execution chain names that root (EIP-4788), so no genesis and no slot need be known.
"""

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.transfer import download, origin
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import BLOB_SIZE_BYTES, Kzg, versioned_hash
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop

BLOBS_LIMIT = 128
"""In one answer: more than a block has."""
_HEX_BYTES = 2 * BLOB_SIZE_BYTES
ANSWER_LIMIT_BYTES = BLOBS_LIMIT * (_HEX_BYTES + 8) + 1024
_ROOT_OR_NUMBER = re.compile(r"0x[0-9a-f]{64}|[0-9]{1,20}")


class _Answer(BaseModel):
    """What a node sends."""

    model_config = ConfigDict(strict=True, extra="ignore")

    data: list[str] = Field(max_length=BLOBS_LIMIT)


class BeaconBlobs:
    """For any thread. What it gives was compared with its versioned hash."""

    def __init__(self, urls: Sequence[str], kzg: Kzg) -> None:
        """`urls`: of nodes that replace each other."""
        self._urls = [url.rstrip("/") for url in urls]
        self._kzg = kzg

    def blob(self, wanted: Bytes32, block_id: str, should_stop: ShouldStop = never) -> bytes:
        """The blob with this versioned hash, of a block that has this root. Raises `Unavailable`."""
        if not _ROOT_OR_NUMBER.fullmatch(block_id):
            raise ValueError(f"expected the root or number of a block, got {block_id!r}")
        troubles = list[str]()
        for url in self._urls:
            try:
                return self._ask(url, wanted, block_id, should_stop)
            except Unavailable as error:
                troubles.append(str(error))
        why = (
            f"{'; '.join(troubles)}; name another --beacon"
            if troubles
            else "no consensus node is named; name one with --beacon"
        )
        raise Unavailable(f"cannot get blob {wanted.hex()}, which a transaction has published: {why}")

    def _ask(self, url: str, wanted: Bytes32, block_id: str, should_stop: ShouldStop) -> bytes:
        target = f"{url}/eth/v1/beacon/blobs/{block_id}?versioned_hashes=0x{wanted.hex()}"
        body = run_in_background(
            lambda: download(target, "a blob", ANSWER_LIMIT_BYTES, "try later"), should_stop
        )
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as error:
            raise Unavailable(f"{origin(url)} sent what is no list of blobs") from error
        for text in answer.data:
            blob = _octets(text)
            if blob is not None and self._hash_of(blob) == wanted:
                return blob
        other = ", but sent other bytes" if answer.data else ""
        raise Unavailable(f"{origin(url)} does not have it{other}")

    def _hash_of(self, blob: bytes) -> Bytes32 | None:
        try:
            return versioned_hash(self._kzg.commit(blob))
        except Rejected:  # elements above the modulus
            return None


def _octets(text: str) -> bytes | None:
    if len(text) != _HEX_BYTES + 2 or not text.startswith("0x"):
        return None
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        return None
