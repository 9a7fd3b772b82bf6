"""The contracts of availability with web3.py, for keepers and watchers: events, rules, and their calls."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, cast, get_args

from web3 import Web3

from truestep.adapters.chain.abi import ContractTypes
from truestep.adapters.chain.answers import RawLog, fields, octets, quantity, word
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.follower import block_hashes
from truestep.adapters.chain.logs import LogReader
from truestep.adapters.chain.outages import StaleEndpoint
from truestep.adapters.chain.pinned import given
from truestep.adapters.chain.sender import Sender, Signer
from truestep.adapters.chain.settlement import check_shape
from truestep.adapters.chain.sidecars import SentBlob
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.ports.chain import Head, Transaction
from truestep.ports.keeping import EventsRead, Funds
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.protocol.availability.calls import TIMED, Paid
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.keepers import Enrol, Keeper, Rules
from truestep.protocol.availability.facts import Event, Facts, fold
from truestep.protocol.availability.history import Historian, ItemHistory
from truestep.protocol.availability.ids import ItemId, KeeperId, unpack_challenge
from truestep.protocol.availability.layout import item_digest, receipt_hash
from truestep.roles.keeper import URGENT, KeeperCall, PublishBlob

MODULES: Mapping[str, ModuleType] = {
    "Keepers": keepers,
    "Items": items,
    "Challenges": challenges,
    "Bindings": bindings,
}
_CONTRACT_OF = {kind: name for name, module in MODULES.items() for kind in get_args(module.Call)}
DEPTH_BLOCKS = 64
"""Blocks that may still be replaced: they are read again each time."""
RANGE_BLOCKS = 2_000
"""Public nodes refuse more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityContracts:
    """Where the contracts of availability are."""

    chain_id: int
    block_number: int
    """No event is older."""
    keepers: Address
    items: Address
    challenges: Address
    bindings: Address

    def address(self, contract: str) -> Address:
        """The address of a contract by its name, such as `Items`."""
        return Address(getattr(self, contract.lower()))


def availability_of(deployment: Deployment) -> AvailabilityContracts:
    """The contracts of availability of a network. Raises `Rejected` if it has none."""
    if deployment.availability is None:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            "expected the contracts of availability in the deployment file; this network has no keepers, or"
            " the file is an old one: get the network's file again",
        )
    return AvailabilityContracts(
        chain_id=deployment.chain_id,
        block_number=deployment.block_number,
        keepers=deployment.address("Keepers"),
        items=deployment.address("Items"),
        challenges=deployment.address("Challenges"),
        bindings=deployment.address("Bindings"),
    )


def is_timed(call: KeeperCall | Paid) -> bool:
    """Whether a clock runs for a call: too late, a share or a bond is lost."""
    return isinstance(call.call, TIMED) if isinstance(call, Paid) else isinstance(call, URGENT)


@cache
def availability_types() -> dict[str, ContractTypes]:
    """How calls and events are encoded. Raises `Bug` if one does not fit its ABI."""
    return {
        name: ContractTypes(name, get_args(module.Call), get_args(module.Event))
        for name, module in MODULES.items()
    }


class AvailabilityEvents:
    """Satisfies `truestep.adapters.chain.left_out.EventSource`."""

    def __init__(self, contracts: AvailabilityContracts) -> None:
        self._names = {contracts.address(name).lower(): name for name in MODULES}

    @property
    def addresses(self) -> Mapping[str, str]:
        """The names of the contracts by their addresses."""
        return self._names

    def topics(self, contract: str) -> tuple[bytes, ...]:
        """The first topics of a contract's events."""
        return tuple(availability_types()[contract].topics)

    def event(self, log: RawLog) -> Event | None:
        """The event; None for one that is not needed. Raises for a log that the contract does not emit."""
        name = self._names.get(log.address)
        if name is None or not log.topics:
            return None
        event = cast("Event | None", availability_types()[name].event(log))
        check_shape(event)
        return event


NO_ROOT = f"0x{bytes(32).hex()}"
"""Of a devnet, which has no consensus nodes and calls its blocks by their numbers."""


