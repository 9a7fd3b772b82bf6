"""Random steps of operators, delegates, registrars, the owner and the guardian."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.protocol.settlement.world import (
    DELEGATES,
    KEEPER,
    OPERATORS,
    PARAMETERS,
    PEOPLE,
    REQUESTERS,
    START_TIME,
    Step,
    World,
)
from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement.contracts import assurances, operators, parameters, programs
from truestep.protocol.settlement.ids import (
    ALL_ROLES,
    NATIVE,
)
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.parameters import Parameters

DAY_SECONDS = 86_400


@dataclass(slots=True)
class StakeSchedule:
    """What a schedule knows, and the steps that concern no job."""

    rng: Random
    world: World
    now: int = START_TIME
    rules: Parameters = PARAMETERS
    """The first set of parameters."""
    follow_ups: list[Step] = field(default_factory=list)
    """What comes next whatever happens."""

    def _message(
        self,
        sender: Address,
        call: object,
        *,
        value_wei: int = 0,
        stranger: Stranger = Stranger.WILLING,
    ) -> Message:
        return Message(sender=sender, now=self.now, call=call, value_wei=value_wei, stranger=stranger)

    # --- stakes -----------------------------------------------------------------------------------

    def deposit(self) -> Step:
        amount_wei = self.rng.randrange(1, 100) * PARAMETERS.operator_bond_wei
        call = operators.DepositFor(operator=self.rng.choice(OPERATORS))
        return self._message(self.rng.choice(PEOPLE), call, value_wei=amount_wei)

    def withdraw_stake(self) -> Step | None:
        operator = self.rng.choice(OPERATORS)
        stake = self.world.state.stakes.get(operator)
        if stake is None or not stake.free_wei:
            return None
        amount_wei = self.rng.choice((1, stake.free_wei // 2 + 1, stake.free_wei, stake.stake_wei))
        receiver, stranger = self._receiver(operator, NATIVE)
        call = operators.WithdrawTo(receiver=receiver, amount_wei=amount_wei)
        return self._message(operator, call, stranger=stranger)

    def _receiver(self, account: Address, asset: Address) -> tuple[Address, Stranger]:
        """Who gets what is withdrawn, and whether it comes through."""
        if asset == NATIVE:
            if self.rng.random() < 0.1:
                return self.world.around.refuser, Stranger.REFUSES
            return self.rng.choice((account, KEEPER)), Stranger.WILLING
        return self.rng.choice((account, KEEPER)), self._token_mood()

    def _token_mood(self) -> Stranger:
        moods = (Stranger.WILLING, Stranger.REFUSES, Stranger.KEEPS_A_PART)
        return self.rng.choices(moods, weights=(8, 1, 1))[0]

    def set_delegate(self) -> Step:
        call = operators.SetDelegate(
            delegate=self.rng.choice(DELEGATES), roles=self.rng.randrange(ALL_ROLES + 1)
        )
        return self._message(self.rng.choice(OPERATORS), call)

    def publish_record(self) -> Step:
        record = self.rng.randbytes(self.rng.choice((0, 1, 31, 33, 400)))
        return self._message(self.rng.choice(OPERATORS), operators.Publish(record=record))

    # --- what the owner and the guardian do -------------------------------------------------------

    def register(self) -> Step | None:
        if len(self.world.state.programs) >= 6:
            return None
        call = programs.Register(
            image_root=self._hash(),
            entry=4 * self.rng.randrange(2**27),
            max_cycles=self.rng.choice((1, 10**6, 10**9, 2**48)),
            workload=self.rng.randrange(4),
            digest=self._hash(),
            uri="ipfs://program",
        )
        return self._message(self.rng.choice(REQUESTERS), call)

    def add_parameters(self) -> Step | None:
        owner, count = self.world.state.deployment.owner, len(self.world.state.parameters)
        if count >= 4:
            return None
        changed = replace(
            self.rules,
            operator_bond_wei=self.rules.operator_bond_wei * self.rng.randrange(1, 4),
            lease_penalty_bps=self.rng.choice((100, 10_000)),
            window_seconds=self.rules.window_seconds + self.rng.choice((0, 61)),
        )
        number = count + self.rng.choice((1, 1, 1, 1, 2))
        return self._message(owner, parameters.Add(parameters=changed, parameters_id=number))

    def admit(self) -> Step:
        call = operators.Admit(operator=self.rng.choice(OPERATORS), is_admitted=self.rng.random() < 0.6)
        return self._message(self.world.state.deployment.owner, call)

    def set_phase(self) -> Step:
        call = operators.SetPhase(phase=self.rng.choice((0, 1, 2, 3, 4)))
        return self._message(self.world.state.deployment.owner, call)

    def stop(self) -> Step:
        seconds = self.rng.choice((1, 600, DAY_SECONDS, 7 * DAY_SECONDS))
        return self._message(self.world.state.deployment.guardian, assurances.Stop(seconds=seconds))

    def _hash(self) -> Bytes32:
        return Bytes32(self.rng.randbytes(32))
