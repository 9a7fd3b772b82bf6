"""Registers items whose blobs travel in the registering transaction (docs/availability.md A3.6)."""

from collections.abc import Sequence

from truestep.availability.encoding import EncodedBlob, Encoder
from truestep.availability.manifest import Manifest
from truestep.base.errors import Reject, Rejected
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.client import item_terms
from truestep.client.sending import transact_once
from truestep.client.supplies import Content, Need
from truestep.commitments.kzg import BLOB_SIZE_BYTES, Kzg
from truestep.engine.hashing import hash_many_pairs
from truestep.ports.chain import Chain
from truestep.protocol.availability.contracts.items import RegisterBlobs
from truestep.protocol.availability.registration import BLOB_SECONDS
from truestep.protocol.calls import RegisterInBlobs

DAY_SECONDS = 86_400
SPARE_SECONDS = 3_600
"""Between the registration and the post of the job: a run that is stopped may go on so much later."""
REGISTER_GAS = 150_000
"""Of an item of some blobs, beside the gas of its blobs (docs/availability-gas.md)."""


def refuse_too_long(need: Need, now: int) -> None:
    """Refuse a job that may need its data for longer than blobs can be relied on."""
    late_seconds = need.until_without_holds + SPARE_SECONDS - (now + BLOB_SECONDS)
    if late_seconds <= 0:
        return
    room_seconds = need.deadline - now - late_seconds
    shorter = (
        f"give it a --lifetime of at most {room_seconds}, or submit"
        if room_seconds > 0
        else "its window and clocks alone are longer: submit"
    )
    lasting = duration(need.until_without_holds + SPARE_SECONDS - now)
    raise Rejected(
        Reject.DATA_ENDS_EARLY,
        f"blobs of transactions can be relied on for {duration(BLOB_SECONDS)}, and this job may need its data"
        f" for {lasting}: {item_terms.WHY_SO_LONG_IN_BLOBS}; {shorter}"
        " with --availability keepers, or calldata if it is small",
    )


def encoded_item(contents: Sequence[Content], kzg: Kzg) -> tuple[Manifest, tuple[EncodedBlob, ...]]:
    """The item that holds these, and its blobs with the proofs that nodes want beside them."""
    encoder = Encoder(kzg, hash_many_pairs)
    blobs = tuple(encoder.blobs(each.tree for each in contents))
    return encoder.manifest(), blobs


def last_second(need: Need, now: int, keep_seconds: int | None) -> int:
    """Until when an item is registered. Refuses a time that is too short for the job, or too long."""
    refuse_too_long(need, now)
    least_seconds = need.until_without_holds + SPARE_SECONDS - now
    return item_terms.last_second(
        now,
        keep_seconds,
        least_seconds=least_seconds,
        most_seconds=BLOB_SECONDS,
        why=item_terms.WHY_SO_LONG_IN_BLOBS,
    )


def in_words(contents: Sequence[Content], blob_count: int, bond_wei: int, seconds: int) -> str:
    """What registering them means."""
    names = " and ".join(each.name for each in contents)
    return (
        f"sends {names} in {counted(blob_count, 'blob')} of a transaction,"
        f" {blob_count * BLOB_SIZE_BYTES:,} of blob gas, which"
        f" consensus nodes keep for some 18 days; with a bond of {coins(bond_wei)}, which comes back in"
        f" {counted(-(-seconds // DAY_SECONDS), 'day')}, unless somebody doubts the item and nobody answers"
    )


def register_in_blobs(chain: Chain, manifest: Manifest, blobs: tuple[EncodedBlob, ...], until: int) -> None:
    """Register an item with its blobs, once for each last second."""
    call = RegisterInBlobs(register=RegisterBlobs(parts=manifest.parts, until=until, url=""), blobs=blobs)
    try:
        transact_once(chain, call, f"item:{manifest.name.hex()}:{until}")
    except Rejected as refused:
        if refused.reason is Reject.BLOB_NOT_SENT:  # what a trial without its blobs says
            raise Rejected(
                Reject.BLOB_NOT_SENT,
                "the node or its chain takes no blobs in transactions; ask another node with --rpc, or submit"
                " with --availability keepers or calldata",
            ) from refused
        raise
