"""Sortition.vy: what its random schedules do not reach (docs/assignment.md D3, D4)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.contracts.assignment_comparison import deploy_draws
from tests.contracts.compiled import message_of
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.life_chain import DEPLOYER, LifeChain, deploy_life_chain
from tests.protocol.assignment.world import EXIT_SECONDS, LEAST_PLEDGE_WEI, PHASES
from tests.protocol.settlement.world import OPERATORS, REQUESTERS
from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.pools import pool_of, select
from truestep.protocol.settlement.contracts import operators
from truestep.protocol.settlement.messages import Message

ANN, BOB, CID = OPERATORS
STRANGER = REQUESTERS[0]
POOL = 3
START = PHASES.round_seconds * 20_000_000
DRAW = PHASES.commit_seconds + PHASES.reveal_seconds
SEED = keccak256(b"seed")


@dataclass(slots=True)
class Draws:
    """A chain with draws, in which three have deposited."""

    chain: LifeChain = field(default_factory=lambda: deploy_life_chain(deploy_modules=deploy_draws))

    def __post_init__(self) -> None:
        for operator in OPERATORS:
            call = operators.DepositFor(operator=operator)
            self.chain.play(Message(sender=operator, now=START, call=call, value_wei=10**20))

    @property
    def sortition(self) -> EvmContract:
        """The contract."""
        return self.chain.contracts["Sortition"]

    def pass_to(self, second: int) -> None:
        """To a second of the first round or a later one."""
        self.chain._set_block(START + second, 0)

    def join(self, operator: Address, pledge_wei: int, pool: int = POOL) -> None:
        """Pledge."""
        self.sortition.transact("join", operator, pool, pledge_wei, sender=operator)

    def by_policy(self, policy: EvmContract, operator: Address, amount_wei: int) -> None:
        """A policy's contract penalises."""
        message = message_of(self.sortition, "penalise", operator, amount_wei)
        policy.transact("forward", self.sortition.address, message)

    def add_policy(self, number: int) -> EvmContract:
        """Another policy."""
        evm, chain = self.chain.evm, self.chain
        twin = EvmContract(
            evm=evm,
            address=evm.chain.deploy(DEPLOYER, chain.policy.artifact.bytecode),
            artifact=chain.policy.artifact,
        )
        assurances = chain.contracts["Assurances"]
        addition = message_of(assurances, "add", twin.address, number)
        chain.owner.transact("forward", assurances.address, addition, sender=DEPLOYER)
        return twin

    def drawn(self, count: int, *excluded: Address, pool: int = POOL) -> list[str]:
        """Whom the contract draws."""
        found = self.sortition.call("select", pool, SEED, count, list(excluded))
        return [each.lower() for each in found]

    def locked(self, operator: Address) -> int:
        """What is locked of a stake."""
        return self.chain.contracts["Operators"].call("accounts", operator)[1]


@pytest.fixture
def draws() -> Draws:
    return Draws()


def test_a_policy_takes_what_is_there_and_no_stranger_does(draws: Draws) -> None:
    draws.join(ANN, 2 * LEAST_PLEDGE_WEI)
    with rejects(Reject.NOT_POLICY):
        draws.sortition.transact("penalise", ANN, 1, sender=STRANGER)
    policy, coins = draws.chain.policy, draws.chain.evm.chain.get_balance
    draws.by_policy(policy, BOB, 10**18)  # who has pledged nothing
    assert coins(policy.address) == 0
    draws.by_policy(policy, ANN, 5 * LEAST_PLEDGE_WEI)
    assert coins(policy.address) == 2 * LEAST_PLEDGE_WEI
    assert draws.locked(ANN) == 0
    assert draws.sortition.call("pledge_of", POOL, ANN) == 0
    draws.pass_to(DRAW)
    assert draws.drawn(5) == []


def test_a_penalty_after_the_seed_is_known_moves_no_draw(draws: Draws) -> None:
    """The weight follows in the next commit phase, by whoever asks (D3.4)."""
    for operator in OPERATORS:
        draws.join(operator, 5 * LEAST_PLEDGE_WEI)
    draws.pass_to(DRAW)
    before = draws.drawn(3)
    draws.by_policy(draws.chain.policy, ANN, 10**18)
    assert draws.drawn(3) == before
    with rejects(Reject.COMMIT_OVER):
        draws.sortition.transact("refresh", ANN, sender=STRANGER)
    draws.pass_to(PHASES.round_seconds)
    draws.sortition.transact("refresh", ANN, sender=STRANGER)
    with rejects(Reject.WEIGHT_RIGHT):
        draws.sortition.transact("refresh", ANN, sender=STRANGER)
    draws.pass_to(PHASES.round_seconds + DRAW)
    assert ANN not in draws.drawn(3)


