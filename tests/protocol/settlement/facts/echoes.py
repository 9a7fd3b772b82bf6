"""Calls of those who see everything, made again by builders from the facts alone."""

from __future__ import annotations

from random import Random
from typing import cast

from tests.protocol.settlement.facts.chains import ModelChain, log_at, read_of
from tests.protocol.settlement.game_schedule import SALT, GameSchedule
from tests.protocol.settlement.game_world import GameWorld
from tests.protocol.settlement.world import Outcome, Step
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.contracts import disputes, jobs, operators, programs, results
from truestep.protocol.settlement.effects import Effect
from truestep.protocol.settlement.facts import batch_calls, game_calls, job_calls
from truestep.protocol.settlement.facts.batch_calls import Shards
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.leaves import leaf_at
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import LeafId, unpack_item
from truestep.protocol.settlement.messages import Message


class Sensible(GameSchedule):
    """A schedule without wrong inputs, but for those that come too early or too late."""

    def next_step(self) -> Step:
        """A sensible step."""
        self._pass_time()
        return self._sensible_game_step()


class Echo:
    """A world that sees everything, and the facts of its events."""

    def __init__(self, seed: int, keeps: frozenset[str] | None = None) -> None:
        self.world = GameWorld()
        self.schedule = Sensible(rng=Random(seed), world=self.world, games_world=self.world)
        self.model = ModelChain(self.world.state.deployment)
        logs = self.model.genesis(self.schedule.now)
        self.logs: list[Logged] = logs
        self.facts = fold(Facts(deployment=self.model.deployment, keeps=keeps), logs)  # type: ignore[arg-type]

    def play(self) -> tuple[Message, Answer | None, Outcome]:
        """The next call, what a builder makes of it, and what the model says; the facts follow."""
        step = self.schedule.next_step()
        message = step if isinstance(step, Message) else step.message  # type: ignore[union-attr]
        answer = rebuilt(self.facts, message)
        outcome = self.world.play(step)
        events = read_of(cast("tuple[Effect, ...]", outcome.effects))  # this world has no other contracts
        self.model.block += 1
        logs = [log_at(self.model.block, index, event, message.now) for index, event in enumerate(events)]
        self.logs += logs
        self.facts = fold(self.facts, logs)
        self.model.life, self.model.disputes = self.world.state, self.world.disputes
        return message, answer, outcome


def check_echo(message: Message, answer: Answer | None, outcome: Outcome) -> str:
    """A builder makes the very call that is accepted, and refuses others for the same reason."""
    strangers = (Reject.TOKEN_REFUSED, Reject.TOKEN_SHORT, Reject.PAYMENT_REFUSED)
    if answer is None:
        return "not built"
    if isinstance(message.call, jobs.Post | results.Feed) and answer is Reject.OVER:
        call = message.call
        assert call.order.reducer_of if isinstance(call, jobs.Post) else call.terms.reducer_of
        return "reducer of a job that is over"
    if isinstance(message.call, jobs.Close | results.WriteOut) and answer is Reject.OVER:
        return "of no use"
    if outcome.refusal is None or outcome.refusal in strangers:
        assert isinstance(answer, Ready), f"{message}: {answer}"
        assert answer.call == message.call
        is_open = isinstance(message.call, disputes.Open)
        assert answer.value_wei == message.value_wei or (is_open and answer.value_wei < message.value_wei)
        return "made"
    assert not isinstance(answer, Ready), f"{message}: {outcome.refusal}"
    if answer is not outcome.refusal:
        assert answer in (Reject.OVER, Reject.GAME_UNKNOWN), f"{message}: {answer}, {outcome.refusal}"
        return f"over: {outcome.refusal}"
    return f"refused: {outcome.refusal}"


def rebuilt(facts: Facts, message: Message) -> Answer | None:
    """The call from what only its caller can know; None for calls that no builder makes, or not from this."""
    caller = Caller(account=message.sender, now=message.now)
    for part in (_of_jobs, _of_batches, _of_results, _of_games):
        answer = part(facts, caller, message)
        if answer is not None:
            return answer
    return None


