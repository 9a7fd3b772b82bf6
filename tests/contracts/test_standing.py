"""Operators.vy: facts, caps, pledges and phases against the pure model (docs/operators.md)."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import Event, EvmContract, Reverted, rejects
from tests.contracts.settings import ALICE, BOB, DEPLOYER, KEEPER, NOBODY, START_TIME, Clock
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement import operators
from truestep.protocol.settlement.contracts.operators import Admit, DepositFor, SetPhase, WithdrawTo
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.standing import (
    COUNT_LIMIT,
    FACT,
    PERIOD_SECONDS,
    STAKE_LIMIT_WEI,
    Admission,
    Counts,
    Fact,
    Phase,
    is_admitted,
    room_wei,
)
from truestep.protocol.settlement.state import Deployment, LifeCycle, Turn

COIN_WEI = 10**18
ADMISSION = Admission(fresh_share_bps=3_333, gate_wei=5 * COIN_WEI, first_phase=Phase.ALLOW_LIST)
PLEDGE = 0
PEOPLE = (ALICE, BOB)


class Network:
    """Operators with a module that the test speaks through, an owner, and the model of both."""

    def __init__(self, admission: Admission = ADMISSION) -> None:
        self.clock = Clock()
        self.owner = deploy_caller(self.clock.evm, "Relay")
        asked = (admission.fresh_share_bps, admission.gate_wei, admission.first_phase)
        self.operators = self.clock.deploy("Operators", self.owner.address, *asked)
        self.module = deploy_caller(self.clock.evm, "Relay")
        self.other = deploy_caller(self.clock.evm, "Relay")
        for module in (self.module, self.other):
            self.operators.transact("add_module", module.address, sender=DEPLOYER)
        self.operators.transact("seal", sender=DEPLOYER)
        deployment = Deployment(
            chain_id=1,
            operators=checksummed(self.operators.address),
            jobs=checksummed(self.module.address),
            disputes=checksummed(self.module.address),
            assurances=checksummed(self.other.address),
            owner=checksummed(self.owner.address),
            guardian=Address(NOBODY),
            guardian_until=0,
            admission=admission,
        )
        self.life = LifeCycle(deployment=deployment, phase=admission.first_phase)

    def by_owner(self, function: str, *arguments: Any) -> None:
        message = message_of(self.operators, function, *arguments)
        self.owner.transact("relay", self.operators.address, message, 0)

    def by_module(self, function: str, *arguments: Any, module: EvmContract | None = None) -> None:
        message = message_of(self.operators, function, *arguments)
        (module or self.module).transact("relay", self.operators.address, message, 0)

    def deposit(self, operator: str, amount_wei: int) -> None:
        self.operators.transact("deposit_for", operator, sender=KEEPER, value=amount_wei)

    def turn(self, sender: str, call: object, value_wei: int = 0) -> Turn:
        message = Message(sender=checksummed(sender), now=self.clock.now, call=call, value_wei=value_wei)
        return Turn(state=self.life, message=message, held=lambda _: 0)

    def compare(self) -> None:
        """What everybody can read."""
        for person in PEOPLE:
            stake = operators.stake_of(self.life, checksummed(person))
            counts = stake.facts.at(self.clock.now)
            admission, phase = self.life.deployment.admission, self.life.phase
            facts = (counts.completed, counts.audited, counts.late, counts.struck)
            ask = self.operators.call
            assert ask("facts", person) == facts
            assert ask("accounts", person) == (stake.stake_wei, stake.locked_wei)
            assert ask("pledged", person) == stake.pledged_wei
            assert ask("share_bps", person) == admission.share_bps(stake.facts, self.clock.now)
            assert ask("room_wei", person) == room_wei(admission, phase, stake.entry, self.clock.now)
            assert ask("is_admitted", person) == is_admitted(admission, phase, stake.entry)
            assert ask("is_listed", person) == stake.is_listed
        assert self.operators.call("phase") == self.life.phase


MODULE_CALLS = {
    "lock": operators.lock,
    "unlock": operators.unlock,
    "complete": operators.complete,
    "burn": operators.burn,
}


def random_step(network: Network, rng: Random) -> Reject | None:
    """One call, made in the contract and in the model; the refusal on which both agree."""
    person = rng.choice(PEOPLE)
    operator = checksummed(person)
    stake = operators.stake_of(network.life, operator)
    bounds = (stake.free_wei, stake.locked_wei, stake.pledged_wei, COIN_WEI, 1)
    amount = max(0, rng.choice(bounds) + rng.choice((-1, 0, 0, 0, 1)))
    room = room_wei(network.life.deployment.admission, network.life.phase, stake.entry, network.clock.now)
    amount = rng.choice((amount, room, room + 1, rng.randrange(room + 1)))
    kind = rng.choice(("lock", "lock", "unlock", "complete", "complete", "burn", "seize", "note", "note"))
    kind = rng.choice((kind, kind, kind, "deposit", "withdraw", "admit", "phase"))
    batch_id = BatchId(rng.choice((PLEDGE, 7, 8)))
    if kind == "complete" and batch_id == PLEDGE:
        batch_id = BatchId(7)
    turn, refusal, reason = network.turn(network.module.address, None), None, None
    is_listed, fact = rng.random() < 0.6, rng.choice(tuple(Fact))
    phase = rng.choice((0, 1, 2, 3, 4)) if rng.random() < 0.2 else 1
    try:
        if kind == "deposit":
            amount = rng.choice((0, COIN_WEI, 5 * COIN_WEI, STAKE_LIMIT_WEI))
            turn = network.turn(KEEPER, DepositFor(operator=operator), amount)
            operators.deposit_for(turn, DepositFor(operator=operator))
        elif kind == "withdraw":
            call = WithdrawTo(receiver=checksummed(KEEPER), amount_wei=amount)
            turn = network.turn(person, call)
            operators.withdraw_to(turn, call)
        elif kind == "admit":
            turn = network.turn(network.owner.address, None)
            operators.admit(turn, Admit(operator=operator, is_admitted=is_listed))
        elif kind == "phase":
            turn = network.turn(network.owner.address, None)
            operators.set_phase(turn, SetPhase(phase=phase))
        elif kind == "note":
            operators.note(turn, operator, fact)
        elif kind == "seize":
            operators.seize(turn, operator, batch_id, amount, checksummed(network.module.address))
        else:
            MODULE_CALLS[kind](turn, operator, batch_id, amount)
        state = turn.state
    except Refused as error:
        refusal, state = error.reason, network.life
    try:
        if kind == "deposit":
            network.deposit(person, amount)
        elif kind == "withdraw":
            network.operators.transact("withdraw_to", KEEPER, amount, sender=person)
        elif kind == "admit":
            network.by_owner("admit", person, is_listed)
        elif kind == "phase":
            network.by_owner("set_phase", phase)
        elif kind == "note":
            network.by_module("note", person, fact)
        else:
            network.by_module(kind, person, batch_id, amount)
    except Reverted as error:
        reason = error.reason
    assert reason == (refusal.value if refusal else None), (kind, batch_id, amount)
    network.life = state
    return refusal


@pytest.mark.parametrize("seed", range(4))
def test_the_contract_does_what_the_model_does(seed: int) -> None:
    rng, network = Random(seed), Network()
    network.clock.evm.chain.set_balance(KEEPER, 2**100)
    for _ in range(250):
        if rng.random() < 0.15:
            network.clock.pass_time(rng.choice((1, PERIOD_SECONDS // 3, PERIOD_SECONDS, 9 * PERIOD_SECONDS)))
        random_step(network, rng)
        network.compare()


def test_schedules_reach_every_refusal() -> None:
    """A schedule that does nothing would agree as well."""
    found: set[Reject | None] = set()
    for seed in range(20, 23):
        rng, network = Random(seed), Network()
        network.clock.evm.chain.set_balance(KEEPER, 2**100)
        for _ in range(250):
            found.add(random_step(network, rng))
    expected = {Reject.CAP_EXCEEDED, Reject.NOT_ADMITTED, Reject.STAKE_TOO_LOW, Reject.LOCKED_TOO_LOW}
    assert expected | {Reject.PHASE_BACK, Reject.PHASE_UNKNOWN, Reject.STAKE_LIMIT, None} <= found


# --- phases ---------------------------------------------------------------------------------------


def test_a_phase_moves_forward_and_reaches_every_module() -> None:
    network = Network(replace(ADMISSION, fresh_share_bps=10_000))
    for person, coins in ((ALICE, 5), (BOB, 4)):
        network.deposit(person, coins * COIN_WEI)

    def may_lock(person: str, module: EvmContract) -> bool:
        try:
            network.by_module("lock", person, 7, 1, module=module)
        except Reverted as error:
            assert error.reason == Reject.NOT_ADMITTED.value
            return False
        return True

    both = (network.module, network.other)
    assert not any(may_lock(person, module) for person in PEOPLE for module in both)
    network.by_owner("set_phase", Phase.STAKE_GATED)
    assert all(may_lock(ALICE, module) for module in both)
    assert not any(may_lock(BOB, module) for module in both)
    with rejects(Reject.PHASE_BACK):
        network.by_owner("set_phase", Phase.ALLOW_LIST)
    network.by_owner("set_phase", Phase.OPEN)
    assert all(may_lock(person, module) for person in PEOPLE for module in both)
    for phase in (Phase.ALLOW_LIST, Phase.STAKE_GATED, Phase.OPEN):
        with rejects(Reject.PHASE_BACK):
            network.by_owner("set_phase", phase)


def test_what_is_pledged_counts_for_the_gate_and_not_for_the_cap() -> None:
    network = Network()
    network.by_owner("set_phase", Phase.STAKE_GATED)
    network.deposit(ALICE, 5 * COIN_WEI)
    network.by_module("lock", ALICE, PLEDGE, 4 * COIN_WEI)
    assert network.operators.call("is_admitted", ALICE)
    assert network.operators.call("room_wei", ALICE) == COIN_WEI * 3_333 // 10_000
    assert network.operators.call("accounts", ALICE) == (5 * COIN_WEI, 4 * COIN_WEI)


def test_only_the_owner_admits_and_moves_the_phase_and_the_deployer_until_modules_are_sealed() -> None:
    network = Network()
    for sender in (ALICE, DEPLOYER):
        with rejects(Reject.NOT_OWNER):
            network.operators.transact("set_phase", Phase.OPEN, sender=sender)
        with rejects(Reject.NOT_OWNER):
            network.operators.transact("admit", ALICE, True, sender=sender)
    with rejects(Reject.NO_ADDRESS):
        network.by_owner("admit", NOBODY, True)
    clock = Clock()
    fresh = clock.deploy("Operators", clock.timelock().address, 5_000, 0, Phase.ALLOW_LIST)
    receipt = fresh.transact("admit", ALICE, True, sender=DEPLOYER)
    assert receipt.events == [Event(name="Admitted", fields={"operator": ALICE, "is_admitted": True})]
    with rejects(Reject.NOT_OWNER):
        fresh.transact("set_phase", Phase.OPEN, sender=DEPLOYER)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((999, 0, 3), Reject.SHARE_BOUNDS),
        ((10_001, 0, 3), Reject.SHARE_BOUNDS),
        ((5_000, 2**96, 3), Reject.GATE_BOUNDS),
        ((5_000, 0, 0), Reject.PHASE_UNKNOWN),
        ((5_000, 0, 4), Reject.PHASE_UNKNOWN),
    ],
)
def test_what_is_asked_has_bounds(arguments: tuple[int, ...], reason: Reject) -> None:
    clock = Clock()
    owner = clock.timelock()
    with rejects(reason):
        clock.deploy("Operators", owner.address, *arguments)
    with rejects(Reject.NO_CONTRACT):
        clock.deploy("Operators", ALICE, 5_000, 0, 3)


# --- facts ----------------------------------------------------------------------------------------


def test_facts_fade_by_half_at_each_boundary_and_are_gone_after_five() -> None:
    network = Network()
    network.clock.pass_time(PERIOD_SECONDS - START_TIME % PERIOD_SECONDS)
    for fact in Fact:
        network.by_module("note", ALICE, fact)
    network.clock.pass_time(PERIOD_SECONDS - 1)
    assert network.operators.call("facts", ALICE) == (FACT,) * 4
    network.clock.pass_time(1)
    for left in (8, 4, 2, 1, 0, 0):
        assert network.operators.call("facts", ALICE) == (left,) * 4
        network.clock.pass_time(PERIOD_SECONDS)


def test_a_count_stops_at_its_limit_and_one_strike_outweighs_all() -> None:
    network = Network()
    for _ in range(COUNT_LIMIT // FACT + 2):
        network.by_module("note", ALICE, Fact.COMPLETED)
        network.by_module("note", ALICE, Fact.AUDITED)
    assert network.operators.call("facts", ALICE) == (COUNT_LIMIT, COUNT_LIMIT, 0, 0)
    assert network.operators.call("share_bps", ALICE) == 10_000
    network.by_module("note", ALICE, Fact.STRUCK)
    assert network.operators.call("share_bps", ALICE) == ADMISSION.fresh_share_bps
    assert Counts(completed=COUNT_LIMIT, audited=COUNT_LIMIT, struck=FACT).trust(0) == 0


def test_only_modules_note_and_only_what_can_be_known() -> None:
    network = Network()
    with rejects(Reject.NOT_MODULE):
        network.operators.transact("note", ALICE, Fact.AUDITED, sender=DEPLOYER)
    for fact in (0, 5, 2**255):
        with rejects(Reject.FACT_UNKNOWN):
            network.by_module("note", ALICE, fact)


# --- records --------------------------------------------------------------------------------------


def test_a_record_is_kept_by_its_block_and_hash() -> None:
    network = Network()
    assert network.operators.call("record_of", ALICE) == (0, bytes(24))
    with rejects(Reject.RECORD_EMPTY):
        network.operators.transact("publish", b"", sender=ALICE)
    for number in (1, 2):
        network.clock.pass_time(12)
        record = b"record" * number
        receipt = network.operators.transact("publish", record, sender=ALICE)
        assert receipt.events == [Event(name="Published", fields={"operator": ALICE, "record": record})]
        assert network.operators.call("record_of", ALICE) == (number + 1, keccak256(record)[:24])
    assert network.operators.call("record_of", BOB) == (0, bytes(24))
