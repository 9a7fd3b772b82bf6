"""What a node says about one account and its transactions. Nothing that it says is believed unchecked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import RPCEndpoint

from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import asking_node, revert_reason, reverted
from truestep.adapters.chain.refusals import Refusal, refusal_of
from truestep.base.errors import Unavailable
from truestep.base.ids import Address

Question = tuple[str, list[Any]]
"""A method and its parameters."""
BATCH_LIMIT = 50
"""Public nodes refuse batches of more than a hundred questions."""
FEE_HISTORY_BLOCKS = 8
_NO_BATCH_STATUS = (400, 404, 405, 413, 415, 422, 501)
"""How HTTP servers refuse a body that is a list."""
_REVERT_CODES = (3, -32015)
"""geth's and Nethermind's; others say it in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A JSON-RPC error instead of an answer."""

    method: str
    code: int
    message: str
    output: str = ""

    @property
    def is_revert(self) -> bool:
        """Whether a contract refused, rather than the node."""
        return self.code in _REVERT_CODES or "revert" in self.message.lower()

    def as_unavailable(self) -> Unavailable:
        """The failure it stands for where only an answer will do."""
        return Unavailable(f"the node refused {self.method}: {self.message}; try another node")

    def as_rejected(self) -> Exception:
        """The failure it stands for where a contract may refuse."""
        error = ContractLogicError(self.message, data=self.output)
        return reverted(revert_reason(error)) if self.is_revert else self.as_unavailable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a sender needs to know of a block."""

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
    """Asks a node. Every method raises `Unavailable` if it does not answer, or answers nonsense."""

    def __init__(self, web3: Web3, account: Address) -> None:
        self._web3 = web3
        self._account = account
        self._can_batch = True

    def ask(self, method: str, *parameters: Any) -> Any:
        """The answer to one question."""
        (answer,) = self.ask_all([(method, list(parameters))])
        return _answered(answer)

    def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """The answers, in order, in one request if the node takes batches. `Refused` stands for an error."""
        parts = [questions[at : at + BATCH_LIMIT] for at in range(0, len(questions), BATCH_LIMIT)]
        return [answer for part in parts for answer in self._ask_part(part)]

    def head(self) -> Block:
        """The newest block."""
        return block_of(self.ask("eth_getBlockByNumber", "latest", False))

    def block_hashes(self, numbers: Sequence[int]) -> dict[int, str | None]:
        """The hashes of these blocks; None beyond the head."""
        answers = self.ask_all([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return {
            number: None if _is_missing(answer) else block_of(_answered(answer)).hash
            for number, answer in zip(numbers, answers, strict=True)
        }

    def count_question(self, block: int | str) -> Question:
        """How many nonces the account had used at a block, or with what is pending."""
        at = hex(block) if isinstance(block, int) else block
        return "eth_getTransactionCount", [self._account, at]

    def count(self, block: int | str) -> int:
        """The answer to `count_question`."""
        return quantity(self.ask(*_spread(self.count_question(block))), "eth_getTransactionCount")

    def receipt_questions(self, hashes: Iterable[str]) -> list[Question]:
        """One for each hash."""
        return [("eth_getTransactionReceipt", [f"0x{each}"]) for each in hashes]

    def block_of_hashes(self, hashes: Sequence[str]) -> int | None:
        """The number of the block that holds any of these transactions, as far as the node knows."""
        answers = self.ask_all([("eth_getTransactionByHash", [f"0x{each}"]) for each in hashes])
        found = (_field(answer, "blockNumber") for answer in answers if not _is_missing(answer))
        return next(
            (quantity(number, "eth_getTransactionByHash") for number in found if number is not None), None
        )

    def transaction_at(self, block_number: int, nonce: int) -> Sent | None:
        """The account's transaction with `nonce` in a block."""
        block = self.ask("eth_getBlockByNumber", hex(block_number), True)
        for each in _sequence(_field(block, "transactions")):
            is_ours = str(_field(each, "from")).lower() == self._account.lower()
            if is_ours and quantity(_field(each, "nonce"), "eth_getBlockByNumber") == nonce:
                return _sent(each)
        return None

    def estimate_question(self, message: Message) -> Question:
        """How much gas a message takes."""
        return "eth_estimateGas", [self._request(message), "latest"]

    def balance_question(self) -> Question:
        """How many coins the account has."""
        return "eth_getBalance", [self._account, "latest"]

    def call(self, message: Message, block_number: int) -> None:
        """Make a call as it would have been made on a block. Raises `Rejected` if the contract refuses."""
        (answer,) = self.ask_all([("eth_call", [self._request(message), hex(block_number)])])
        if isinstance(answer, Refused):
            raise answer.as_rejected()

    def market(self) -> tuple[Block, int | None]:
        """The newest block, and the tip that the node suggests, if it does."""
        questions: list[Question] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_maxPriorityFeePerGas", []),
        ]
        block, tip = self.ask_all(questions)
        return block_of(_answered(block)), _optional_quantity(tip)

    def paid_tip_wei(self) -> int | None:
        """The median of the tips that the last blocks' middle transactions paid; None if nobody knows."""
        (answer,) = self.ask_all([("eth_feeHistory", [hex(FEE_HISTORY_BLOCKS), "latest", [50]])])
        try:
            rewards = [_sequence(each) for each in _sequence(_field(_answered(answer), "reward"))]
            tips = sorted(quantity(each[0], "eth_feeHistory") for each in rewards if each)
        except Unavailable:
            return None
        return tips[len(tips) // 2] if tips else None

    def broadcast(self, raw: str) -> tuple[Refusal | None, str]:
        """Hand over a signed transaction; what the node says against it."""
        (answer,) = self.ask_all([("eth_sendRawTransaction", [f"0x{raw}"])])
        if isinstance(answer, Refused):
            return refusal_of(answer.message), answer.message
        return None, ""

    # --- how ----------------------------------------------------------------------------------------------

    def _request(self, message: Message) -> dict[str, str]:
        request = {
            "from": str(self._account),
            "value": hex(message.value_wei),
            "data": f"0x{message.payload.hex()}",
        }
        return request if message.to is None else request | {"to": Web3.to_checksum_address(message.to)}

    def _ask_part(self, questions: Sequence[Question]) -> list[Any]:
        if len(questions) > 1 and self._can_batch:
            answers = self._ask_batch(questions)
            if answers is not None:
                return answers
        return [self._ask_one(question) for question in questions]

    def _ask_one(self, question: Question) -> Any:
        method, parameters = question
        try:
            with asking_node():
                try:
                    return self._web3.manager.request_blocking(RPCEndpoint(method), parameters)
                except Web3RPCError as error:
                    refused = _refused(method, error.rpc_response)
                    if refused is None:
                        raise
                    return refused
        except (TypeError, KeyError, AttributeError, IndexError, AssertionError) as error:
            raise _nonsense(method, error) from error

    def _ask_batch(self, questions: Sequence[Question]) -> list[Any] | None:
        """None if the provider or the node takes no batches."""
        make: Any = getattr(self._web3.provider, "make_batch_request", None)
        if make is None:
            self._can_batch = False
            return None
        try:
            with asking_node():
                responses = make([(RPCEndpoint(method), parameters) for method, parameters in questions])
        except (NotImplementedError, TypeError, KeyError, AttributeError, IndexError):
            responses = None
        except Unavailable as error:
            if not _takes_no_batches(error):
                raise
            responses = None
        if not isinstance(responses, list) or len(cast("list[Any]", responses)) != len(questions):
            self._can_batch = False
            return None
        return [_unpacked(*pair) for pair in zip(questions, cast("list[Any]", responses), strict=True)]


def _takes_no_batches(error: Unavailable) -> bool:
    response: Any = getattr(error.__cause__, "response", None)
    return getattr(response, "status_code", None) in _NO_BATCH_STATUS


def _unpacked(question: Question, response: Any) -> Any:
    method = question[0]
    refused = _refused(method, response)
    if refused is not None:
        return refused
    return _field(response, "result", method)


def _refused(method: str, response: Any) -> Refused | None:
    error: Any = cast("dict[str, Any]", response).get("error") if isinstance(response, dict) else None
    if not error:
        return None
    fields: dict[str, Any] = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": error}
    code, output = fields.get("code"), fields.get("data")
    if isinstance(output, dict):  # some nodes put the output into a table
        output = cast("dict[str, Any]", output).get("data")
    return Refused(
        method=method,
        code=code if isinstance(code, int) else 0,
        message=str(fields.get("message", "no reason given")),
        output=str(output or ""),
    )


def _spread(question: Question) -> tuple[Any, ...]:
    return question[0], *question[1]


def _answered(answer: Any) -> Any:
    if isinstance(answer, Refused):
        raise answer.as_unavailable()
    return answer


def _is_missing(answer: Any) -> bool:
    """Nodes say null, or refuse, where there is no such block or transaction (yet)."""
    return answer is None or isinstance(answer, Refused)


def _nonsense(method: str, got: object) -> Unavailable:
    return Unavailable(f"the node answers {method} with nonsense: {str(got)[:100]!r}; try another node")


def _field(table: Any, name: str, method: str = "a question") -> Any:
    try:
        return table[name]
    except (KeyError, TypeError, IndexError) as error:
        raise _nonsense(method, f"no {name} in {table}") from error


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(cast("Sequence[Any]", value))
    raise _nonsense("a question", value)


def quantity(value: Any, method: str) -> int:
    """A number as JSON-RPC writes it, or as a node in this process gives it."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise _nonsense(method, value)


def _optional_quantity(answer: Any) -> int | None:
    try:
        return quantity(_answered(answer), "a question")
    except Unavailable:
        return None


def _hash(value: Any, method: str) -> str:
    raw = value.hex() if isinstance(value, bytes) else str(value)
    digits = raw.removeprefix("0x").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise _nonsense(method, value)
    return digits


def block_of(value: Any) -> Block:
    """A block's head, checked."""
    method = "eth_getBlockByNumber"
    fee = value.get("baseFeePerGas", 0) if hasattr(value, "get") else 0
    return Block(
        number=quantity(_field(value, "number", method), method),
        hash=_hash(_field(value, "hash", method), method),
        parent_hash=_hash(_field(value, "parentHash", method), method),
        base_fee_wei=quantity(fee or 0, method),
        gas_limit=quantity(_field(value, "gasLimit", method), method),
    )


def receipt_of(value: Any, expected_hash: str) -> Receipt | None:
    """A receipt, checked; None if there is none."""
    if _is_missing(value):
        return None
    method = "eth_getTransactionReceipt"
    transaction_hash = _hash(_field(value, "transactionHash", method), method)
    if transaction_hash != expected_hash:
        raise _nonsense(method, f"a receipt of {transaction_hash}, not of {expected_hash}")
    contract = value.get("contractAddress")
    return Receipt(
        transaction_hash=transaction_hash,
        block_number=quantity(_field(value, "blockNumber", method), method),
        block_hash=_hash(_field(value, "blockHash", method), method),
        has_succeeded=quantity(_field(value, "status", method), method) == 1,
        gas_used=quantity(_field(value, "gasUsed", method), method),
        gas_price_wei=quantity(value.get("effectiveGasPrice") or 0, method),
        contract=Web3.to_checksum_address(contract) if contract else None,
    )


def _sent(value: Any) -> Sent:
    method = "eth_getBlockByNumber"
    to, payload = value.get("to"), value.get("input", value.get("data"))
    return Sent(
        hash=_hash(_field(value, "hash", method), method),
        to=str(to) if to else None,
        value_wei=quantity(_field(value, "value", method), method),
        payload=(payload.hex() if isinstance(payload, bytes) else str(payload)).removeprefix("0x"),
    )
