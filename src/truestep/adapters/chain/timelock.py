"""The owner of a network: what it has announced, and its calls (docs/protocol.md S2.4)."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.answers import RawLog
from truestep.adapters.chain.codec import Message, encode_function
from truestep.adapters.chain.connection import asking_node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.foreign_verifiers import code_at
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.pinned import PinnedReader
from truestep.adapters.chain.record_codec import View, checksummed, number, word
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.base.units import coins
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.deployment.validity import CONTRACT as VERIFIERS
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector
from truestep.protocol.validity.verifiers import require_bounds

DUE_SECONDS = 14 * 86_400
"""An action that nobody has executed so long after its delay has to be announced again (S2.4)."""
NO_SALT = Bytes32(bytes(32))
"""Entries have numbers, which tell equal actions apart."""
_ANNOUNCED = Web3.keccak(text="Announced(bytes32,address,bytes,bytes32,uint256)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An entry that was announced, and is neither added nor cancelled."""

    action_id: Bytes32
    message: bytes
    salt: Bytes32
    due_at: int
    """From this second on anybody may execute it, until `stale_at`."""
    number: EntryNumber
    entry: Entry

    @property
    def stale_at(self) -> int:
        """The last second in which it may be executed."""
        return self.due_at + DUE_SECONDS


class Timelock:
    """Reads a network's timelock, and encodes its calls about Verifiers. It sends nothing."""

    def __init__(self, node: list[str], deployment: Deployment) -> None:
        """Raises Rejected for another chain, or a network that believes no proofs."""
        if deployment.validity is None:
            raise Rejected(
                Reject.POLICY_UNKNOWN,
                "this network believes no proofs: its deployment file names no Verifiers. Use another"
                " network",
            )
        self.web3 = connect(node)
        check_chain(self.web3, deployment.chain_id)
        self.chain_id, self.delay_seconds = deployment.chain_id, deployment.delay_seconds
        self._deployment = deployment
        self._reader = PinnedReader(self.web3, deployment)
        self._verifiers, self._lock = deployment.address(VERIFIERS), deployment.address("Timelock")

    def now(self) -> int:
        """The time of the newest block."""
        with asking_node():
            return int(self.web3.eth.get_block("latest").get("timestamp", 0))

    def proposer(self) -> Address:
        """Who announces."""
        return self._reader.one(_address("proposer"))

    def guardian(self) -> Address:
        """Who stops entries and cancels announcements; the zero address if there is nobody."""
        return self._reader.one(_address("guardian"))

    def entry_count(self) -> int:
        """How many entries Verifiers has."""
        return self._reader.one(number(VERIFIERS, "entry_count"))

    def announced(self) -> list[Announcement]:
        """The entries that are announced, the oldest first. Raises `Unavailable`."""
        endpoints, topics = endpoints_of(self.web3), [bytes(_ANNOUNCED)]
        first, last = self._deployment.block_number, endpoints.head().number
        logs = search_logs(endpoints, self._lock, topics, first, last)
        found = {each.action_id: each for log in logs for each in self._entries_in(log)}
        dues = self._reader.views([number("Timelock", "due_times", each) for each in found])
        # An action of an earlier proposer has another id now, and can never be executed.
        ids = self._reader.views(
            [
                word("Timelock", "action_id", self._verifiers, each.message, each.salt)
                for each in found.values()
            ]
        )
        return [
            each
            for each, due_at, action_id in zip(found.values(), dues, ids, strict=True)
            if due_at == each.due_at and action_id == each.action_id
        ]

    def _entries_in(self, log: RawLog) -> Iterator[Announcement]:
        """The entry of an announcement, if that is what it is of."""
        action_id, target = log.topics[1], log.topics[2]
        message, salt, due_at = self.web3.codec.decode(["bytes", "bytes32", "uint256"], log.payload)
        if Web3.to_checksum_address(target[12:]) != Web3.to_checksum_address(self._verifiers):
            return
        decoded = self._decoded(message)
        if decoded is not None:
            number_, entry = decoded
            yield Announcement(
                action_id=Bytes32(action_id),
                message=message,
                salt=Bytes32(salt),
                due_at=due_at,
                number=number_,
                entry=entry,
            )

    def _decoded(self, message: bytes) -> tuple[EntryNumber, Entry] | None:
        """What `add` is called with; None for another call, or one that `add` would not take."""
        contract = self.web3.eth.contract(abi=load_artifact(VERIFIERS).abi)
        try:
            function, given = contract.decode_function_input(cast(Any, message))
        except Exception:  # the decoder may raise anything for what somebody has announced
            return None
        if function.fn_name != "add":
            return None
        raw = cast("dict[str, Any]", given["entry"])
        values = {field.name: raw[field.name] for field in fields(Entry)}
        values |= {"verifier": checksummed(values["verifier"]), "selector": Selector(values["selector"])}
        values |= {name: Bytes32(values[name]) for name in ("key_digest", "program_hash")}
        return EntryNumber(given["number"]), Entry(**values)

    # --- calls ----------------------------------------------------------------------------------------

    def rehearse(self, entry: Entry, due_at: int) -> None:
        """Refuse what Verifiers would refuse when the entry is due (V2.1, V2.2). Raises Rejected."""
        code_at(self.web3, entry.verifier)
        question = encode_function(self.web3, "CircuitVerifier", "selector", [])  # all verifiers have it
        with asking_node():
            call = {"to": entry.verifier, "data": cast(Any, question)}
            answer = bytes(self.web3.eth.call(cast(Any, call)))
        if answer != entry.selector.ljust(32, b"\0"):
            raise Rejected(
                Reject.PROOF_SYSTEM,
                f"the contract at {entry.verifier} has another selector than 0x{entry.selector.hex()}",
            )
        try:
            require_bounds(entry, due_at)
        except Refused as error:
            raise Rejected(
                error.reason,
                f"Verifiers would refuse the entry, which has {entry.bits} bits, a cap of"
                f" {coins(entry.value_cap_wei)}, a least bond of {coins(entry.least_bond_wei)}, a limit of"
                f" {entry.gas_limit:,} gas, and proves from second {entry.active_from:,} to"
                f" {entry.active_until:,}; see docs/validity.md V2.1",
            ) from error

    def announce(self, entry: Entry, number: EntryNumber) -> Message:
        """Say that the entry will be added, as this number."""
        return self._call("announce", self._verifiers, self._add(entry, number), NO_SALT)

    def execute(self, announced: Announcement) -> Message:
        """Add it."""
        return self._call("execute", self._verifiers, announced.message, announced.salt)

    def cancel(self, announced: Announcement) -> Message:
        """Take it back."""
        return self._call("cancel", announced.action_id)

    def stop(self, number: EntryNumber) -> Message:
        """Believe an entry no longer. This is a call of the guardian's, not of the timelock's."""
        return Message(to=self._verifiers, payload=encode_function(self.web3, VERIFIERS, "stop", [number]))

    def _add(self, entry: Entry, number: EntryNumber) -> bytes:
        values = tuple(getattr(entry, field.name) for field in fields(Entry))
        return encode_function(self.web3, VERIFIERS, "add", [values, number])

    def _call(self, function: str, *arguments: Any) -> Message:
        return Message(to=self._lock, payload=encode_function(self.web3, "Timelock", function, arguments))


def _address(function: str) -> View:
    return View(contract="Timelock", function=function, build=checksummed)
