"""All contracts in an EVM inside the process, which take typed calls and give typed events.

The pure model is sent the same calls, and must emit the same events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyrevm

from tests.contracts.life_chain import CONTRACT_OF, LifeChain, contract_types, deploy_life_chain
from tests.protocol.settlement.facts.chains import ModelChain, log_at
from truestep.adapters.chain.answers import RawLog
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.messages import Message

ZERO_HASH = Bytes32(bytes(32))


@dataclass(slots=True)
class EventChain:
    """The contracts, the real `Step` among them, and the model, fed with the same calls. Each is a block."""

    contracts: LifeChain = field(
        default_factory=lambda: deploy_life_chain(has_games=True, executes_steps=True)
    )
    model: ModelChain = field(init=False)
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.model = ModelChain(self.contracts.deployment)
        self.names = {each.address.lower(): name for name, each in self.contracts.contracts.items()}

    def send(self, message: Message) -> list[Logged]:
        """Execute a call, which the model must accept."""
        expected = self.model.send(message)
        block = pyrevm.BlockEnv(number=self.model.block + 1, timestamp=message.now)
        self.contracts.evm.chain.set_block_env(block)
        name = CONTRACT_OF[type(message.call)]
        target, payload = self.contracts.contracts[name].address, contract_types()[name].payload(message.call)
        logs = self.contracts.evm.send(message.sender, target, payload, message.value_wei)
        found = [self._logged(index, log, message.now) for index, log in enumerate(logs)]
        assert _by_contract(found) == _by_contract(expected)
        return found

    def _logged(self, index: int, log: pyrevm.Log, now: int) -> Logged:
        raw = RawLog(
            address=log.address.lower(),
            topics=tuple(Bytes32(bytes.fromhex(topic.removeprefix("0x"))) for topic in log.topics),
            payload=bytes(log.data[1]),
            block_number=self.model.block,
            block_hash=ZERO_HASH,
            log_index=index,
            transaction_hash=ZERO_HASH,
        )
        event: Any = contract_types()[self.names[raw.address]].event(raw)
        return log_at(self.model.block, index, event, now)


def _by_contract(logs: Sequence[Logged]) -> dict[str, list[object]]:
    """The events of each contract in their order."""
    found: dict[str, list[object]] = {}
    for logged in logs:
        found.setdefault(CONTRACT_OF[type(logged.event)], []).append(logged.event)
    return found
