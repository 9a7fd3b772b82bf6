"""No sequence of calls makes or loses coins, strands a bond, or makes a lie final while the honest act."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.contracts.network import ACCOUNTS, ALICE, BOB, KEEPER, LIAR, MALICE
from tests.stateful.world import (
    DISHONEST_CHALLENGERS,
    HONEST_OPERATORS,
    PROGRAMS,
    RULES,
    SHARD_COUNT,
    SHORT_DELAY_SECONDS,
    World,
    lies,
)
from truestep.base.ids import ClaimId, GameId, TaskId
from truestep.protocol.records import GameStage, TaskStage

PROGRAM = st.integers(0, len(PROGRAMS) - 1)
CHOICE = st.integers(0, 2**16)
"""Picks one of whatever there is, so that shrinking works on small numbers."""


class Protocol(RuleBasedStateMachine):
    """Honest and dishonest parties on the real contracts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.net = self.world.net

    @initialize(program=PROGRAM, lie=CHOICE, others=st.booleans(), is_patient=st.booleans())
    def a_lie_and_a_truth(self, program: int, lie: int, others: bool, is_patient: bool) -> None:
        """Most histories begin with something to argue about."""
        self.world.is_patient = is_patient
        self.post(program, 30_000)
        self.liar_take(0, lie, is_claiming=True)
        if others:
            self.honest_take(1, ALICE)
            self.world.act()
            self.malice_opens(1, MALICE)
            self.malice_opens(0, KEEPER)

    @rule(program=PROGRAM, lifetime_seconds=st.integers(500, 30_000))
    @precondition(lambda self: len(self.world.tasks) < 3 * SHARD_COUNT)
    def post(self, program: int, lifetime_seconds: int) -> None:
        self.world.post(program, lifetime_seconds)

    # --- operators -----------------------------------------------------------------------------------

    def a_task(self, choice: int) -> TaskId:
        tasks = [*self.world.tasks]
        return tasks[choice % len(tasks)]

    @rule(choice=CHOICE, operator=st.sampled_from(HONEST_OPERATORS))
    @precondition(lambda self: self.world.tasks)
    def honest_take(self, choice: int, operator: str) -> None:
        task_id = self.a_task(choice)
        if not self.world.take(task_id, operator):
            return
        if self.net.task(task_id).until < self.net.now + 2 * SHORT_DELAY_SECONDS:  # no time to lose
            self.world.claim(task_id, self.world.tasks[task_id].honest, operator)

    @rule(choice=CHOICE, lie=CHOICE, is_claiming=st.booleans())
    @precondition(lambda self: self.world.tasks)
    def liar_take(self, choice: int, lie: int, is_claiming: bool) -> None:
        task_id = self.a_task(choice)
        if self.world.take(task_id, LIAR) and is_claiming:
            self.liar_claim(task_id, lie)

    @rule(choice=CHOICE, lie=CHOICE)
    @precondition(lambda self: self.world.tasks)
    def liar_claims_later(self, choice: int, lie: int) -> None:
        self.liar_claim(self.a_task(choice), lie)

    def liar_claim(self, task_id: TaskId, lie: int) -> None:
        """One of the lies, or once in a while the truth."""
        task = self.world.tasks[task_id]
        choices = [*lies(task.words, task.shard_index), task.honest]
        self.world.claim(task_id, choices[lie % len(choices)], LIAR)

    # --- games ---------------------------------------------------------------------------------------

    def a_game(self, choice: int) -> GameId:
        games = [*self.world.games]
        return games[choice % len(games)]

    @rule(choice=CHOICE, challenger=st.sampled_from(DISHONEST_CHALLENGERS))
    @precondition(lambda self: self.world.claims)
    def malice_opens(self, choice: int, challenger: str) -> None:
        claims = [*self.world.claims]
        self.world.open(claims[choice % len(claims)], challenger)

    @rule(moves=st.lists(st.tuples(CHOICE, CHOICE), min_size=1, max_size=8))
    @precondition(lambda self: self.world.games)
    def dishonest_moves(self, moves: list[tuple[int, int]]) -> None:
        """Each a move of whatever game, sensible or not."""
        for choice, how in moves:
            self.world.dishonest_move(self.a_game(choice), how)

    # --- anybody -------------------------------------------------------------------------------------

    @rule(choice=CHOICE)
    @precondition(lambda self: self.world.tasks)
    def anybody_finalizes(self, choice: int) -> None:
        self.world.finalize(self.a_task(choice))

    @rule(choice=CHOICE)
    @precondition(lambda self: self.world.tasks)
    def anybody_expires(self, choice: int) -> None:
        self.world.attempt(self.net.jobs, "expire", self.a_task(choice))

    @rule(choice=CHOICE, shard_indices=st.lists(st.integers(0, SHARD_COUNT), max_size=6))
    @precondition(lambda self: self.world.tasks)
    def anybody_reclaims(self, choice: int, shard_indices: list[int]) -> None:
        self.world.attempt(self.net.jobs, "reclaim", self.a_task(choice) >> 32, shard_indices)

    @rule(account=st.sampled_from(ACCOUNTS))
    def withdraw(self, account: str) -> None:
        self.world.attempt(self.net.jobs, "withdraw", sender=account)
        self.world.attempt(self.net.disputes, "withdraw", sender=account)

    @rule(operator=st.sampled_from((ALICE, BOB, LIAR)), amount_wei=st.integers(0, 6 * 10**18))
    def withdraw_stake(self, operator: str, amount_wei: int) -> None:
        if self.world.attempt(self.net.operators, "withdraw", amount_wei, sender=operator):
            self.world.stakes_wei[operator] -= amount_wei

    # --- time ----------------------------------------------------------------------------------------

    @rule(gwei=st.integers(0, 2_000))
    def base_fee_changes(self, gwei: int) -> None:
        self.net.set_base_fee(gwei * 10**9)

    @rule(seconds=st.integers(1, SHORT_DELAY_SECONDS))
    def short_delay(self, seconds: int) -> None:
        """Honest parties answer within this."""
        self.net.pass_time(seconds)
        self.world.act()

    @rule(seconds=st.integers(1, RULES.window_seconds + 2))
    def long_delay(self, seconds: int) -> None:
        """Everybody honest has made its move, so only the clocks of others run."""
        self.world.pass_time(seconds)

    @invariant()
    def holds(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        self.world.drain()


TestProtocol = Protocol.TestCase
# An example is a whole history: a fifth of the profile's number takes some seconds by default.
TestProtocol.settings = settings(max_examples=settings().max_examples // 5, stateful_step_count=40)


def test_the_rules_can_be_won_and_lost() -> None:
    """The machine above is no empty promise: its parties reach every end of a task and of a game."""
    world = World()
    world.post(0, 30_000)
    first, second, third, _ = world.tasks
    for task_id, operator in ((first, ALICE), (second, LIAR), (third, LIAR)):
        assert world.take(task_id, operator)
    assert world.claim(second, lies(PROGRAMS[0], 1)[1], LIAR)
    world.act()
    for claim_id in world.claims:
        world.open(claim_id, MALICE)
    for _ in range(10):
        for game_id in world.games:
            if world.net.game(game_id).operator == LIAR:
                world.split(game_id, world.claims[ClaimId(game_id >> 32)].hash_at)
            if world.net.game(game_id).stage == GameStage.CHALLENGER_TURN:
                world.pick(game_id, 0)
            world.settle(game_id)
        world.act()
        world.check()
    assert {world.net.game(game_id).stage for game_id in world.games} == {GameStage.CLOSED}
    world.drain()
    assert world.net.task(first).state == TaskStage.FINAL
    assert world.net.task(second).state == TaskStage.REFUNDED
