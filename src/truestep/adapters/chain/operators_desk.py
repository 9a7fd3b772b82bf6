"""What Operators says of an operator, and the calls about admission and records (docs/operators.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.codec import Message, encode_function
from truestep.adapters.chain.connection import endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.owner import Action, Owner
from truestep.adapters.chain.pinned import given
from truestep.adapters.chain.record_codec import View, checksummed, number, numbers
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.settlement.standing import FACT, Phase

CONTRACT = "Operators"
_PUBLISHED = Web3.keccak(text="Published(address,bytes)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the contract says of an operator. Facts are in whole new facts, which fade."""

    phase: Phase
    is_admitted: bool
    is_listed: bool
    gate_wei: int
    stake_wei: int
    locked_wei: int
    """With what is pledged."""
    pledged_wei: int
    completed: float
    audited: float
    late: float
    struck: float
    share_bps: int
    fresh_share_bps: int
    room_wei: int
    record_block: int
    """In which its newest record was published; 0 if there is none."""
    record_hash: bytes
    """The first 24 bytes of its keccak256."""

    @property
    def cap_wei(self) -> int:
        """What may be locked for tasks at once (O3.2)."""
        return (self.stake_wei - self.pledged_wei) * self.share_bps // 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionAction:
    """A call about admission that was announced."""

    action: Action
    operator: Address | None = None
    is_admitted: bool = False
    """Of `admit`."""
    phase: Phase | None = None
    """Of `set_phase`."""


class OperatorsDesk:
    """Reads Operators, and encodes calls of it. It sends nothing."""

    def __init__(self, node: list[str], deployment: Deployment) -> None:
        """Raises Rejected for another chain."""
        self.owner = Owner(node, deployment)
        self.web3, self.chain_id = self.owner.web3, deployment.chain_id
        self.address = deployment.address(CONTRACT)

    def phase(self) -> Phase:
        """Who may lock stake now."""
        return Phase(self.owner.reader.one(number(CONTRACT, "phase")))

    def standing(self, operator: Address) -> Standing:
        """What is known of an operator, as of one block."""
        one = (number(CONTRACT, "phase"), numbers(CONTRACT, "rules"))
        names = ("is_admitted", "is_listed", "pledged", "share_bps", "room_wei")
        own = [number(CONTRACT, name, operator) for name in names]
        several = [numbers(CONTRACT, name, operator) for name in ("accounts", "facts")]
        record = View(contract=CONTRACT, function="record_of", arguments=(operator,), build=tuple)
        answers = [given(each) for each in self.owner.reader.views([*one, *own, *several, record])]
        phase, (fresh, gate), admitted, listed, pledged, share, room, account, facts, published = answers
        completed, audited, late, struck = (count / FACT for count in facts)
        return Standing(
            phase=Phase(phase),
            is_admitted=bool(admitted),
            is_listed=bool(listed),
            gate_wei=gate,
            stake_wei=account[0],
            locked_wei=account[1],
            pledged_wei=pledged,
            completed=completed,
            audited=audited,
            late=late,
            struck=struck,
            share_bps=share,
            fresh_share_bps=fresh,
            room_wei=room,
            record_block=published[0],
            record_hash=bytes(published[1]),
        )

    def record(self, operator: Address, standing: Standing) -> bytes | None:
        """The newest record that the operator has published. Raises Rejected if the node hides it."""
        if not standing.record_block:
            return None
        for content in self._records_of(operator, standing.record_block):
            if keccak256(content)[:24] == standing.record_hash:
                return content
        raise Rejected(
            Reject.OPERATOR_RECORD,
            f"expected the record of {operator} among the events of block {standing.record_block}, and the"
            " node tells of none with its hash; ask another node",
        )

    def _records_of(self, operator: Address, block: int) -> Iterator[bytes]:
        logs = search_logs(endpoints_of(self.web3), self.address, [bytes(_PUBLISHED)], block, block)
        for log in logs:
            if checksummed(f"0x{log.topics[1][12:].hex()}") == operator:
                (content,) = self.web3.codec.decode(["bytes"], log.payload)
                yield content

    def announced(self) -> list[AdmissionAction]:
        """The calls about admission that are announced, the oldest first."""
        return [
            found for each in self.owner.announced(self.address) if (found := self._decoded(each)) is not None
        ]

    def _decoded(self, action: Action) -> AdmissionAction | None:
        contract = self.web3.eth.contract(abi=load_artifact(CONTRACT).abi)
        try:
            function, given_ = contract.decode_function_input(cast(Any, action.message))
            if function.fn_name == "set_phase":
                return AdmissionAction(action=action, phase=Phase(given_["phase"]))
            if function.fn_name == "admit":
                return AdmissionAction(
                    action=action,
                    operator=checksummed(given_["operator"]),
                    is_admitted=given_["is_admitted"],
                )
        except Exception:  # the decoder may raise anything for what somebody has announced
            return None
        return None

    # --- calls ----------------------------------------------------------------------------------------

    def announce_phase(self, phase: Phase) -> Message:
        """Say that the phase will be moved."""
        return self.owner.announce(self.address, self._payload("set_phase", int(phase)))

    def announce_admission(self, operator: Address, *, is_admitted: bool) -> Message:
        """Say that an operator will be put on the list, or taken off it."""
        return self.owner.announce(self.address, self._payload("admit", operator, is_admitted))

    def publish(self, record: bytes) -> Message:
        """Publish the sender's record."""
        return Message(to=self.address, payload=self._payload("publish", record))

    def _payload(self, function: str, *arguments: Any) -> bytes:
        return encode_function(self.web3, CONTRACT, function, arguments)
