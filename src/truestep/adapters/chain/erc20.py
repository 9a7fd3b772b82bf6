"""What requesters ask of ERC-20 tokens (EIP-20), which are part of no deployment."""

from typing import Any

from truestep.adapters.chain.abi import CODEC, SELECTOR_SIZE_BYTES
from truestep.adapters.chain.answers import octets
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.pinned import AtBlock
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.ports.chain import TokenHolding
from truestep.protocol.settlement.contracts.tokens import Approve

WORD_SIZE_BYTES = 32


def approval(call: Approve) -> bytes:
    """The payload that allows a spender its amount."""
    return _payload("approve(address,uint256)", call.spender, call.amount)


def holding_questions(asset: Address, account: Address, spender: Address) -> list[AtBlock]:
    """What an account has of a token, and what of it the spender may take."""
    payloads = [
        _payload("balanceOf(address)", account),
        _payload("allowance(address,address)", account, spender),
    ]
    return [_question(asset, payload) for payload in payloads]


def holding_of(asset: Address, answers: list[Any]) -> TokenHolding:
    """The answers to `holding_questions`. Raises `Rejected` for an address that is no token."""
    if not all(isinstance(answer, bytes) and len(answer) == WORD_SIZE_BYTES for answer in answers):
        raise Rejected(Reject.TOKEN_REFUSED, f"there is no ERC-20 token at {asset}; check the address")
    balance, allowance = (int.from_bytes(answer, "big") for answer in answers)
    return TokenHolding(balance=balance, allowance=allowance)


def _question(asset: Address, payload: bytes) -> AtBlock:
    message = {"to": asset, "data": f"0x{payload.hex()}"}
    return lambda block: Question(method="eth_call", parameters=[message, block], parse=octets)


def _payload(signature: str, *arguments: Any) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak256(signature.encode())[:SELECTOR_SIZE_BYTES] + CODEC.encode(types, list(arguments))