def _parent_beacon_root(block: Any) -> str:
    """The root of the block before, as its consensus nodes have it (EIP-4788)."""
    if block is None:
        raise StaleEndpoint("the block after the one with the blob is not known yet")
    root = fields(block).get("parentBeaconBlockRoot") or NO_ROOT
    return f"0x{word(root).hex()}"


class AvailabilityReader:
    """Which items there are, who keeps them, and where. For any thread."""

    def __init__(
        self, node: Node, contracts: AvailabilityContracts, reporter: Reporter | None = None
    ) -> None:
        """Nothing is asked yet. Raises `Rejected` for what is no URL."""
        web3 = connect(node, reporter)
        check_chain(web3, contracts.chain_id)
        self._endpoints = endpoints_of(web3)
        self._endpoints.expect_contract("Items", contracts.items)
        self._reader = LogReader(web3, AvailabilityEvents(contracts))
        self._lock = threading.Lock()
        self._first = self._next = contracts.block_number
        self._settled = Facts()
        self._published: dict[tuple[ItemId, int], tuple[Bytes32, int]] = {}

    def facts(self) -> Facts:
        """All that is not over, as of the newest block. Raises `Unavailable`."""
        head = self._endpoints.head().number
        with self._lock:
            while self._next + DEPTH_BLOCKS <= head:
                last = min(self._next + RANGE_BLOCKS - 1, head - DEPTH_BLOCKS)
                self._settled = fold(self._settled, self._events(self._next, last))
                self._next = last + 1
            return fold(self._settled, self._events(self._next, head))

    def history(self, item_id: ItemId) -> ItemHistory | None:
        """What became of an item, also if it is over; None if it was never registered. Reads all events."""
        head, historian = self._endpoints.head().number, Historian(item_id)
        for first in range(self._first, head + 1, RANGE_BLOCKS):
            for event in self._events(first, min(first + RANGE_BLOCKS - 1, head)):
                historian.take(event)
        return historian.history()

    def now(self) -> int:
        """The time of the newest block, in seconds."""
        return self._endpoints.head().time_seconds

    def published(self, item_id: ItemId, blob: int) -> tuple[Bytes32, str]:
        """The versioned hash of a blob that was published, and how consensus nodes call its block.

        Raises `Unavailable` if that is not known.
        """
        if (item_id, blob) not in self._published:
            self.facts()
        found = self._published.get((item_id, blob))
        if found is None:
            raise Unavailable(f"no transaction has published blob {blob} of item {item_id}")
        number = hex(found[1] + 1)
        asked = Question(method="eth_getBlockByNumber", parameters=[number, False], parse=_parent_beacon_root)
        root = given(self._endpoints.ask(asked))
        return found[0], str(found[1]) if root == NO_ROOT else root

    def _events(self, first: int, last: int) -> list[Event]:
        if first > last:
            return []
        logs = self._reader.read(first, last).logs
        for log in logs:
            event = log.event
            if isinstance(event, challenges.Published):
                place = event.item_id, unpack_challenge(event.challenge_id).blob
                self._published[place] = event.versioned_hash, log.at.block_number
            elif isinstance(event, items.Registered) and event.record.seat_count == 0:
                for blob, versioned_hash in enumerate(event.nodes):
                    self._published[event.item_id, blob] = versioned_hash, log.at.block_number
        return [cast(Event, log.event) for log in logs]