def test_a_policy_that_came_later_takes_nothing_of_who_has_left(draws: Draws) -> None:
    for operator in (ANN, BOB):
        draws.join(operator, 5 * LEAST_PLEDGE_WEI)
    draws.sortition.transact("leave", ANN, sender=ANN)
    later, coins = draws.add_policy(3), draws.chain.evm.chain.get_balance
    draws.by_policy(later, ANN, LEAST_PLEDGE_WEI)
    assert coins(later.address) == 0
    draws.by_policy(draws.chain.policy, ANN, LEAST_PLEDGE_WEI)  # which was there before
    draws.by_policy(later, BOB, LEAST_PLEDGE_WEI)
    assert coins(later.address) == coins(draws.chain.policy.address) == LEAST_PLEDGE_WEI
    draws.pass_to(EXIT_SECONDS)
    with rejects(Reject.EXIT_RUNNING):
        draws.sortition.transact("collect", ANN, sender=STRANGER)
    draws.pass_to(EXIT_SECONDS + 1)
    draws.sortition.transact("collect", ANN, sender=STRANGER)
    assert draws.locked(ANN) == 0
    draws.by_policy(draws.chain.policy, ANN, LEAST_PLEDGE_WEI)
    assert coins(draws.chain.policy.address) == LEAST_PLEDGE_WEI


def test_a_contract_that_is_a_policy_twice_has_its_first_number(draws: Draws) -> None:
    draws.join(ANN, 5 * LEAST_PLEDGE_WEI)
    draws.sortition.transact("leave", ANN, sender=ANN)
    assurances, policy = draws.chain.contracts["Assurances"], draws.chain.policy
    again = message_of(assurances, "add", policy.address, 3)
    draws.chain.owner.transact("forward", assurances.address, again, sender=DEPLOYER)
    assert assurances.call("policy_numbers", policy.address) == 2
    draws.by_policy(policy, ANN, LEAST_PLEDGE_WEI)
    assert draws.chain.evm.chain.get_balance(policy.address) == LEAST_PLEDGE_WEI


def test_nobody_is_drawn_twice_or_out_of_another_pool(draws: Draws) -> None:
    """Nor by a number that wraps: pools have 8 bits."""
    draws.join(ANN, 5 * LEAST_PLEDGE_WEI, pool=0)
    draws.join(BOB, 3 * LEAST_PLEDGE_WEI, pool=0)
    draws.join(CID, 4 * LEAST_PLEDGE_WEI)
    with rejects(Reject.DRAW_TIME):
        draws.drawn(1)
    draws.pass_to(DRAW)
    assert draws.drawn(16, CID, CID) == []
    weights = {ANN: 5 * LEAST_PLEDGE_WEI // 10**9, BOB: 3 * LEAST_PLEDGE_WEI // 10**9}
    assert draws.drawn(16, pool=0) == [*select(pool_of(weights), SEED, 16)]
    assert draws.drawn(2, ANN, ANN, CID, STRANGER, pool=0) == [BOB]
    for pool in (256, 2**255):
        with rejects(Reject.POOL_UNKNOWN):
            draws.drawn(1, ANN, pool=pool)
        assert draws.sortition.call("pledge_of", pool, ANN) == 0
    with rejects(Reject.SEATS_LIMIT):
        draws.drawn(17)


def test_a_slot_is_left_and_filled_again_in_the_tree(draws: Draws) -> None:
    for operator in OPERATORS:
        draws.join(operator, 5 * LEAST_PLEDGE_WEI)
    for operator in (BOB, ANN):
        draws.sortition.transact("leave", operator, sender=operator)
    assert draws.sortition.call("get_pool", POOL) == (1, 5 * LEAST_PLEDGE_WEI // 10**9)
    for operator, slot in ((BOB, 0), (ANN, 1)):
        draws.join(operator, LEAST_PLEDGE_WEI)
        assert draws.sortition.call("get_member", operator)[2] == slot
    assert draws.sortition.call("get_pool", POOL)[0] == 3


def test_a_pledge_cannot_be_withdrawn_or_paid_into_sortition(draws: Draws) -> None:
    stakes = draws.chain.contracts["Operators"]
    draws.join(ANN, 10**20)
    with rejects(Reject.STAKE_TOO_LOW):
        stakes.transact("withdraw_to", ANN, 1, sender=ANN)
    with rejects(Reject.PAYMENT_REFUSED):
        stakes.transact("withdraw_to", draws.sortition.address, 1, sender=BOB)
    with rejects(Reject.NOT_OPERATORS):
        draws.chain.evm.send(BOB, draws.sortition.address, b"", 1)
