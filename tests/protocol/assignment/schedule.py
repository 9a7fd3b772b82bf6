"""Random schedules of commitments, reveals, pledges and penalties (docs/assignment.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.protocol.assignment.world import (
    ENTROPY_BOND_WEI,
    EXIT_SECONDS,
    LEAST_PLEDGE_WEI,
    PHASES,
    AssignmentWorld,
)
from tests.protocol.settlement.world import DELEGATES, PEOPLE, START_TIME
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.contracts import randomness, sortition
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.assignment.randomness import commitment_of
from truestep.protocol.settlement.contracts import operators
from truestep.protocol.settlement.messages import Message

POOLS = (0, 3, 255)


@dataclass(slots=True)
class AssignmentSchedule:
    """The next step, again and again."""

    rng: Random
    world: AssignmentWorld
    now: int = START_TIME
    secrets: dict[tuple[int, Address], Bytes32] = field(default_factory=dict)

    def steps(self, count: int) -> Iterator[Message]:
        """Steps, most of which are worth something."""
        always = {
            self.deposit: 2,
            self.withdraw: 1,
            self.delegate: 1,
            self.withdraw_bonds: 1,
            self.collect: 2,
        }
        of_weights = {self.join: 7, self.leave: 2, self.refresh: 3}
        often = {
            Phase.COMMIT: {self.commit: 8, **of_weights, self.penalise: 2},
            Phase.REVEAL: {self.reveal: 15, self.penalise: 5},
            Phase.DRAW: {self.penalise: 5},
        }
        rarely = {self.commit: 0.5, self.reveal: 0.5, **dict.fromkeys(of_weights, 0.5)}
        for _ in range(count):
            self.now += self.rng.choice((0, 0, 1, 1, 2, 3, 5, 20))
            makers = {**always, **rarely, **often[PHASES.phase_at(self.now)]}
            self.world.prevrandao = keccak256(str(self.now).encode())  # one for each block
            (maker,) = self.rng.choices(list(makers), list(makers.values()))
            yield maker()

    def _message(self, sender: Address, call: object, value_wei: int = 0) -> Message:
        return Message(sender=sender, now=self.now, call=call, value_wei=value_wei)

    def _amount(self) -> int:
        """From too little to huge."""
        units = self.rng.choice((0, 1, 2, 3, 4, 10, 1_000, 10**6, 10**9, 2 * 10**19))
        return units * 10**9 + self.rng.choice((0,) * 12 + (1,))

    def _acting(self, operator: Address) -> Address:
        return self.rng.choice((operator,) * 8 + DELEGATES)

    # --- stakes -----------------------------------------------------------------------------------

    def deposit(self) -> Message:
        call = operators.DepositFor(operator=self.rng.choice(PEOPLE))
        return self._message(self.rng.choice(PEOPLE), call, self.rng.choice((10**10, 10**16, 2 * 10**28)))

    def withdraw(self) -> Message:
        call = operators.WithdrawTo(receiver=self.rng.choice(PEOPLE), amount_wei=self._amount())
        return self._message(self.rng.choice(PEOPLE), call)

    def delegate(self) -> Message:
        call = operators.SetDelegate(delegate=self.rng.choice(DELEGATES), roles=self.rng.randrange(8))
        return self._message(self.rng.choice(PEOPLE), call)

    # --- secrets ----------------------------------------------------------------------------------

    def commit(self) -> Message:
        sender, number = self.rng.choice(PEOPLE), PHASES.round_at(self.now)
        secret = Bytes32(self.rng.randbytes(32))
        self.secrets.setdefault((number, sender), secret)
        promised = commitment_of(sender, number, self.secrets[number, sender])
        commitment = self.rng.choice((promised,) * 20 + (Bytes32(bytes(32)),))
        value_wei = self.rng.choice((ENTROPY_BOND_WEI,) * 6 + (0, 0, 0, 1, ENTROPY_BOND_WEI - 1))
        late = self.rng.choice((0,) * 20 + (1, -1))  # a call that comes to a block in another round
        return self._message(sender, randomness.Commit(round=number - late, commitment=commitment), value_wei)

    def reveal(self) -> Message:
        number = PHASES.round_at(self.now)
        own = [(who, secret) for (each, who), secret in self.secrets.items() if each == number]
        sender, secret = self.rng.choice(own or [(self.rng.choice(PEOPLE), Bytes32(bytes(32)))])
        if self.rng.random() < 0.1:
            sender = self.rng.choice(PEOPLE)
        return self._message(sender, randomness.Reveal(secret=secret))

    def withdraw_bonds(self) -> Message:
        call = randomness.WithdrawTo(receiver=self.rng.choice(PEOPLE))
        return self._message(self.rng.choice(PEOPLE), call)

    # --- pledges ----------------------------------------------------------------------------------

    def join(self) -> Message:
        operator = self.rng.choice(PEOPLE)
        known = self.world.sortition.members.get(operator)
        pool = self.rng.choice((*POOLS, 256) if self.rng.random() < 0.05 else POOLS)
        if known is not None and known.is_in_pool and self.rng.random() < 0.8:
            pool = known.pool
        call = sortition.Join(operator=operator, pool=pool, pledge_wei=self._amount())
        return self._message(self._acting(operator), call)

    def leave(self) -> Message:
        operator = self.rng.choice(PEOPLE)
        return self._message(self._acting(operator), sortition.Leave(operator=operator))

    def collect(self) -> Message:
        leaving = [who for who, member in self.world.sortition.members.items() if not member.is_in_pool]
        call = sortition.Collect(operator=self.rng.choice(leaving or PEOPLE))
        return self._message(self.rng.choice(PEOPLE), call)

    def refresh(self) -> Message:
        stale = [
            operator
            for operator, member in self.world.sortition.members.items()
            if member.is_in_pool and self.world.sortition_links.weight(member.pledge_wei) != member.weight
        ]
        operator = self.rng.choice(stale or PEOPLE) if self.rng.random() < 0.9 else self.rng.choice(PEOPLE)
        return self._message(self.rng.choice(PEOPLE), sortition.Refresh(operator=operator))

    def penalise(self) -> Message:
        operator = self.rng.choice(PEOPLE)
        amount_wei = self.rng.choice((0, 1, LEAST_PLEDGE_WEI, 10**15, 2**95, self._amount()))
        contract = self.world.state.deployment.policies[2].contract
        sender = self.rng.choice((contract,) * 15 + (PEOPLE[0],))
        return self._message(sender, sortition.Penalise(operator=operator, amount_wei=amount_wei))


def everybody_leaves(schedule: AssignmentSchedule) -> Iterator[Message]:
    """Steps after which nobody has a pledge: none may be refused."""
    round_start = (PHASES.round_at(schedule.now) + 1) * PHASES.round_seconds
    for operator, member in list(schedule.world.sortition.members.items()):
        if member.is_in_pool:
            yield Message(sender=operator, now=round_start, call=sortition.Leave(operator=operator))
    for operator in list(schedule.world.sortition.members):
        call = sortition.Collect(operator=operator)
        yield Message(sender=PEOPLE[0], now=round_start + EXIT_SECONDS + 1, call=call)
