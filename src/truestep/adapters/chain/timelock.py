"""Entries of Verifiers: those that were announced, and the calls about them (docs/protocol.md S2.4)."""

from dataclasses import dataclass, fields
from typing import Any, cast

from truestep.adapters.chain.codec import Message, encode_function
from truestep.adapters.chain.connection import asking_node
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.foreign_verifiers import code_at
from truestep.adapters.chain.owner import Action, Owner
from truestep.adapters.chain.record_codec import checksummed, number
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.base.units import coins
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.deployment.validity import CONTRACT as VERIFIERS
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector
from truestep.protocol.validity.verifiers import require_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An entry that was announced, and is neither added nor cancelled."""

    action: Action
    number: EntryNumber
    entry: Entry

    @property
    def action_id(self) -> Bytes32:
        """Under which it was announced."""
        return self.action.action_id

    @property
    def due_at(self) -> int:
        """From this second on anybody may execute it, until `stale_at`."""
        return self.action.due_at

    @property
    def stale_at(self) -> int:
        """The last second in which it may be executed."""
        return self.action.stale_at


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
        self._owner = Owner(node, deployment)
        self.web3 = self._owner.web3
        self.chain_id, self.delay_seconds = deployment.chain_id, deployment.delay_seconds
        self._verifiers = deployment.address(VERIFIERS)

    def now(self) -> int:
        """The time of the newest block."""
        return self._owner.now()

    def proposer(self) -> Address:
        """Who announces."""
        return self._owner.proposer()

    def guardian(self) -> Address:
        """Who stops entries and cancels announcements; the zero address if there is nobody."""
        return self._owner.guardian()

    def entry_count(self) -> int:
        """How many entries Verifiers has."""
        return self._owner.reader.one(number(VERIFIERS, "entry_count"))

    def announced(self) -> list[Announcement]:
        """The entries that are announced, the oldest first. Raises `Unavailable`."""
        found = ((each, self._decoded(each.message)) for each in self._owner.announced(self._verifiers))
        return [
            Announcement(action=action, number=decoded[0], entry=decoded[1])
            for action, decoded in found
            if decoded is not None
        ]

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
        """Say that the entry will be added, as this number. Numbers tell equal entries apart."""
        return self._owner.announce(self._verifiers, self._add(entry, number))

    def execute(self, announced: Announcement) -> Message:
        """Add it."""
        return self._owner.execute(announced.action)

    def cancel(self, announced: Announcement) -> Message:
        """Take it back."""
        return self._owner.cancel(announced.action_id)

    def stop(self, number: EntryNumber) -> Message:
        """Believe an entry no longer. This is a call of the guardian's, not of the timelock's."""
        return Message(to=self._verifiers, payload=encode_function(self.web3, VERIFIERS, "stop", [number]))

    def _add(self, entry: Entry, number: EntryNumber) -> bytes:
        values = tuple(getattr(entry, field.name) for field in fields(Entry))
        return encode_function(self.web3, VERIFIERS, "add", [values, number])
