"""A chain of values in place of a node: it loses its mempool, reorganises, lags and hides as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from web3.providers.base import BaseProvider

from truestep.adapters.chain.endpoint import wire_form
from truestep.adapters.chain.fees import GWEI
from truestep.commitments.keccak import keccak256

CHAIN_ID = 7
START_BLOCKS = 4


@dataclass(frozen=True, kw_only=True)
class Sent:
    hash: str
    sender: str
    nonce: int
    payload: str
    fee_cap_wei: int


@dataclass
class ScriptedNode(BaseProvider):
    """Satisfies web3's provider. Every transaction that is valid succeeds."""

    base_fee_wei: int = GWEI
    hides_receipts: bool = False
    is_silent: bool = False
    """It takes what is sent, and says nothing."""
    forks: int = 0
    blocks: list[tuple[str, list[Sent]]] = field(default_factory=list)
    mempool: dict[int, Sent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        for _ in range(START_BLOCKS):
            self.mine()

    def mine(self) -> None:
        """A block with everything in the mempool that fits."""
        content: list[Sent] = []
        nonce = self.count(len(self.blocks) - 1)
        while (sent := self.mempool.get(nonce)) and sent.fee_cap_wei >= self.base_fee_wei:
            content.append(self.mempool.pop(nonce))
            nonce += 1
        self.blocks.append((self._hash_of(len(self.blocks)), content))
        self.mempool = {number: sent for number, sent in self.mempool.items() if number >= nonce}

    def reorganise(self, depth: int) -> None:
        """Other blocks, with nothing in them; the transactions are gone."""
        self.forks += 1
        kept = max(len(self.blocks) - depth, START_BLOCKS)
        lost = len(self.blocks) - kept
        del self.blocks[kept:]
        self.mempool.clear()
        for _ in range(lost):
            self.mine()

    def count(self, number: int) -> int:
        return sum(len(content) for _, content in self.blocks[: number + 1])

    def landed(self) -> list[Sent]:
        return [sent for _, content in self.blocks for sent in content]

    def make_request(self, method: Any, params: Any) -> Any:
        try:
            return {"jsonrpc": "2.0", "id": 1, "result": wire_form(getattr(self, f"_{method}")(*params))}
        except ValueError as error:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": str(error)}}

    # --- methods ------------------------------------------------------------------------------------------

    def _eth_getBlockByNumber(self, at: str, is_full: bool) -> Any:
        number = self._number(at)
        if number >= len(self.blocks):
            return None
        block_hash, content = self.blocks[number]
        return {
            "number": number,
            "hash": block_hash,
            "parentHash": self.blocks[number - 1][0] if number else "0x" + "00" * 32,
            "timestamp": number,
            "gasLimit": 30_000_000,
            "baseFeePerGas": self.base_fee_wei,
            "transactions": [self._shown(sent, number) if is_full else sent.hash for sent in content],
        }

    def _eth_maxPriorityFeePerGas(self) -> int:
        return GWEI

    def _eth_getBalance(self, *_: Any) -> int:
        return 10**24

    def _eth_estimateGas(self, *_: Any) -> int:
        return 50_000

    def _eth_getTransactionCount(self, _: str, at: str) -> int:
        used = self.count(len(self.blocks) - 1 if at == "pending" else self._number(at))
        while at == "pending" and used in self.mempool:
            used += 1
        return used

    def _eth_sendRawTransaction(self, raw: str) -> str:
        sent = _sent(raw)
        old = self.mempool.get(sent.nonce)
        if sent.nonce < self.count(len(self.blocks) - 1):
            raise ValueError("nonce too low")
        if old is not None and old.hash == sent.hash:
            raise ValueError("already known")
        if old is not None and sent.fee_cap_wei * 10 < old.fee_cap_wei * 11:
            raise ValueError("replacement transaction underpriced")
        self.mempool[sent.nonce] = sent
        if self.is_silent:
            raise OSError("the connection was closed")
        return sent.hash

    def _eth_getTransactionReceipt(self, wanted: str) -> Any:
        for number, (block_hash, content) in enumerate(self.blocks):
            if not self.hides_receipts and any(sent.hash == wanted for sent in content):
                return {
                    "transactionHash": wanted,
                    "blockNumber": number,
                    "blockHash": block_hash,
                    "status": 1,
                    "gasUsed": 40_000,
                    "effectiveGasPrice": GWEI,
                    "logs": [],
                    "contractAddress": None,
                }
        return None

    def _eth_getTransactionByHash(self, _: str) -> None:
        return None

    # --- how ----------------------------------------------------------------------------------------------

    def _number(self, at: str) -> int:
        return len(self.blocks) - 1 if at == "latest" else int(at, 16)

    def _hash_of(self, number: int) -> str:
        return "0x" + keccak256(f"{number}/{self.forks}".encode()).hex()

    def _shown(self, sent: Sent, number: int) -> Any:
        return {
            "hash": sent.hash,
            "from": sent.sender,
            "to": sent.sender,
            "nonce": sent.nonce,
            "value": 0,
            "input": f"0x{sent.payload}",
            "blockNumber": number,
        }


def _sent(raw: str) -> Sent:
    content = bytes.fromhex(raw.removeprefix("0x"))
    fields = TypedTransaction.from_bytes(HexBytes(content)).as_dict()
    return Sent(
        hash="0x" + keccak256(content).hex(),
        sender=Account.recover_transaction(content),
        nonce=int(fields["nonce"]),
        payload=bytes(fields["data"]).hex(),
        fee_cap_wei=int(fields["maxFeePerGas"]),
    )
