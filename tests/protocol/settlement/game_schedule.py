"""Random schedules with games: challengers and defenders move as they like, in time or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from tests.protocol.settlement.game_world import GameWorld, is_running
from tests.protocol.settlement.known_states import KNOWN_STATES, canonical_leaf, packed_state_of
from tests.protocol.settlement.mutations import mutated
from tests.protocol.settlement.proofs import proof_of
from tests.protocol.settlement.schedule import WRONG_SHARE, Schedule
from tests.protocol.settlement.world import KEEPER, PARAMETERS, PEOPLE, Hold, Step
from truestep.base.ids import Address, BatchId, Bytes32, TaskId, job_of_task
from truestep.commitments.keccak import keccak256
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.settlement.batches import shares
from truestep.protocol.settlement.claims import is_refuted, state_hash
from truestep.protocol.settlement.contracts import disputes as d
from truestep.protocol.settlement.disputes import GameMessage, Proved, commitment_of, node_of, split_of
from truestep.protocol.settlement.games import (
    arity_of,
    bond_wei,
    claim_of_game_id,
    last_second,
    rescue_seconds,
    reveal_seconds,
)
from truestep.protocol.settlement.ids import NATIVE, LeafGameId, batch_of_claim, claim_of, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.policies import ends_game, open_until
from truestep.protocol.settlement.records import BatchStage, Leaf

SALT = Bytes32(b"salt" * 8)
DAY_SECONDS = 86_400
ZERO_HASH = Bytes32(bytes(32))
OTHER_HASH = Bytes32(b"else" * 8)
"""What some challengers hold for the end."""
Entry = tuple[LeafGameId, d.Game]


@dataclass(slots=True)
class GameSchedule(Schedule):
    """The next step, which may be one of a game."""

    games_world: GameWorld = field(kw_only=True)

    def next_step(self) -> Step:
        """A sensible step, or a wrong one."""
        self._pass_time()
        step = self._sensible_game_step()
        if self.rng.random() >= WRONG_SHARE:
            return step
        if isinstance(step, GameMessage):
            return replace(step, message=mutated(self.rng, step.message, self.world.around))
        assert isinstance(step, Message)
        return mutated(self.rng, step, self.world.around)

    def _sensible_game_step(self) -> Step:
        while True:
            makers = self._game_makers() if self.rng.random() < 0.5 else self._life_makers()
            (maker,) = self.rng.choices(list(makers), weights=list(makers.values()))
            step = maker()
            if step is not None and not isinstance(step, Hold):
                return step

    def _life_makers(self) -> dict[Callable[[], Step | None], float]:
        left_out = {self.hold, self.strike}
        return {maker: weight for maker, weight in self._makers().items() if maker not in left_out}

    def _game_makers(self) -> dict[Callable[[], Step | None], float]:
        return {
            self.open: 10,
            self.adopt: 4,
            self.refute: 2,
            self.split: 14,
            self.pick: 14,
            self.step: 6,
            self.descend: 3,
            self.reveal: 10,
            self.settle: 8,
            self.show: 10,
            self.reward: 4,
            self.reward_without_result: 1,
            self.withdraw_winnings: 2,
        }

    def _game_message(
        self, sender: Address, call: object, *, value_wei: int = 0, proved: Proved | None = None
    ) -> GameMessage:
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei)
        base_fee_wei = self.rng.choice((0, 1, 10**6, 10**9))
        return GameMessage(message=message, base_fee_wei=base_fee_wei, proved=proved)

    def leaf_for(self, batch_id: BatchId, leaf_index: int, level: int) -> Leaf:
        """Now and then the leaf that challengers commit to, or one of a run that does not end."""
        batch = self.world.state.batches[batch_id]
        (share,) = shares(self.world.state, batch, 1 << leaf_index)
        work = self.world.state.jobs[job_of_task(share.task_id)].work
        kind = self.rng.random()
        if kind < 0.5:
            return canonical_leaf(work)
        if kind < 0.6:
            state = self.rng.choice(KNOWN_STATES)
            return Leaf(
                head=work.max_cycles << 64, output_root=keccak256(state), left_root=Bytes32(bytes(32))
            )
        leaf = Schedule.leaf_for(self, batch_id, leaf_index, level)
        cycle = self.rng.choice((1, 1, 5, 60, 10**6))
        return replace(leaf, head=leaf.head & ~((2**64 - 1) << 64) | cycle << 64)

    # --- beginnings -------------------------------------------------------------------------------

    def open(self) -> Step | None:
        found = self._some_batch(BatchStage.CLAIMED)
        if found is None or not self._is_worth(self.now <= open_until(self.world.state, *found)):
            return None
        batch_id, batch = found
        leaf_index = self.rng.choice((0, self.rng.randrange(batch.leaf_count)))
        claim_id = claim_of(batch_id, leaf_index)
        proof = proof_of(self.world, claim_id)
        if not self._is_worth(not is_refuted(proof.work, proof.leaf, b"")):
            return None
        rules = self.world.state.parameters[batch.parameters_id - 1]
        claim = self.games_world.disputes.claims.get(claim_id)
        value_wei = bond_wei(rules, claim.open_count if claim else 0) + self.rng.choice((0, 0, 7))
        sender = self.rng.choice(PEOPLE)
        task_id = unpack_item(proof.item).task(leaf_index)
        right = state_hash(task_id, proof.work, canonical_leaf(proof.work))
        claimed = state_hash(task_id, proof.work, proof.leaf)
        known = self.rng.choices((right, OTHER_HASH, claimed, self._hash()), weights=(10, 4, 1, 1))[0]
        commitment = commitment_of(sender, known, SALT)
        call = d.Open(claim_id=claim_id, terms=batch.terms, proof=proof, commitment=commitment)
        return self._game_message(sender, call, value_wei=value_wei)

    def refute(self) -> Step | None:
        found = self._some_batch(BatchStage.CLAIMED)
        if found is None:
            return None
        batch_id, batch = found
        for leaf_index in range(batch.leaf_count):
            claim_id = claim_of(batch_id, leaf_index)
            proof = proof_of(self.world, claim_id)
            packed = packed_state_of(proof.leaf.output_root)
            is_false = is_refuted(proof.work, proof.leaf, packed) and not batch.struck >> leaf_index & 1
            if self._is_worth(is_false):
                call = d.Refute(claim_id=claim_id, terms=batch.terms, proof=proof, packed_state=packed)
                return self._game_message(self.rng.choice(PEOPLE), call)
        return None

    def adopt(self) -> Step | None:
        found = self._some_game(self._is_lost_on_time) or self._soon_lost()
        if found is None:
            return None
        game_id, game = found
        sender = self.rng.choice(PEOPLE)
        return self._game_message(sender, d.Adopt(game_id=game_id, game=game), value_wei=game.leaf_bond_wei)

    def _soon_lost(self) -> Entry | None:
        """Some game whose defender has its last second, after which it waits for a sponsor."""
        found = self._some_game(lambda entry: entry[1].stage == d.GameStage.ON_NODE)
        if found is None or self.rng.random() > 0.1:
            return None
        game_id, game = found
        claim = self.games_world.disputes.claims[claim_of_game_id(game_id)]
        self.now = max(self.now, last_second(game, claim) + 1)
        return found

    def _is_lost_on_time(self, entry: Entry) -> bool:
        game_id, game = entry
        claim = self.games_world.disputes.claims[claim_of_game_id(game_id)]
        end = last_second(game, claim)
        is_defenders = game.stage in (d.GameStage.ON_NODE, d.GameStage.REVEAL_DUE)
        return self._is_worth(is_defenders and end < self.now <= end + rescue_seconds(game) + 1)

    # --- moves ------------------------------------------------------------------------------------

    def split(self) -> Step | None:
        found = self._some_game(lambda entry: self._is_worth(self._waits_for_split(entry)))
        if found is None:
            return None
        game_id, game = found
        arity = arity_of(game)
        count = min(arity, game.high - game.low) - 1
        if count < 0:
            return None
        hashes = [keccak256(self.rng.choice(KNOWN_STATES)) for _ in range(count)]
        call = d.Split(
            claim_id=claim_of_game_id(game_id),
            defender=game.defender,
            arity=arity,
            low=game.low,
            high=game.high,
            low_hash=game.low_hash,
            high_hash=game.high_hash,
            hashes=tuple(hashes),
        )
        return self._game_message(self._agent(game.defender), call)

    def _waits_for_split(self, entry: Entry) -> bool:
        is_split = split_of(self.games_world.disputes, *entry) is not None
        return entry[1].stage == d.GameStage.ON_NODE and not is_split

    def pick(self) -> Step | None:
        found = self._some_game(lambda entry: split_of(self.games_world.disputes, *entry) is not None)
        if found is None:
            return None
        game_id, game = found
        boundaries = self.games_world.boundaries[_node(game_id, game)]
        arity = arity_of(game)
        part = self.rng.randrange(Interval(low=game.low, high=game.high).part_count(arity))
        siblings = part_siblings(boundaries, arity, part)
        call = d.Pick(
            game_id=game_id,
            game=game,
            part=part,
            start=boundaries[part],
            end=boundaries[part + 1],
            siblings=tuple(map(Bytes32, siblings)),
        )
        return self._game_message(game.challenger, call)

    def step(self) -> Step | None:
        found = self._some_game(lambda entry: entry[1].stage == d.GameStage.STEP_DUE)
        if found is None:
            return None
        game_id, game = found
        before = game.low_hash if self.rng.random() < 0.95 else self._hash()
        after = game.high_hash if self.rng.random() < 0.4 else self._hash()
        call = d.Step(game_id=game_id, game=game, witness=b"witness")
        return self._game_message(self.rng.choice(PEOPLE), call, proved=Proved(before=before, after=after))

    def descend(self) -> Step | None:
        found = self._some_game(lambda entry: entry[1].stage == d.GameStage.STEP_DUE)
        if found is None:
            return None
        game_id, game = found
        rd = self.rng.randrange(1, 32)
        before = game.low_hash if self.rng.random() < 0.95 else self._hash()
        template = template_of(packed_state_of(game.high_hash), rd)
        call = d.Descend(game_id=game_id, game=game, witness=b"witness")
        proved = Proved(before=before, after=self._hash(), template=template, rd=rd)
        return self._game_message(self.rng.choice(PEOPLE), call, proved=proved)

    def reveal(self) -> Step | None:
        found = self._some_game(lambda entry: entry[1].stage == d.GameStage.REVEAL_DUE)
        if found is None:
            return None
        game_id, game = found
        call = d.Reveal(
            game_id=game_id,
            game=game,
            after=packed_state_of(game.high_hash) or KNOWN_STATES[0],
            cycles=self.rng.choice((1, 2, 9, 4_095, 4_096)),
            memory_root=self._hash(),
        )
        return self._game_message(self._agent(game.defender), call)

    # --- ends -------------------------------------------------------------------------------------

    def settle(self) -> Step | None:
        found = self._some_game(lambda entry: self._is_worth(self._is_old(entry)))
        if found is None:
            return None
        call = d.Settle(game_id=found[0], game=found[1])
        return self._game_message(self.rng.choice(PEOPLE), call)

    def _is_old(self, entry: Entry) -> bool:
        claim = self.games_world.disputes.claims[claim_of_game_id(entry[0])]
        is_ended = claim.struck_at == 0 and ends_game(self.world.state, entry[0], self.now)
        return is_ended or claim.struck_at != 0 or self.now > entry[1].moved_at + 1_500

    def show(self) -> Step | None:
        closed = self._games(lambda game: game.stage == d.GameStage.CLOSED)
        if not closed:
            return None
        game_id, game = self.rng.choice(closed)
        claim = self.games_world.disputes.claims[claim_of_game_id(game_id)]
        if not self._is_worth(self.now <= claim.struck_at + reveal_seconds(game)):
            return None
        work = self.world.state.jobs[job_of_task(game.task_id)].work
        right = state_hash(game.task_id, work, canonical_leaf(work))
        shown = [
            known
            for known in (right, OTHER_HASH, game.claimed_hash)
            if commitment_of(game.challenger, known, SALT) == game.commitment
        ]
        call = d.Show(game_id=game_id, game=game, state_hash=shown[0] if shown else right, salt=SALT)
        return self._game_message(self.rng.choice(PEOPLE), call)

    def reward(self) -> Step | None:
        ended = self._games(lambda game: not is_running(game))
        ready = [entry for entry in ended if entry[1].task_id in self.world.final_tasks]
        if not ready:
            return None
        game_id, game = self.rng.choice(ready)
        return self.reward_of(game_id, game)

    def final_hash(self, task_id: TaskId) -> Bytes32:
        """Of the state that has become the task's result."""
        proof = proof_of(self.world, self.world.final_tasks[task_id])
        return state_hash(task_id, proof.work, proof.leaf)

    def reward_of(self, game_id: LeafGameId, game: d.Game) -> GameMessage:
        """Ask for the reward of a game whose task is final."""
        final_id = self.world.final_tasks[game.task_id]
        call = d.Reward(
            game_id=game_id,
            game=game,
            final_id=final_id,
            terms=self.world.state.batches[batch_of_claim(final_id)].terms,
            proof=proof_of(self.world, final_id),
        )
        return self._game_message(self.rng.choice(PEOPLE), call)

    def reward_without_result(self) -> Step | None:
        ended = self._games(lambda game: not is_running(game))
        if not ended:
            return None
        game_id, game = self.rng.choice(ended)
        if self.rng.random() < 0.02:
            self.now += 130 * DAY_SECONDS
        return self._game_message(KEEPER, d.RewardWithoutResult(game_id=game_id, game=game))

    def withdraw_winnings(self) -> Step | None:
        owed = [account for account, amount in self.games_world.disputes.credits.items() if amount]
        if not owed:
            return None
        account = self.rng.choice(owed)
        receiver, stranger = self._receiver(account, NATIVE)
        step = self._game_message(account, d.WithdrawTo(receiver=receiver))
        return replace(step, message=replace(step.message, stranger=stranger))

    def _games(self, suits: Callable[[d.Game], bool]) -> list[Entry]:
        return [entry for entry in self.games_world.disputes.games.items() if suits(entry[1])]

    def _some_game(self, suits: Callable[[Entry], bool]) -> Entry | None:
        found = [entry for entry in self.games_world.running_games() if suits(entry)]
        return self.rng.choice(found) if found else None


def template_of(packed: bytes, rd: int) -> Bytes32:
    """The hash of a state without its result, as the step contract gives it."""
    start = 49 + 8 * rd
    return keccak256(packed[:start] + bytes(8) + packed[start + 8 :] + bytes([rd]))


def _node(game_id: LeafGameId, game: d.Game) -> Bytes32:
    claim_id, arity = claim_of_game_id(game_id), arity_of(game)
    return node_of(claim_id, game.defender, arity, game.low, game.high, game.low_hash, game.high_hash)


GAME_PARAMETERS = replace(
    PARAMETERS, window_seconds=12_000, clock_seconds=1_500, rescue_seconds=190, reveal_seconds=2_500
)
"""Clocks in which a few moves are made among all other calls."""


def game_schedule(seed: int, world: GameWorld) -> GameSchedule:
    """A schedule for a world with games."""
    world.state = replace(world.state, parameters=(GAME_PARAMETERS,))
    return GameSchedule(rng=Random(seed), world=world, games_world=world, rules=GAME_PARAMETERS)
