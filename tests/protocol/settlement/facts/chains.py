"""A chain that is the pure model: it takes calls and gives events, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.protocol.settlement.world import DEPLOYMENT, PARAMETERS
from truestep.base.errors import Rejected
from truestep.base.ids import Address, Bytes32
from truestep.machine.witness import open_float, verify_step
from truestep.protocol.events import LogPosition
from truestep.protocol.settlement.apply import HANDLERS, apply
from truestep.protocol.settlement.contracts import disputes as contract
from truestep.protocol.settlement.contracts.operators import Admitted, Noted, PhaseSet, Published
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import Disputes, GameMessage, Proved
from truestep.protocol.settlement.effects import Effect, Transfer
from truestep.protocol.settlement.facts.records import Event, Logged
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.state import Deployment, LifeCycle


def log_at(number: int, index: int, event: Event, time: int) -> Logged:
    """An event in a block of one transaction."""
    transaction_hash = Bytes32(number.to_bytes(32, "big"))
    at = LogPosition(block_number=number, log_index=index, transaction_hash=transaction_hash)
    return Logged(event=event, at=at, time=time)


def read_of(effects: Iterable[Effect]) -> list[Event]:
    """The events that nodes read: not moves of coins, and nothing of what is known of operators."""
    unread = (Transfer, Noted, PhaseSet, Admitted, Published)
    return [effect for effect in effects if not isinstance(effect, unread)]


def proved_by(call: object) -> Proved | None:
    """What the step contract answers to a call's witness; None if it refuses it."""
    try:
        if isinstance(call, contract.Step):
            before, after = verify_step(call.witness)
            return Proved(before=before, after=after)
        if isinstance(call, contract.Descend):
            found = open_float(call.witness)
            return Proved(before=found.before, after=found.micro_start, template=found.template, rd=found.rd)
    except Rejected:
        return None
    return None


@dataclass(slots=True)
class ModelChain:
    """All contracts as values. Each call is a block."""

    deployment: Deployment = DEPLOYMENT
    life: LifeCycle = field(init=False)
    disputes: Disputes = field(default_factory=Disputes)
    block: int = 0
    balances: Counter[tuple[Address, Address]] = field(default_factory=Counter)
    """Of (asset, account), since the beginning."""

    def __post_init__(self) -> None:
        self.life = LifeCycle(deployment=self.deployment, parameters=(PARAMETERS,))

    def genesis(self, time: int) -> list[Logged]:
        """What the constructors emit."""
        return [log_at(0, 0, Added(parameters_id=1, parameters=PARAMETERS), time)]

    def send(self, message: Message) -> list[Logged]:
        """Execute a call. Raises Refused, and then nothing has changed."""
        effects = self._apply(message)
        self.block += 1
        for effect in effects:
            if isinstance(effect, Transfer):
                self.balances[effect.asset, effect.sender] -= effect.amount
                self.balances[effect.asset, effect.receiver] += effect.amount
        return self._logged(message.now, read_of(effects))

    def _logged(self, time: int, events: Iterable[Event]) -> list[Logged]:
        return [log_at(self.block, index, event, time) for index, event in enumerate(events)]

    def _apply(self, message: Message) -> tuple[Effect, ...]:
        if type(message.call) in HANDLERS:
            self.life, effects = apply(self.life, message, held_by(self.disputes))
            return effects
        given = GameMessage(message=message, base_fee_wei=0, proved=proved_by(message.call))
        self.disputes, self.life, effects = apply_dispute(self.disputes, self.life, given)
        return effects
