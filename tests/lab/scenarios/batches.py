"""What one false leaf of a batch does, and what becomes of those who dispute it."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.anvil import COIN_WEI, address_of
from tests.lab.attackers import BatchLiar, Sponsor, attempt
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT, false_claim, task_of_job, true_claim
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.world import World
from truestep.base.ids import TaskId, task_of
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.protocol.calls import OpenGame
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.events import (
    ClaimRefuted,
    ClaimStruck,
    GameAdopted,
    GameOpened,
    GameRewarded,
    GameSettled,
    TaskClaimed,
    TaskFinalized,
)
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.records import Leaf

FAULT_CYCLE = 1_500
BEGIN_SECONDS = 60.0
END_SECONDS = 300.0
CHALLENGERS = ("challenger", "second")


class FalseLeaf(Scenario):
    """One operator claims a batch of true leaves and one that is not: override `false_leaf`."""

    parameters = rules(clock_seconds=45, arity=16)
    count = 8
    false_shard = 5
    defends = True
    challengers = CHALLENGERS[:1]

    def false_leaf(self, true: ClaimedState, world: World) -> Leaf:
        """What is claimed of that one shard."""
        job = world.reader.job(self.job_id)
        lie = false_claim(POLYNOMIAL, task_of_job(job, self.false_shard, SMALL_INPUT), FAULT_CYCLE)
        return leaf_of_state(lie)

    def prepare(self, world: World) -> None:
        """A job of so many shards, and everything that is claimed of them."""
        self.job_id = world.post(world.register(POLYNOMIAL), shard_count=self.count, lease_seconds=300)
        job = world.reader.job(self.job_id)
        leaves: list[Leaf] = []
        for shard in range(self.count):
            true = true_claim(POLYNOMIAL, task_of_job(job, shard, SMALL_INPUT))
            world.know_truth(task_of(self.job_id, shard), true)
            leaves.append(self.false_leaf(true, world) if shard == self.false_shard else leaf_of_state(true))
        self.liar = BatchLiar(
            world,
            POLYNOMIAL,
            SMALL_INPUT,
            self.job_id,
            leaves,
            fault_cycle=FAULT_CYCLE,
            defends=self.defends,
        )
        self.liar.enter()
        world.attackers.append(self.liar)

    @property
    def false_task(self) -> TaskId:
        """The task of the false leaf."""
        return task_of(self.job_id, self.false_shard)

    def attack(self, world: World) -> None:
        """Claim, strike, do the shard again, reward."""
        for name in self.challengers:
            world.daemon("challenger", name, rpc=[world.proxy()])
        world.until(
            lambda: len(world.history.all(TaskClaimed)) == self.count,
            BEGIN_SECONDS,
            "the batch is not claimed",
        )
        world.until(
            lambda: bool(world.history.all(ClaimStruck)), END_SECONDS, "the false leaf was not struck"
        )
        world.daemon("worker", "operator", "--stake", "5", rpc=[world.proxy()])
        world.until(
            lambda: self.is_over(world), END_SECONDS, "results are not final, or winners not rewarded"
        )

    def is_over(self, world: World) -> bool:
        """Whether all is final and given out. Windows are passed once nothing in them is in dispute."""
        records = [world.reader.task(task_id) for task_id in self.liar.tasks]
        if all(record.stage is TaskStage.FINAL for record in records):
            return self.is_given_out(world)
        claimed = [record.until for record in records if record.stage is TaskStage.CLAIMED]
        is_waiting = all(record.stage in (TaskStage.CLAIMED, TaskStage.FINAL) for record in records)
        now = world.anvil.time_seconds()
        is_quiet = self.are_games_over(world) and self.is_shown(world)
        if is_waiting and claimed and is_quiet and now <= max(claimed):
            world.anvil.skip(max(claimed) - now + 2)
        return False

    def are_games_over(self, world: World) -> bool:
        """Whether nobody has anything to win or lose any more in a game."""
        return world.are_games_over()

    def is_shown(self, world: World) -> bool:
        """Whether no honest challenger has something left to show, for which a clock runs (S7.5)."""
        return all(world.processes[name].said("show_landed") for name in self.challengers)

    def is_given_out(self, world: World) -> bool:
        """Whether every honest winner has its part."""
        return len(world.history.all(GameRewarded)) == len(self.challengers)

    def judge(self, world: World) -> None:
        """Nothing but the false leaf fell, and the honest were rewarded."""
        struck = [event.task_id for event in world.history.all(ClaimStruck)]
        world.check(struck == [self.false_task], f"expected one struck claim, got those on {struck}")
        by_liar = [
            event
            for event in world.history.all(TaskFinalized)
            if event.operator == address_of(self.liar.name)
        ]
        world.check(len(by_liar) == self.count - 1, f"{len(by_liar)} leaves of the batch became final")
        self.judge_games(world)

    def judge_games(self, world: World) -> None:
        """One game for each honest challenger, each rewarded."""
        rewarded = {event.challenger for event in world.history.all(GameRewarded)}
        world.check(rewarded == {address_of(name) for name in self.challengers}, f"rewarded: {rewarded}")
        opened = len(world.history.all(GameOpened))
        world.check(opened == len(self.challengers), f"{opened} games were opened")


@scenario("batchlie")
class BatchLie(FalseLeaf):
    """One false leaf in a batch of 32, which the liar defends to the end."""

    count = 32
    false_shard = 19


class Refuted(FalseLeaf):
    """The false leaf needs no game."""

    def is_shown(self, world: World) -> bool:
        """Without a game there is nothing to show."""
        return True

    def is_given_out(self, world: World) -> bool:
        """The refuter is paid at once."""
        return True

    def judge_games(self, world: World) -> None:
        """No bond was needed, and the honest challenger has its reward."""
        refuted = [event.caller for event in world.history.all(ClaimRefuted)]
        world.check(refuted == [address_of("challenger")], f"refuted by {refuted}")
        world.check(not world.history.all(GameOpened), "a game was opened on a claim that is false by itself")


@scenario("malformed")
class Malformed(Refuted):
    """One leaf of a batch of 8 has a shape that no run can have."""

    def false_leaf(self, true: ClaimedState, world: World) -> Leaf:
        """More cycles than the program may run."""
        return leaf_of_state(replace(true, cycle=POLYNOMIAL.max_cycles + 1))


@scenario("hiddenend")
class HiddenEnd(Refuted):
    """One leaf of a batch of 8 says of the true final state that it still runs."""

    def false_leaf(self, true: ClaimedState, world: World) -> Leaf:
        """Its hash is right, and it is false all the same (S5.3)."""
        running = ClaimedState(
            status=Status.RUNNING,
            code=0,
            cycle=POLYNOMIAL.max_cycles,
            output_size=0,
            output_root=ZERO_HASH,
            left_root=ZERO_HASH,
            inner_root=ZERO_HASH,
            running_state=true.state_hash(),
        )
        return leaf_of_state(running)


@scenario("overtaken")
class Overtaken(FalseLeaf):
    """Two honest challengers dispute a silent liar: one strikes, and both show what they knew."""

    challengers = CHALLENGERS
    defends = False

    def prepare(self, world: World) -> None:
        """Whoever settles first strikes; the other's game falls with the claim."""
        super().prepare(world)
        world.attackers.append(Hurry(world, len(self.challengers)))