class Web3KeeperChain:
    """Satisfies `truestep.ports.keeping.KeeperChain` and `truestep.ports.watching.WatchChain`."""

    def __init__(
        self,
        node: Node,
        contracts: AvailabilityContracts,
        signer: Signer,
        store: Store,
        policy: TransactionPolicy | None = None,
        *,
        reporter: Reporter | None = None,
    ) -> None:
        """Connect; transactions are journaled in `store`.

        Raises `Unavailable` if no node answers, `Rejected` if it is of another chain or lacks the contracts.
        """
        self._web3 = connect(node, reporter)
        self._endpoints = endpoints_of(self._web3)
        self._contracts = contracts
        self._signer = signer
        check_chain(self._web3, contracts.chain_id)
        self._reader = LogReader(self._web3, AvailabilityEvents(contracts))
        self._sender = Sender(self._web3, contracts.chain_id, signer, store, policy or TransactionPolicy())
        self._endpoints.expect_contract("Items", contracts.items)
        self._rules: Rules = self._view("Keepers", "rules", Rules)

    @property
    def account(self) -> Address:
        """The account that sends."""
        return self._sender.account

    @property
    def first_block(self) -> int:
        """No event is older."""
        return self._contracts.block_number

    def head(self) -> Head:
        """The newest block."""
        return self._endpoints.head()

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of a block; None beyond the head."""
        return block_hashes(self._endpoints, [number]).get(number)

    def read(self, first: int, last: int) -> EventsRead:
        """What these blocks tell, from two endpoints if there are two."""
        reading = self._reader.read(first, last)
        events = tuple((log.at.block_number, cast(Event, log.event)) for log in reading.logs)
        return EventsRead(events=events, hashes=dict(reading.hashes))

    def rules(self) -> Rules:
        """The parameters."""
        return self._rules

    def shares(self, keeper: KeeperId) -> int:
        """That a keeper has paid for."""
        return self._view("Keepers", "get", Keeper, keeper).shares

    def funds(self) -> Funds:
        """What the account has in its wallet and in the contracts."""
        asked = Question(method="eth_getBalance", parameters=[self.account, "latest"], parse=quantity)
        owed = {name: self._view(name, "credits", int, self.account) for name in MODULES}
        return Funds(wallet_wei=given(self._endpoints.ask(asked)), credits=owed)

    def receipt(self, item_id: ItemId, record: Record, index: int, drawn_at: int) -> bytes:
        """The signature of a seat's receipt."""
        chain_id, at = self._contracts.chain_id, self._contracts.items
        digest = item_digest(chain_id, at, item_id, record)
        signed = cast(Any, self._signer).unsafe_sign_hash(receipt_hash(chain_id, at, digest, index, drawn_at))
        return bytes(signed.signature)

    def submit(self, call: KeeperCall | Paid, *, intent: str) -> Transaction:
        """Journal, sign and send."""
        known = self._sender.again(intent)
        if known is not None:
            return known.transaction()
        is_urgent, is_once = is_timed(call), isinstance(call, Enrol)
        message = self._message(call)
        return self._sender.submit(message, intent, is_urgent=is_urgent, is_once=is_once).transaction()

    def refresh(self) -> tuple[Transaction, ...]:
        """Check everything that is pending."""
        return tuple(entry.transaction() for entry in self._sender.refresh())

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        return self._sender.gas_price_wei()

    def transaction(self, intent: str) -> Transaction | None:
        """The outcome of an intent."""
        entry = self._sender.entry(intent)
        return entry.transaction() if entry else None

    def alarms(self) -> tuple[str, ...]:
        """The problems of sends since the last call."""
        return self._sender.alarms()

    def _message(self, call: KeeperCall | Paid) -> Message:
        if isinstance(call, Paid):
            return self._encoded(call.call, call.value_wei)
        if isinstance(call, PublishBlob):
            bare = self._encoded(call.call)
            sent = SentBlob(blob=call.blob, commitment=call.commitment, cell_proofs=call.cell_proofs)
            return replace(bare, blobs=(sent,))
        value_wei = call.shares * self._rules.share_wei if isinstance(call, Enrol) else 0
        return self._encoded(call, value_wei)

    def _encoded(self, call: object, value_wei: int = 0) -> Message:
        contract = _CONTRACT_OF.get(type(call))
        if contract is None:
            raise Bug(f"no contract of availability has the call {type(call).__name__}")
        payload = availability_types()[contract].payload(call)
        return Message(to=self._contracts.address(contract), payload=payload, value_wei=value_wei)

    def _view(self, contract: str, function: str, kind: type[Any], *arguments: Any) -> Any:
        types, address = availability_types()[contract], self._contracts.address(contract)
        payload = types.view_payload(function, *arguments)
        request = {"to": Web3.to_checksum_address(address), "data": f"0x{payload.hex()}"}
        asked = Question(method="eth_call", parameters=[request, "latest"], parse=octets)
        output = given(self._endpoints.ask(asked))
        if not output:
            raise Rejected(
                Reject.NO_CONTRACT,
                f"expected {contract} at {address}; get the network's file again",
            )
        return types.view_result(function, kind, output)