def _of_jobs(facts: Facts, caller: Caller, message: Message) -> Answer | None:
    match message.call:
        case programs.Register():
            return job_calls.register(facts, caller, message.call)
        case operators.DepositFor(operator=operator):
            return job_calls.deposit_for(facts, caller, operator, message.value_wei)
        case operators.WithdrawTo(receiver=receiver, amount_wei=amount_wei):
            return job_calls.withdraw_stake(facts, caller, receiver, amount_wei)
        case operators.SetDelegate(delegate=delegate, roles=roles):
            return job_calls.set_delegate(facts, caller, delegate, roles)
        case jobs.Post(order=order):
            return job_calls.post(facts, caller, order)
        case jobs.TopUp(job_id=job_id, reward=reward):
            return job_calls.top_up(facts, caller, job_id, reward)
        case jobs.Close(job_id=job_id):
            return job_calls.close(facts, caller, job_id)
        case jobs.Cancel(job_id=job_id, shards=shards):
            return job_calls.cancel(facts, caller, job_id, shards)
        case jobs.Withdraw(asset=asset, receiver=receiver):
            return job_calls.withdraw(facts, caller, asset, receiver)
        case _:
            return None


def _of_batches(facts: Facts, caller: Caller, message: Message) -> Answer | None:
    match message.call:
        case jobs.Take(operator=operator, items=items, min_reward=reward, min_until=until):
            ranges = [
                Shards(job_id=i.job_id, first_shard=i.first_shard, count=i.count)
                for i in map(unpack_item, items)
            ]
            return batch_calls.take(facts, caller, operator, ranges, min_reward=reward, min_until=until)
        case jobs.Claim(batch_id=batch_id, leaves=words):
            packed = b"".join(words)
            leaves = [leaf_at(packed, index) for index in range(len(words) // 3)]
            return batch_calls.claim_leaves(facts, caller, batch_id, leaves)
        case jobs.Finalize(batch_id=batch_id):
            answer = batch_calls.finalize(facts, caller, batch_id)
            if isinstance(answer, Ready) and message.call.items:  # given, but not needed
                return Ready(call=message.call)
            return answer if message.call.items else None
        case jobs.FinalizeLeaf(claim_id=claim_id):
            return batch_calls.finalize_leaf(facts, caller, claim_id)
        case jobs.Expire(batch_id=batch_id):
            return batch_calls.expire(facts, caller, batch_id)
        case jobs.Release(batch_id=batch_id):
            return batch_calls.release(facts, caller, batch_id)
        case _:
            return None


def _of_results(facts: Facts, caller: Caller, message: Message) -> Answer | None:
    match message.call:
        case results.WriteOut(claim_id=claim_id):
            return job_calls.write_out(facts, caller, claim_id)
        case results.Feed(job_id=job_id, slot_nodes=slot_nodes):
            return job_calls.feed(facts, caller, job_id, slot_nodes)
        case results.CallBack(job_id=job_id):
            return job_calls.call_back(facts, caller, job_id)
        case _:
            return None


def _of_games(facts: Facts, caller: Caller, message: Message) -> Answer | None:
    match message.call:
        case disputes.Open(claim_id=claim_id, commitment=commitment):
            return _opened(facts, caller, message, claim_id, commitment)
        case disputes.Refute(claim_id=claim_id, packed_state=packed_state):
            return game_calls.refute(facts, caller, claim_id, packed_state)
        case disputes.Adopt(game_id=game_id):
            return game_calls.adopt(facts, caller, game_id)
        case disputes.Pick(game_id=game_id, part=part):
            return game_calls.pick(facts, caller, game_id, part)
        case disputes.Reveal(game_id=game_id):
            call = message.call
            root, after, cycles = call.memory_root, call.after, call.cycles
            return game_calls.reveal(facts, caller, game_id, after=after, cycles=cycles, memory_root=root)
        case disputes.Settle(game_id=game_id):
            return game_calls.settle(facts, caller, game_id)
        case disputes.Show(game_id=game_id, state_hash=state_hash):
            return game_calls.show(facts, caller, game_id, state_hash, message.call.salt)
        case disputes.Reward(game_id=game_id):
            return game_calls.reward(facts, caller, game_id)
        case disputes.WithdrawTo(receiver=receiver):
            return game_calls.withdraw_bonds(facts, caller, receiver)
        case _:
            return None


def _opened(
    facts: Facts, caller: Caller, message: Message, claim_id: LeafId, commitment: Bytes32
) -> Answer | None:
    """The commitment is made of what the challenger keeps to itself."""
    answer = game_calls.open_game(facts, caller, claim_id, commitment, SALT)
    if isinstance(answer, Ready) and isinstance(answer.call, disputes.Open):
        assert isinstance(message.call, disputes.Open)
        same = answer.call.claim_id, answer.call.terms, answer.call.proof
        assert same == (message.call.claim_id, message.call.terms, message.call.proof)
        return Ready(call=message.call, value_wei=answer.value_wei)
    return answer
