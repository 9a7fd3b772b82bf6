"""Who is to move in which game, and who ends it: what the chain's events mean for the nodes in a dispute."""

from collections import defaultdict
from collections.abc import Callable

from truestep.base import ids
from truestep.base.ids import Address, BatchId, ClaimId, TaskId
from truestep.protocol import calls
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes, jobs
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome, GameStage
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.facts.views import game_view
from truestep.protocol.settlement.ids import LeafGameId, LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.simulation.economy.nodes import Node
from truestep.simulation.economy.sight import facts_of, game_id_of, is_split
from truestep.simulation.economy.world import World


class Referee:
    """Wakes the nodes that have a part in a game."""

    def __init__(self, world: World, nodes: dict[Address, Node]) -> None:
        self.world, self.nodes = world, nodes
        self.opened_at: dict[LeafId, int] = {}
        """The first game on each claim."""
        self.ended_at: dict[LeafId, int] = {}
        """When the last game on each claim was over."""
        self.rewards: defaultdict[TaskId, set[LeafGameId]] = defaultdict(set)
        """Games on fallen claims of a task whose challengers wait for its final result."""
        self.final: dict[TaskId, LeafId] = {}
        self.challenger_of: dict[LeafGameId, Address] = {}
        self._disputed: set[TaskId] = set()
        self.on_opened: Callable[[disputes.Opened], None] = lambda event: None
        self._judged: dict[LeafGameId, int] = {}
        listeners = world.chain.listeners
        listeners[disputes.Opened] = self._opened
        listeners[disputes.SplitMade] = self._split
        listeners[disputes.Moved] = self._moved
        listeners[disputes.Settled] = self._settled

    def _opened(self, event: disputes.Opened) -> None:
        self.world.games_on[event.claim_id].append(event.game_id)
        self.challenger_of[event.game_id] = event.challenger
        self._disputed.add(event.game.task_id)
        self.opened_at.setdefault(event.claim_id, self.world.clock.now)
        self.on_opened(event)
        self._wake(event.game_id, event.game)

    def _split(self, event: disputes.SplitMade) -> None:
        for game_id in self.world.games_on[event.claim_id]:
            game = self.world.chain.games.games.get(game_id)
            if game is not None and (game.low, game.high, game.stage) == (event.low, event.high, 1):
                self._wake_challenger(game_id, game)
                self._judge_later(game_id)

    def _moved(self, event: disputes.Moved) -> None:
        if event.game.stage == GameStage.CLOSED:
            self.world.clock.at(self.world.clock.now, lambda: self._closed(event.game_id))
        else:
            self._wake(event.game_id, event.game)

    def _wake(self, game_id: LeafGameId, game: Game) -> None:
        clock = self.world.clock
        if game.stage == GameStage.STEP_DUE:
            self._wake_challenger(game_id, game)
        else:
            clock.at(clock.now, lambda: self._turn(game_id))
        self._judge_later(game_id)

    def _turn(self, game_id: LeafGameId) -> None:
        """Whose move it is at a node depends on whether it is split already."""
        game = self.world.chain.games.games.get(game_id)
        if game is None or game.stage != GameStage.ON_NODE:
            return
        if is_split(self.world.chain, game_id):
            self._wake_challenger(game_id, game)
            return
        node = self.nodes[game.defender]
        node.when_up(lambda: node.defend(game_id))

    def _wake_challenger(self, game_id: LeafGameId, game: Game) -> None:
        node = self.nodes[game.challenger]
        self.world.clock.at(
            self.world.clock.now,
            lambda: node.when_up(lambda: node.play(game_id)),
        )

    # --- ends -------------------------------------------------------------------------------------

    def _judge_later(self, game_id: LeafGameId) -> None:
        """Look at a game when the clock that runs now is over."""
        view = game_view(facts_of(self.world.chain, game_id), game_id, self.world.clock.now)
        if view is None:
            return
        second = view.last_second + 1
        if view.is_defender_due:
            claim = self.world.chain.games.claims[LeafId(game_id >> ids.PART_BITS)]
            second = games.rescue_end(view.game, claim) + 1
        if self._judged.get(game_id) != second:
            self._judged[game_id] = second
            self.world.clock.at(second, lambda: self._judge(game_id, second))

    def _judge(self, game_id: LeafGameId, second: int) -> None:
        if game_id not in self.world.chain.games.games or self._judged.get(game_id) != second:
            return
        view = game_view(facts_of(self.world.chain, game_id), game_id, self.world.clock.now)
        if view is None:
            return
        if view.outcome is GameOutcome.UNDECIDED:
            self._judge_later(game_id)
            return
        side = view.game.defender if view.outcome is GameOutcome.DEFENDER_WON else view.game.challenger
        self._give(
            side, game_id, Action.SETTLE, calls.SettleGame(game_id=game_id_of(view.game.task_id, game_id))
        )

    def fell(self, event: jobs.Struck) -> None:
        """A claim was struck: the other games on it end, and their bonds come back."""
        for game_id in self.world.games_on[event.claim_id]:
            game = self.world.chain.games.games.get(game_id)
            if game is not None and game.stage < GameStage.CLOSED:
                call = calls.SettleGame(game_id=game_id_of(game.task_id, game_id))
                self._give(game.challenger, game_id, Action.SETTLE, call)

    def _give(self, side: Address, game_id: LeafGameId, action: Action, call: calls.Call | None) -> None:
        """Let a side do what is due for it."""
        game = self.world.chain.games.games[game_id]
        named = game_id_of(game.task_id, game_id)
        claim_id: ClaimId = ids.claim_of_game(named)
        duty = Duty(
            action=action,
            call=call,
            beneficiary=side,
            job_id=ids.job_of_task(game.task_id),
            claim_id=claim_id,
            game_id=named,
            claimed_hash=game.claimed_hash,
        )
        node = self.nodes[side]
        self.world.clock.at(self.world.clock.now, lambda: node.do(duty))

    def _closed(self, game_id: LeafGameId) -> None:
        """A game on a fallen claim: its challenger shows what it committed to."""
        game = self.world.chain.games.games.get(game_id)
        if game is None or game.stage != GameStage.CLOSED:
            return
        claim = self.world.chain.games.claims[LeafId(game_id >> ids.PART_BITS)]
        if claim.pot_wei == 0:
            return
        self.rewards[game.task_id].add(game_id)
        self._give(game.challenger, game_id, Action.SHOW, None)
        self._reward_later(game.task_id)

    def _settled(self, event: disputes.Settled) -> None:
        self.ended_at[event.claim_id] = self.world.clock.now
        if event.outcome is not GameOutcome.DEFENDER_WON:
            return
        batch_id, chain = batch_of_claim(event.claim_id), self.world.chain
        self.world.games_on[event.claim_id].remove(event.game_id)
        batch = chain.life.batches[batch_id]
        is_free = not chain.games.held.get(batch_id, 0) >> leaf_of_claim(event.claim_id) & 1
        if is_free and batch.held >> leaf_of_claim(event.claim_id) & 1:
            self._finalize_leaf(batch_id, event.claim_id, batch.operator)

    def _finalize_leaf(self, batch_id: BatchId, claim_id: LeafId, operator: Address) -> None:
        task_id = self.world.chain.tasks[batch_id][leaf_of_claim(claim_id)]
        named = ids.claim_of(task_id, batch_id)
        duty = Duty(
            action=Action.FINALIZE_LEAF,
            call=calls.FinalizeClaim(claim_id=named),
            beneficiary=operator,
            job_id=ids.job_of_task(task_id),
            claim_id=named,
        )
        node = self.nodes[operator]
        self.world.clock.at(self.world.clock.now, lambda: node.do(duty))

    # --- rewards ----------------------------------------------------------------------------------

    def made_final(self, leaf_id: LeafId, task_id: TaskId) -> None:
        """A task has its result: who waits for it may be rewarded."""
        self.final[task_id] = leaf_id
        self._reward_later(task_id)

    def is_wanted(self, task_id: TaskId) -> bool:
        """Whether somebody will name the task's final result to be rewarded."""
        return task_id in self._disputed

    def _reward_later(self, task_id: TaskId) -> None:
        if task_id not in self.final:
            return
        for game_id in sorted(self.rewards.get(task_id, ())):
            game = self.world.chain.games.games.get(game_id)
            if game is None:
                continue
            claim = self.world.chain.games.claims[LeafId(game_id >> ids.PART_BITS)]
            second = claim.struck_at + games.reveal_seconds(game) + 1
            self.world.clock.at(second, lambda game_id=game_id: self._reward(game_id))
        self.rewards.pop(task_id, None)

    def _reward(self, game_id: LeafGameId) -> None:
        game = self.world.chain.games.games.get(game_id)
        if game is None:
            return
        if game.stage != GameStage.SHOWN:
            return
        self.nodes[game.challenger].finals[game.task_id] = self.final[game.task_id]
        call = calls.RewardGame(game_id=game_id_of(game.task_id, game_id))
        self._give(game.challenger, game_id, Action.REWARD, call)