class Hurry:
    """Passes the time of a liar who will never move, once every game is open."""

    def __init__(self, world: World, games: int) -> None:
        self._world = world
        self._games = games
        self._is_done = False

    def tick(self) -> None:
        """Once."""
        opened = self._world.history.all(GameOpened)
        if len(opened) == self._games and not self._is_done:
            self._is_done = True
            rules = self._world.parameters
            self._world.anvil.skip(3 * rules.clock_seconds + 2)


@scenario("adopted")
class Adopted(FalseLeaf):
    """A liar falls silent, and a friend adopts the game and defends the lie with a bond of its own."""

    defends = False

    def prepare(self, world: World) -> None:
        """The friend looks at every game."""
        super().prepare(world)
        sponsor = Sponsor(world, POLYNOMIAL, SMALL_INPUT, fault_cycle=FAULT_CYCLE)
        sponsor.enter()
        world.attackers += [Silence(world), sponsor]

    def judge_games(self, world: World) -> None:
        """The sponsor's bond is lost as well."""
        super().judge_games(world)
        adopted = world.history.all(GameAdopted)
        world.check(len(adopted) == 1, f"{len(adopted)} games were adopted")
        least_wei = world.parameters.operator_bond_wei * self.parameters.winner_share_bps // 10_000
        (reward,) = world.history.all(GameRewarded)
        world.check(reward.amount_wei > least_wei, f"the challenger got only {reward.amount_wei} wei")


class Silence:
    """Passes the clock of a liar who has fallen silent, so that its game can be adopted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_done = False

    def tick(self) -> None:
        """Once."""
        if self._world.history.all(GameOpened) and not self._is_done:
            self._is_done = True
            self._world.anvil.skip(self._world.parameters.clock_seconds + 1)


@scenario("fallengames")
class FallenGames(FalseLeaf):
    """A silent liar's friends dispute its lie too, and leave it to the honest one to settle their games."""

    defends = False
    friends = 12

    def prepare(self, world: World) -> None:
        """Friends that open a game each, and do nothing more."""
        super().prepare(world)
        for number in range(self.friends):
            world.attackers.append(Idler(world, f"friend-{number}", self.false_task))
        world.attackers.append(Hurry(world, self.friends + len(self.challengers)))

    def are_games_over(self, world: World) -> bool:
        """Whether the honest one's is: the others have fallen with the claim."""
        own = {
            event.game_id
            for event in world.history.all(GameOpened)
            if event.challenger == address_of("challenger")
        }
        return own <= {event.game_id for event in world.history.all(GameSettled)}

    def judge_games(self, world: World) -> None:
        """Only the honest one was rewarded, for the gas of one settlement."""
        rewarded = {event.challenger for event in world.history.all(GameRewarded)}
        world.check(rewarded == {address_of("challenger")}, f"rewarded: {rewarded}")
        sent = len(world.processes["challenger"].said("settle_sent"))
        world.check(sent == 1, f"the honest challenger paid for {sent} settlements")


class Idler:
    """Opens a game on what the liar claims of a task, and does nothing more: not even for its own coins."""

    def __init__(self, world: World, name: str, task_id: TaskId) -> None:
        self._world = world
        self._name = name
        self._task_id = task_id
        world.anvil.fund(name, 10 * COIN_WEI)

    def tick(self) -> None:
        """Open, once."""
        record = self._world.reader.task(self._task_id)
        if record.stage is not TaskStage.CLAIMED or self._has_opened:
            return
        claims = self._world.history.all(TaskClaimed)
        for claimed in (each.claimed for each in claims if each.claim_id == record.claim_id):
            call = OpenGame(
                claim_id=record.claim_id,
                claimed_hash=claimed.state_hash(),
                state_hash=keccak256(f"what {self._name} says".encode()),
                salt=ZERO_HASH,
            )
            attempt(self._world, self._name, call)

    @property
    def _has_opened(self) -> bool:
        opened = self._world.history.all(GameOpened)
        return any(event.challenger == address_of(self._name) for event in opened)
