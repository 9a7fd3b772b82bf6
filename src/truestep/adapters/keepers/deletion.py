"""Deletion receipts: signed statements that somebody no longer has cells of an item (docs/privacy.md).

Such a statement is a promise that can be held against who signed it, and no proof: nobody can show that there
is no copy.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from truestep.adapters.documents import parsed
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.kzg import CELLS_PER_BLOB
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.layout import deletion_hash
from truestep.roles.keeper import KeptFor

DELETION_VERSION = 1
RECEIPTS_LIMIT = 64
"""Of one keeper and item: one for each time that it had a seat."""
_Uint64 = Annotated[int, Field(ge=0, lt=2**64)]
_Cell = Annotated[int, Field(ge=0, lt=CELLS_PER_BLOB)]
_Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]


class DeletionReceipt(BaseModel):
    """Who says that he has deleted what, and when. `to_json` and `parse_deletion` are inverses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep deletion"] = "truestep deletion"
    version: Literal[1] = DELETION_VERSION
    chain_id: _Uint64
    items: _Address
    """The contract that the item is registered at."""
    item_id: Annotated[int, Field(ge=1, lt=2**80)]
    """The item's number there."""
    item_name: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The name of its content (docs/keepers.md)."""
    cells: Annotated[tuple[_Cell, ...], Field(min_length=1, max_length=CELLS_PER_BLOB, strict=False)]
    """Numbers of the cells that are gone, of every blob of the item, in order."""
    deleted_at: Annotated[int, Field(ge=0, lt=2**37)]
    """By when they were gone: the time of a block, in seconds since 1970."""
    holder: _Address
    """The account that signs."""
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.cells) != sorted(set(self.cells)):
            raise ValueError("expected cells in order, each once")
        return self

    def to_json(self) -> str:
        """The receipt as the text of its file."""
        return self.model_dump_json(indent=1) + "\n"


class Deletions(BaseModel):
    """What a keeper answers to whoever asks for the deletion receipts of an item."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    deletions: Annotated[tuple[DeletionReceipt, ...], Field(max_length=RECEIPTS_LIMIT, strict=False)]


class DeletionFolder:
    """Satisfies `truestep.ports.keeping.Deletions`: one file for each seat of an item."""

    def __init__(self, folder: Path, account: Any, chain_id: int, items: Address) -> None:
        """`account` of eth_account signs, about items of the contract `items`."""
        self._folder = folder
        self._account = account
        self._chain_id = chain_id
        self._items = items

    def write(self, name: Bytes32, reason: KeptFor, cells: Sequence[int], deleted_at: int) -> str:
        """Sign and write the receipt durably, in place of one about the same cells. Returns its path."""
        signed = sign_deletion(
            self._account, self._chain_id, self._items, reason.item_id, name, cells, deleted_at
        )
        path = self._folder / f"item-{reason.item_id}-seat-{reason.index}-since-{reason.since}.json"
        try:
            write_file(path, signed.to_json())
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error}; check disk space and permissions") from error
        return str(path)

    def of_item(self, item_id: ItemId) -> Deletions:
        """The receipts that were written about an item. Raises Unavailable if they cannot be read."""
        try:
            paths = sorted(self._folder.glob(f"item-{item_id}-seat-*.json"))
            found = [parse_deletion(path.read_bytes()) for path in paths[: 2 * RECEIPTS_LIMIT]]
        except (OSError, Rejected) as error:
            raise Unavailable(f"cannot read {self._folder}: {error}; check disk and permissions") from error
        here = (self._chain_id, self._items.lower())  # of other networks, such as an earlier devnet, too
        own = [each for each in found if (each.chain_id, each.items.lower()) == here]
        return Deletions(deletions=tuple(own[:RECEIPTS_LIMIT]))


def sign_deletion(
    account: Any,
    chain_id: int,
    items: Address,
    item_id: ItemId,
    item_name: Bytes32,
    cells: Sequence[int],
    deleted_at: int,
) -> DeletionReceipt:
    """The statement of an account of eth_account that its copies of these cells are gone by `deleted_at`."""
    digest = deletion_hash(chain_id, items, item_id, item_name, cells, deleted_at)
    return DeletionReceipt(
        chain_id=chain_id,
        items=items,
        item_id=item_id,
        item_name=item_name.hex(),
        cells=tuple(sorted(cells)),
        deleted_at=deleted_at,
        holder=account.address,
        signature=bytes(account.unsafe_sign_hash(digest).signature).hex(),
    )


def check_deletion(receipt: DeletionReceipt) -> None:
    """Whether the account that the receipt names has signed all of it. Raises Rejected if not."""
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError
    from web3 import Account

    digest = deletion_hash(
        receipt.chain_id,
        Address(receipt.items),
        ItemId(receipt.item_id),
        Bytes32(bytes.fromhex(receipt.item_name)),
        receipt.cells,
        receipt.deleted_at,
    )
    try:
        signature = bytes.fromhex(receipt.signature)
        signer = cast(str, cast(Any, Account)._recover_hash(digest, signature=signature))
    except (BadSignature, ValidationError, ValueError) as error:
        raise Rejected(
            Reject.DELETION_OTHER, f"expected a signature, got {receipt.signature} ({error})"
        ) from error
    if signer.lower() != receipt.holder.lower():
        raise Rejected(
            Reject.DELETION_OTHER,
            f"expected the signature of {receipt.holder}, got that of {signer} or of another text; rely on"
            " nothing that this file says",
        )


def parse_deletion(text: bytes | str) -> DeletionReceipt:
    """The receipt that `text` encodes. Raises Rejected, which names the first wrong field."""
    return parsed(DeletionReceipt, text, Reject.DELETION_MALFORMED, "a file that `truestep keeper` wrote")
