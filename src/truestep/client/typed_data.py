"""Values that accounts sign by EIP-712, so that a wallet shows what it signs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from truestep.base.errors import Reject, Rejected

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

CONTRACT_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
"""The fields of a domain that is one contract's on one chain."""
_SIZE_BYTES = 65


def sign(signer: "Signer", data: Mapping[str, Any]) -> str:
    """The signature of typed data, in hexadecimal."""
    return bytes(cast(Any, signer).sign_message(_message(data)).signature).hex()


def check_signature(data: Mapping[str, Any], signature: str, account: str) -> None:
    """Raises Rejected unless the account has signed these data."""
    found = _signer(data, signature)
    if found.lower() != account.lower():
        raise Rejected(
            Reject.SIGNATURE_OTHER,
            f"expected the signature of {account}, got that of {found} or of other values; rely on nothing"
            " that it says",
        )


def digest(data: Mapping[str, Any]) -> bytes:
    """What is signed."""
    from truestep.commitments.keccak import keccak256

    message = _message(data)
    return keccak256(b"\x19" + message.version + message.header + message.body)


def _signer(data: Mapping[str, Any], signature: str) -> str:
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError
    from web3 import Account

    try:
        raw = bytes.fromhex(signature.removeprefix("0x"))
        if len(raw) != _SIZE_BYTES:
            raise ValueError(f"{len(raw)} bytes")
        return cast(str, cast(Any, Account).recover_message(_message(data), signature=raw))
    except (BadSignature, ValidationError, ValueError) as error:
        raise Rejected(
            Reject.SIGNATURE_OTHER,
            f"expected a signature of {_SIZE_BYTES} bytes, got {signature[:140]!r} ({error})",
        ) from error


def _message(data: Mapping[str, Any]) -> Any:
    from eth_account.messages import encode_typed_data

    return encode_typed_data(full_message=dict(data))
