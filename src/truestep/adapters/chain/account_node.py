"""Asks a node about one account and its transactions. Every answer is checked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from truestep.adapters.chain import answers
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import endpoints_of, refused
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.refusals import Refusal, refusal_of
from truestep.base.errors import Unavailable
from truestep.base.ids import Address

FEE_HISTORY_BLOCKS = 8
_ERRORS_ARE_ANSWERS = (
    "eth_blobBaseFee",
    "eth_call",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_maxPriorityFeePerGas",
    "eth_sendRawTransaction",
)
"""Errors for which asking again does not help: the chain refuses, or the node lacks the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The fields of a block that a sender needs."""

    number: int
    hash: str
    parent_hash: str
    base_fee_wei: int
    gas_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How a transaction ended."""

    transaction_hash: str
    block_number: int
    block_hash: str
    has_succeeded: bool
    gas_used: int
    gas_price_wei: int
    contract: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transaction as it stands in a block."""

    hash: str
    to: str | None
    value_wei: int
    payload: str


class AccountNode:
    """Asks a node. Every method raises `Unavailable` if it does not answer or its answer is invalid."""

    def __init__(self, web3: Web3, account: Address) -> None:
        self._provider = web3.provider
        self._endpoints = endpoints_of(web3)
        self._account = account

    # --- questions, to be asked together with others ------------------------------------------------------

    def count_question(self, block: int | str) -> Question:
        """How many nonces the account had used at a block, or with what is pending."""
        at = hex(block) if isinstance(block, int) else block
        return _question("eth_getTransactionCount", [self._account, at], answers.quantity)

    def receipt_questions(self, hashes: Iterable[str]) -> list[Question]:
        """One for each hash; the receipt or None."""
        return [_question("eth_getTransactionReceipt", [f"0x{each}"], _receipt) for each in hashes]

    def estimate_question(self, message: Message) -> Question:
        """The gas that a message needs."""
        return _question("eth_estimateGas", [self._request(message), "latest"], answers.quantity)

    def balance_question(self) -> Question:
        """The coins of the account."""
        return _question("eth_getBalance", [self._account, "latest"], answers.quantity)

    def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """The answers, in order, in one request where the node takes batches; some may be a `NodeError`."""
        found = self._endpoints.ask_all(questions)
        for each in found:
            self._saw(each)
        return found

    # --- single ones --------------------------------------------------------------------------------------

    def head(self) -> Block:
        """The newest block."""
        return given(self._endpoints.ask(_HEAD))

    def block_hashes(self, numbers: Sequence[int]) -> dict[int, str | None]:
        """The hashes of these blocks; None beyond the head."""
        questions = [
            _question("eth_getBlockByNumber", [hex(number), False], _block_hash) for number in numbers
        ]
        return dict(zip(numbers, map(given, self.ask_all(questions)), strict=True))

    def count(self, block: int | str) -> int:
        """The answer to `count_question`."""
        return given(self._endpoints.ask(self.count_question(block)))

    def receipt(self, hashes: Sequence[str]) -> Receipt | None:
        """The receipt of whichever landed; where one endpoint has none, a second one is asked."""
        for each in hashes:
            found = self._ask_twice("eth_getTransactionReceipt", [f"0x{each}"])
            if found is not None:
                receipt = _receipt(found)
                self._saw(receipt)
                return receipt
        return None

    def block_of_hashes(self, hashes: Sequence[str]) -> int | None:
        """The number of the block that holds any of these transactions, as far as the nodes know."""
        for each in hashes:
            found = self._ask_twice("eth_getTransactionByHash", [f"0x{each}"])
            if found is not None and found.get("blockNumber") is not None:
                return answers.quantity(found["blockNumber"])
        return None

    def transaction_at(self, block_number: int, nonce: int) -> Sent | None:
        """The account's transaction with `nonce` in a block."""
        asked = _question("eth_getBlockByNumber", [hex(block_number), True], _transactions)
        for each in given(self._endpoints.ask(asked)):
            is_ours = str(each["from"]).lower() == self._account.lower()
            if is_ours and answers.quantity(each["nonce"]) == nonce:
                return _sent(each)
        return None

    def call(self, message: Message, block_number: int) -> None:
        """Make a call as it would have been made on a block. Raises `Rejected` if the contract refuses."""
        asked = _question("eth_call", [self._request(message), hex(block_number)], answers.octets)
        given(self._endpoints.ask(asked))

    def market(self) -> tuple[Block, int | None]:
        """The newest block, and the tip that the node suggests, if any."""
        tip = _question("eth_maxPriorityFeePerGas", [], answers.quantity)
        try:
            block, suggested = self.ask_all([_HEAD, tip])
        except Unavailable:  # perhaps only of the tip, which is not essential
            block, suggested = self._endpoints.ask(_HEAD), None
        return given(block), None if isinstance(suggested, NodeError) else suggested

    def paid_tip_wei(self) -> int | None:
        """The median of the tips paid by the middle transactions of the last blocks; None if unknown."""
        parameters = [hex(FEE_HISTORY_BLOCKS), "latest", [50]]
        try:
            answer = self._endpoints.ask(_question("eth_feeHistory", parameters, _middle_tips))
        except Unavailable:
            return None
        tips: list[int] = [] if isinstance(answer, NodeError) else answer
        return tips[len(tips) // 2] if tips else None

    def blob_price_wei(self) -> int | None:
        """What a unit of blob gas costs in the next block; None if the node does not know it."""
        found = self._endpoints.ask(_question("eth_blobBaseFee", [], answers.quantity))
        return None if isinstance(found, NodeError) else found

    def broadcast(self, raw: str) -> tuple[Refusal | None, str]:
        """Hand a signed transaction to one or two endpoints. Returns the objection of the first."""
        response: Any = self._provider.make_request(RPCEndpoint("eth_sendRawTransaction"), [f"0x{raw}"])
        if "error" in response:
            said = str(response["error"]["message"])
            return refusal_of(said), said
        return None, ""

    # --- how ----------------------------------------------------------------------------------------------

    def _saw(self, answer: Any) -> None:
        """Reads that follow must not be of an older block than the receipts that were seen."""
        if isinstance(answer, Receipt):
            self._endpoints.board.saw_own_block(answer.block_number)

    def _ask_twice(self, method: str, parameters: list[Any]) -> Any:
        """An answer that perhaps only one endpoint has yet; None if none has it, or the node refuses."""
        response: Any = self._provider.make_request(RPCEndpoint(method), parameters)
        return response.get("result")

    def _request(self, message: Message) -> dict[str, Any]:
        request: dict[str, Any] = {
            "from": str(self._account),
            "value": hex(message.value_wei),
            "data": f"0x{message.payload.hex()}",
        }
        if message.blobs:
            request["blobVersionedHashes"] = message.versioned_hashes
        return request if message.to is None else request | {"to": Web3.to_checksum_address(message.to)}


def given(answer: Any) -> Any:
    """An answer that must be a value. Raises `Rejected` for a revert, `Unavailable` for another error."""
    if isinstance(answer, NodeError):
        raise refused(answer)
    return answer


def _question(method: str, parameters: Sequence[Any], parse: Any) -> Question:
    def checked(result: Any) -> Any:
        answers.check_answer(method, parameters, result)
        return parse(result)

    return Question(
        method=method, parameters=parameters, parse=checked, is_read=method not in _ERRORS_ARE_ANSWERS
    )


# --- answers, of a shape that was checked -------------------------------------------------------------------


def _block(value: Any) -> Block:
    header, found = answers.header(value), answers.fields(value)
    return Block(
        number=header.number,
        hash=header.hash.hex(),
        parent_hash=header.parent_hash.hex(),
        base_fee_wei=answers.quantity(found.get("baseFeePerGas") or "0x0"),
        gas_limit=answers.quantity(found.get("gasLimit")),
    )


def _block_hash(value: Any) -> str | None:
    return None if value is None else answers.header(value).hash.hex()


def _transactions(value: Any) -> Sequence[Any]:
    return answers.items(answers.fields(value).get("transactions"))


def _middle_tips(value: Any) -> list[int]:
    rows = answers.items(answers.fields(value).get("reward"))
    return sorted(answers.quantity(row[0]) for row in map(answers.items, rows) if row)


def _receipt(value: Any) -> Receipt | None:
    if value is None:
        return None
    found = answers.fields(value)
    contract = found.get("contractAddress")
    return Receipt(
        transaction_hash=answers.word(found["transactionHash"]).hex(),
        block_number=answers.quantity(found["blockNumber"]),
        block_hash=answers.word(found["blockHash"]).hex(),
        has_succeeded=answers.quantity(found["status"]) == 1,
        gas_used=answers.quantity(found["gasUsed"]),
        gas_price_wei=answers.quantity(found["effectiveGasPrice"]),
        contract=Web3.to_checksum_address(contract) if contract else None,
    )


def _sent(value: Any) -> Sent:
    found = answers.fields(value)
    to, payload = found.get("to"), found.get("input", found.get("data"))
    return Sent(
        hash=answers.word(found["hash"]).hex(),
        to=str(to) if to else None,
        value_wei=answers.quantity(found.get("value")),
        payload=answers.octets(payload).hex(),
    )


_HEAD = _question("eth_getBlockByNumber", ["latest", False], _block)
