"""What Anchors says of logs, and the calls of their operators (docs/logs.md L4 to L6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from truestep.adapters.chain.answers import RawLog
from truestep.adapters.chain.codec import Message, encode_function
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.pinned import PinnedReader, given
from truestep.adapters.chain.recent_anchors import RANGE_BLOCKS, RecentAnchors
from truestep.adapters.chain.record_codec import View, checksummed, number
from truestep.adapters.chain.settlement import contract_types
from truestep.adapters.logs.keys import Anchoring
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import KEY_SIZE_BYTES, PublicKey
from truestep.commitments.keccak import keccak256
from truestep.protocol.logs.contracts.anchors import GROUP_SIZE, Anchor, Attest, LogNumber
from truestep.protocol.logs.epochs import number_at
from truestep.protocol.logs.notes import VerifierKey

CONTRACT = "Anchors"
VIEWS_AT_ONCE = 64
"""Questions in one request."""
_KEY_WORDS = KEY_SIZE_BYTES // 32
_REGISTERED = Web3.keccak(
    text="Registered(uint256,address,address,bytes32,uint256[4],string,string)",
)
_ANCHORED = Web3.keccak(text="Anchored(uint256,uint256,uint256,bytes32,uint256)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredLog:
    """A log as the contract knows it."""

    number: LogNumber
    operator: Address
    signer: Address
    note_key: Bytes32
    key_hash: Bytes32
    leaves_at: int
    is_slashed: bool
    is_released: bool
    origin: str
    url: str

    @property
    def is_live(self) -> bool:
        """Whether it can be attested."""
        return not self.leaves_at and not self.is_slashed

    @property
    def state(self) -> str:
        """What it is, in a word."""
        if self.is_slashed:
            return "slashed"
        if self.is_released:
            return "over"
        return "retired" if self.leaves_at else "live"

    @property
    def verifier_key(self) -> VerifierKey:
        """What its checkpoints are verified with."""
        return VerifierKey(name=self.origin, public_key=self.note_key)


class AnchorsDesk:
    """Reads Anchors, and encodes calls of it. It sends nothing. Raises `Rejected`, `Unavailable`."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        """Raises `Rejected` for another chain, or a network without Anchors."""
        terms = deployment.log_terms
        if terms is None:
            raise Rejected(
                Reject.DEPLOYMENT_FILE,
                "expected a network in which logs are registered; this one was deployed without the contract"
                " Anchors",
            )
        self.terms = terms
        self.web3, self.chain_id = connect(node), deployment.chain_id
        check_chain(self.web3, deployment.chain_id)
        self.address = deployment.address(CONTRACT)
        self._first_block = deployment.block_number
        self._reader = PinnedReader(self.web3, deployment)
        self._endpoints = endpoints_of(self.web3)
        self._recent = RecentAnchors(self._anchors_within, self._first_block)

    @property
    def anchoring(self) -> Anchoring:
        """What the second signature of checkpoints names."""
        return Anchoring(chain_id=self.chain_id, anchors=self.address)

    def now(self) -> int:
        """The time of the newest block."""
        return self._endpoints.head().time_seconds

    def log_of(self, operator: Address) -> RegisteredLog | None:
        """The operator's log that is live; None if it has none."""
        found = self._reader.one(number(CONTRACT, "log_of", operator))
        return self.get(LogNumber(found)) if found else None

    def get(self, log: LogNumber) -> RegisteredLog:
        """A log by its number. Raises `Rejected` if there is none."""
        count = self._reader.one(number(CONTRACT, "log_count"))
        if not 0 < log <= count:
            raise Rejected(Reject.LOG_UNKNOWN, f"expected the number of a log, 1 to {count}; got {log}")
        return _registered(log, self._reader.one(_view(log)))

    def members(self, group: int) -> dict[LogNumber, RegisteredLog]:
        """The logs of a group that can be attested, by their numbers."""
        live = self.live(group)
        numbers = [number_at(group, place) for place in range(GROUP_SIZE) if live >> place & 1]
        found: dict[LogNumber, RegisteredLog] = {}
        for start in range(0, len(numbers), VIEWS_AT_ONCE):
            part = numbers[start : start + VIEWS_AT_ONCE]
            answers = map(given, self._reader.views([_view(each) for each in part]))
            found |= {each: _registered(each, answer) for each, answer in zip(part, answers, strict=True)}
        return found

    def key_of(self, log: RegisteredLog) -> PublicKey:
        """The BLS key of a log, which only an event has. Raises `Rejected` if the node hides it."""
        topics = [bytes(_REGISTERED), log.number.to_bytes(32, "big")]
        for found in self._events(topics):
            key = self._registered_key(found.payload)
            if keccak256(key) == log.key_hash:
                return key
        raise Rejected(
            Reject.BLS_KEY_OTHER,
            f"the node tells of no registration of log {log.number} with its key; ask another node",
        )

    def keys(self) -> dict[LogNumber, PublicKey]:
        """The BLS keys of all logs that were ever registered, as the node tells: the contract checks them."""
        return {
            LogNumber(int.from_bytes(found.topics[1], "big")): self._registered_key(found.payload)
            for found in self._events([bytes(_REGISTERED)])
        }

    def anchors(self) -> dict[int, Anchor]:
        """All anchors by their numbers."""
        return dict(map(self._anchor_of, self._events([bytes(_ANCHORED)])))

    def recent_anchors(self, epoch: int) -> list[Anchor]:
        """The anchors of this epoch and later ones, of all groups. For one thread."""
        count = self._reader.one(number(CONTRACT, "anchor_count"))
        return self._recent.since(epoch, self._endpoints.head().number, count)

    def _anchors_within(self, first: int, last: int) -> Iterator[tuple[int, int, Anchor]]:
        for found in search_logs(self._endpoints, self.address, [bytes(_ANCHORED)], first, last):
            yield found.block_number, *self._anchor_of(found)

    def _anchor_of(self, found: RawLog) -> tuple[int, Anchor]:
        epoch, root, bitmap = self.web3.codec.decode(["uint256", "bytes32", "uint256"], found.payload)
        group = int.from_bytes(found.topics[2], "big")
        anchor = Anchor(group=group, epoch=epoch, root=Bytes32(root), bitmap=bitmap)
        return int.from_bytes(found.topics[1], "big"), anchor

    def live(self, group: int) -> int:
        """The logs of a group that can be attested, a bit each."""
        return self._reader.one(number(CONTRACT, "live", group))

    def credit(self, account: Address) -> int:
        """What the contract owes an account."""
        return self._reader.one(number(CONTRACT, "credits", account))

    def attest_message(self, call: Attest) -> Message:
        """The call that anchors an epoch."""
        return Message(to=self.address, payload=contract_types()[CONTRACT].payload(call))

    def message(self, function: str, *arguments: Any) -> Message:
        """A call."""
        return Message(
            to=self.address, payload=encode_function(self.web3, CONTRACT, function, list(arguments))
        )

    def _registered_key(self, payload: bytes) -> PublicKey:
        kinds = ["address", "bytes32", "uint256[4]", "string", "string"]
        words: Sequence[int] = self.web3.codec.decode(kinds, payload)[2]
        return PublicKey(b"".join(word.to_bytes(32, "big") for word in words))

    def _events(self, topics: Sequence[bytes]) -> Iterator[RawLog]:
        head = self._endpoints.head().number
        for first in range(self._first_block, head + 1, RANGE_BLOCKS):
            last = min(first + RANGE_BLOCKS - 1, head)
            yield from search_logs(self._endpoints, self.address, topics, first, last)


def _view(log: LogNumber) -> View:
    return View(contract=CONTRACT, function="get", arguments=[log], build=tuple)


def _registered(log: LogNumber, values: Any) -> RegisteredLog:
    operator, signer, note_key, key_hash, leaves_at, is_slashed, is_released, origin, url = values
    return RegisteredLog(
        number=log,
        operator=checksummed(operator),
        signer=checksummed(signer),
        note_key=Bytes32(note_key),
        key_hash=Bytes32(key_hash),
        leaves_at=leaves_at,
        is_slashed=is_slashed,
        is_released=is_released,
        origin=origin,
        url=url,
    )


def key_words(key: PublicKey) -> list[int]:
    """A key as calls take it."""
    return [int.from_bytes(key[at : at + 32], "big") for at in range(0, 32 * _KEY_WORDS, 32)]
