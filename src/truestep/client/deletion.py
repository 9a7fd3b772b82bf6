"""Deletion receipts: signed statements that somebody no longer has an item (docs/privacy.md).

Such a statement is a promise that can be held against who signed it, and no proof: nobody can show that there
is no copy.
"""

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.client.receipt import AddressText, Amount, Hex32
from truestep.protocol.availability.layout import deletion_hash

DELETION_VERSION = 1
Seconds = Annotated[int, Field(ge=0, lt=2**64)]


class DeletionReceipt(BaseModel):
    """Who says that it has deleted an item, and when. `to_json` and `parse_deletion` are inverses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep deletion"] = "truestep deletion"
    version: Literal[1] = DELETION_VERSION
    chain_id: Amount
    items: AddressText
    """The contract that the item is registered at."""
    item_digest: Hex32
    deleted_at: Seconds
    """Seconds since 1970."""
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")]

    def to_json(self) -> str:
        """The receipt as the text of its file."""
        return self.model_dump_json(indent=1) + "\n"


def sign_deletion(
    account: Any, chain_id: int, items: Address, item_digest: Bytes32, deleted_at: int
) -> DeletionReceipt:
    """The statement of an account of eth_account that its copies of the item are gone since `deleted_at`."""
    signed = account.unsafe_sign_hash(deletion_hash(chain_id, items, item_digest, deleted_at))
    return DeletionReceipt(
        chain_id=chain_id,
        items=items,
        item_digest=item_digest.hex(),
        deleted_at=deleted_at,
        signature=bytes(signed.signature).hex(),
    )


def check_deletion(receipt: DeletionReceipt, holder: Address, item_digest: Bytes32, until: int) -> None:
    """Whether `holder` says of this item that it kept it to its last second and has deleted it since.

    Raises Rejected if the statement is of another, about another item, or of a time before `until` is over.
    """
    if receipt.item_digest != item_digest.hex():
        raise _other(
            f"expected a statement about item {item_digest.hex()}, got one about {receipt.item_digest}"
        )
    if receipt.deleted_at <= until:
        raise _other(f"expected a deletion after second {until}, got one in second {receipt.deleted_at}")
    signer = _signer(receipt)
    if signer != holder:
        raise _other(f"expected the signature of {holder}, got that of {signer}")


def parse_deletion(text: bytes | str) -> DeletionReceipt:
    """The receipt that `text` encodes. Raises Rejected, which names the first wrong field."""
    try:
        return DeletionReceipt.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Rejected(Reject.DELETION_MALFORMED, f"{where}: {first['msg']}") from error


def _signer(receipt: DeletionReceipt) -> Address:
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError
    from web3 import Account

    digest = deletion_hash(
        receipt.chain_id,
        Address(receipt.items),
        Bytes32(bytes.fromhex(receipt.item_digest)),
        receipt.deleted_at,
    )
    try:
        signature = bytes.fromhex(receipt.signature)
        return Address(cast(Any, Account)._recover_hash(digest, signature=signature))
    except (BadSignature, ValidationError, ValueError) as error:
        raise _other(f"expected a signature, got {receipt.signature} ({error})") from error


def _other(message: str) -> Rejected:
    return Rejected(Reject.DELETION_OTHER, message)
