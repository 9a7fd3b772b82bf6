"""The owner of a network, its timelock: what it has announced, and its calls (docs/protocol.md S2.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from truestep.adapters.chain.codec import Message, encode_function
from truestep.adapters.chain.connection import asking_node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.pinned import PinnedReader
from truestep.adapters.chain.record_codec import View, checksummed, number, word
from truestep.base.ids import Address, Bytes32

DUE_SECONDS = 14 * 86_400
"""An action that nobody has executed so long after its delay has to be announced again (S2.4)."""
NO_SALT = Bytes32(bytes(32))
_ANNOUNCED = Web3.keccak(text="Announced(bytes32,address,bytes,bytes32,uint256)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action that was announced, and is neither executed nor cancelled."""

    action_id: Bytes32
    target: Address
    message: bytes
    salt: Bytes32
    due_at: int
    """From this second on anybody may execute it, until `stale_at`."""

    @property
    def stale_at(self) -> int:
        """The last second in which it may be executed."""
        return self.due_at + DUE_SECONDS


class Owner:
    """Reads a network's timelock, and encodes its calls. It sends nothing."""

    def __init__(self, node: list[str], deployment: Deployment) -> None:
        """Raises Rejected for another chain."""
        self.web3 = connect(node)
        check_chain(self.web3, deployment.chain_id)
        self.chain_id, self.delay_seconds = deployment.chain_id, deployment.delay_seconds
        self.deployment = deployment
        self.reader = PinnedReader(self.web3, deployment)
        self._lock = deployment.address("Timelock")

    def now(self) -> int:
        """The time of the newest block."""
        with asking_node():
            return int(self.web3.eth.get_block("latest").get("timestamp", 0))

    def proposer(self) -> Address:
        """Who announces."""
        return self.reader.one(_address("proposer"))

    def guardian(self) -> Address:
        """Who cancels announcements; the zero address if there is nobody."""
        return self.reader.one(_address("guardian"))

    def announced(self, target: Address) -> list[Action]:
        """The calls of a contract that are announced, the oldest first. Raises `Unavailable`."""
        endpoints, topics = endpoints_of(self.web3), [bytes(_ANNOUNCED)]
        first, last = self.deployment.block_number, endpoints.head().number
        logs = search_logs(endpoints, self._lock, topics, first, last)
        found = {each.action_id: each for each in self._actions(logs) if each.target == target}
        dues = self.reader.views([number("Timelock", "due_times", each) for each in found])
        # An action of an earlier proposer has another id now, and can never be executed.
        ids = self.reader.views(
            [word("Timelock", "action_id", each.target, each.message, each.salt) for each in found.values()]
        )
        return [
            each
            for each, due_at, action_id in zip(found.values(), dues, ids, strict=True)
            if due_at == each.due_at and action_id == each.action_id
        ]

    def _actions(self, logs: Iterator[Any]) -> Iterator[Action]:
        for log in logs:
            message, salt, due_at = self.web3.codec.decode(["bytes", "bytes32", "uint256"], log.payload)
            yield Action(
                action_id=Bytes32(log.topics[1]),
                target=checksummed(f"0x{log.topics[2][12:].hex()}"),
                message=message,
                salt=Bytes32(salt),
                due_at=due_at,
            )

    # --- calls ----------------------------------------------------------------------------------------

    def announce(self, target: Address, message: bytes, salt: Bytes32 = NO_SALT) -> Message:
        """Say what will be done."""
        return self._call("announce", target, message, salt)

    def execute(self, action: Action) -> Message:
        """Do it."""
        return self._call("execute", action.target, action.message, action.salt)

    def cancel(self, action_id: Bytes32) -> Message:
        """Take it back."""
        return self._call("cancel", action_id)

    def _call(self, function: str, *arguments: Any) -> Message:
        return Message(to=self._lock, payload=encode_function(self.web3, "Timelock", function, arguments))


def _address(function: str) -> View:
    return View(contract="Timelock", function=function, build=checksummed)
