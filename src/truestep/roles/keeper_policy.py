"""What a keeper keeps, and for what (docs/keepers.md)."""

from dataclasses import dataclass

from truestep.base.text import counted
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.rules import rent_wei

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperPolicy:
    """What a keeper is willing to do."""

    shares: int = 0
    """That it wants to have; with more than it has, it buys them."""
    url: str = ""
    """Where it serves, for everybody."""
    blobs_limit: int = 4_352
    """The largest item that it keeps."""
    least_fee_wei: int = 0
    """For each blob and day."""
    least_yield_bps: int = 0
    """Of the locked share, a year, beside that."""


def why_unworthy(rules: Rules, record: Record, policy: KeeperPolicy) -> str:
    """Why an item is not worth keeping; empty if it is."""
    if record.blob_count > policy.blobs_limit:
        return (
            f"it has {counted(record.blob_count, 'blob')}, more than the {policy.blobs_limit:,} of"
            " --max-blobs"
        )
    seconds = record.until - record.since
    least_wei = policy.least_fee_wei * record.blob_count * seconds // DAY_SECONDS
    least_wei += rent_wei(rules, seconds, policy.least_yield_bps)
    if record.fee_wei < least_wei:
        return "it pays less than --min-fee for each blob and day and --min-yield for the share that it locks"
    return ""
