"""Players that see only events and make their calls only by builders; what they compute is their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from tests.contracts.runs import Run
from tests.protocol.settlement.facts import beliefs
from tests.protocol.settlement.facts.early_splits import early_split, early_split_of_sponsor
from tests.protocol.settlement.facts.keepers import SLOT_LEVEL, kept
from tests.protocol.settlement.world import DELEGATES, KEEPER, OPERATORS, PARAMETERS, REQUESTERS, START_TIME
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, TaskId, task_of
from truestep.protocol.bisection import first_disagreement
from truestep.protocol.settlement.contracts.disputes import Descend, Game
from truestep.protocol.settlement.contracts.results import CallBack
from truestep.protocol.settlement.facts import batch_calls, game_calls, job_calls
from truestep.protocol.settlement.facts.batch_calls import Shards
from truestep.protocol.settlement.facts.due import ANYBODY, Action, Due, due, owed
from truestep.protocol.settlement.facts.fold import fold_with_gaps
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.facts.views import claim_view, game_view
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import (
    ALL_ROLES,
    NATIVE,
    NOBODY,
    LeafGameId,
    LeafId,
    Role,
    claim_of,
    unpack_item,
)
from truestep.protocol.settlement.jobs import program_hash, source_of
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.records import BatchStage, Order, Work
from truestep.protocol.state_numbers import run_number_of

SALT = Bytes32(b"salt" * 8)
CHALLENGERS = (KEEPER, *DELEGATES, REQUESTERS[0])
DELEGATE = DELEGATES[0]
OPEN_JOBS = 5


class Chain(Protocol):
    """What executes calls and gives events."""

    def send(self, message: Message) -> list[Logged]:
        """Execute a call. Raises Refused, and then nothing has changed."""
        ...


@dataclass(slots=True)
class Players:
    """All of them; each knows the facts, and what it believes of tasks and claims."""

    label: str
    rng: Random
    chain: Chain
    facts: Facts
    now: int = START_TIME
    consumers: tuple[Address, ...] = (NOBODY, KEEPER)
    callback_failures: float = 0.5
    idleness: float = 0.0
    """Of defenders that could move."""
    tally: Counter[str] = field(default_factory=Counter)
    logs: list[Logged] = field(default_factory=list)
    said: dict[LeafId, Run] = field(default_factory=dict)
    """What the operator of a claim has to stand for."""
    planned: dict[tuple[LeafId, TaskId], Run] = field(default_factory=dict)
    """What will be claimed, since it was split before."""
    proofs: dict[LeafId, bytes] = field(default_factory=dict)
    """Packed states that refute claims."""
    absurd: set[LeafId] = field(default_factory=set)
    """Claims that are false by themselves."""
    committed: dict[tuple[LeafId, Address], Bytes32] = field(default_factory=dict)

    def caller(self, account: Address) -> Caller:
        """Somebody, now."""
        return Caller(account=account, now=self.now)

    def do(self, name: str, account: Address, answer: Answer, *, is_sure: bool = False) -> bool:
        """Make the call that a builder made, which nobody may refuse then. Whether there was one."""
        if isinstance(answer, Reject):
            assert not is_sure, f"{name}: {answer}"
            self.tally[f"{name}: {answer}"] += 1
            return False
        message = Message(
            sender=account,
            now=self.now,
            call=answer.call,
            value_wei=answer.value_wei,
            stranger=self._stranger(answer.call),
        )
        logs = self.chain.send(message)
        self.logs += logs
        self.facts, gaps = fold_with_gaps(self.facts, logs)
        assert not gaps, f"no event is missing before {gaps}"
        self.tally[name] += 1
        return True

    def _stranger(self, call: object) -> Stranger:
        """Consumers fail sometimes."""
        fails = isinstance(call, CallBack) and self.rng.random() < self.callback_failures
        return Stranger.REFUSES if fails else Stranger.WILLING

    def act(self) -> None:
        """Something that somebody might do."""
        self._pass_time()
        while True:
            makers = self._makers()
            (maker,) = self.rng.choices(list(makers), weights=list(makers.values()))
            if maker():
                return

    def _makers(self) -> dict[Callable[[], bool], float]:
        return {
            self.deposit: 1,
            self.delegate: 0.3,
            self.register: 2,
            self._post: 4,
            self.post_reducer: 1,
            self.top_up: 1,
            self.cancel: 1,
            self.take: 10,
            self.release: 0.3,
            self.claim: 6,
            self.challenge: 15,
            self.refute: 2,
            self.keep: 8,
            self.move: 30,
            self.show: 6,
            self.withdraw: 2,
            self.withdraw_stake: 0.3,
        }

    def _pass_time(self) -> None:
        kind = self.rng.random()
        if kind < 0.7:
            return
        if kind < 0.95:
            self.now += self.rng.choice((1, 1, 2, 5))
            return
        ends = [known.batch.until for known in self.facts.batches.values()]
        ends += [known.job.deadline for known in self.facts.jobs.values()]
        views = [view for g in self.facts.games if (view := game_view(self.facts, g, self.now)) is not None]
        ends += [view.last_second for view in views]
        ends += [view.rescue_end for view in views if view.rescue_end is not None]
        ahead = sorted(end for end in ends if self.now <= end)
        if ahead:
            self.now = max(self.now, self.rng.choice(ahead[:4]) + self.rng.choice((-1, 0, 1, 1)))

    # --- requesters and operators -----------------------------------------------------------------

    def deposit(self) -> bool:
        operator = self.rng.choice(OPERATORS)
        amount_wei = self.rng.randrange(1, 40) * PARAMETERS.operator_bond_wei
        caller = self.caller(KEEPER)
        return self.do("deposit_for", KEEPER, job_calls.deposit_for(self.facts, caller, operator, amount_wei))

    def delegate(self) -> bool:
        operator, roles = self.rng.choice(OPERATORS), self.rng.choice((ALL_ROLES, Role.MOVE, 0))
        caller = self.caller(operator)
        return self.do("set_delegate", operator, job_calls.set_delegate(self.facts, caller, DELEGATE, roles))

    def withdraw_stake(self) -> bool:
        operator, amount_wei = self.rng.choice(OPERATORS), self.rng.choice((1, 10**16, 10**18))
        answer = job_calls.withdraw_stake(self.facts, self.caller(operator), operator, amount_wei)
        return self.do("withdraw_stake", operator, answer)

    def register(self) -> bool:
        registered = {program.image_root for program in self.facts.programs}
        missing = [root for root in beliefs.WORDS if root not in registered]
        if not missing:
            return False
        owner, call = REQUESTERS[0], beliefs.registration(missing[0])
        return self.do("register", owner, job_calls.register(self.facts, self.caller(owner), call))

    def post_reducer(self) -> bool:
        sources = [job_id for job_id, known in self.facts.jobs.items() if not known.job.terms.reducer_of]
        if not sources:
            return False
        return self._post(reducer_of=self.rng.choice(sources) << 8 | SLOT_LEVEL)

    def _post(self, *, reducer_of: int = 0) -> bool:
        if not self.facts.programs or len(self.facts.jobs) >= OPEN_JOBS + 2 * bool(reducer_of):
            return False
        program_id = ProgramId(self.rng.randrange(1, len(self.facts.programs) + 1))
        source = self.facts.jobs[source_of(reducer_of)] if reducer_of else None
        order = Order(
            program_id=program_id,
            program_hash=program_hash(self.facts.programs[program_id - 1]),
            input_root=source.job.digest if source is not None else beliefs.INPUT_ROOT,
            input_size=0 if reducer_of else len(beliefs.INPUT),
            input_uri="ipfs://input",
            seed=Bytes32(beliefs.SEED),
            shard_count=1 if reducer_of else beliefs.SHARD_COUNT,
            reward=self.rng.choice((0, 1, 10**15)),
            asset=NATIVE,
            lease_seconds=self.rng.choice((60, 600)),
            deadline=self.now + self.rng.choice((60, 3_600, 86_400)),
            window_seconds=0,
            bond_multiple=self.rng.choice((1, 1, 3)),
            policy=1,
            parameters_id=len(self.facts.parameters),
            consumer=self.rng.choice(self.consumers),
            callback_gas=100_000,
            reducer_of=reducer_of,
        )
        requester = self.rng.choice(REQUESTERS)
        return self.do("post", requester, job_calls.post(self.facts, self.caller(requester), order))

    def top_up(self) -> bool:
        job_id = self.rng.choice([*self.facts.jobs, JobId(self.facts.job_count + 1)])
        answer = job_calls.top_up(self.facts, self.caller(KEEPER), job_id, 10**6)
        return self.do("top_up", KEEPER, answer)

    def cancel(self) -> bool:
        if self.rng.random() < 0.8 or not self.facts.jobs:
            return False
        job_id = self.rng.choice([*self.facts.jobs])
        account = self.rng.choice((*REQUESTERS, KEEPER))
        if self.rng.random() < 0.2:
            return self.do("close", account, job_calls.close(self.facts, self.caller(account), job_id))
        shards = [self.rng.randrange(beliefs.SHARD_COUNT)]
        return self.do("cancel", account, job_calls.cancel(self.facts, self.caller(account), job_id, shards))

    def take(self) -> bool:
        jobs = [j for j, known in self.facts.jobs.items() if known.job.is_ready or self.rng.random() < 0.05]
        chosen = self.rng.sample(jobs, min(len(jobs), self.rng.choice((1, 1, 2, 3))))
        ranges: list[Shards] = []
        for job_id in chosen:
            count = self.facts.jobs[job_id].job.work.shard_count
            first = self.rng.randrange(count)
            ranges.append(
                Shards(job_id=job_id, first_shard=first, count=self.rng.randrange(1, count - first + 1))
            )
        operator = self.rng.choice(OPERATORS)
        account = self.rng.choice((operator, operator, DELEGATE))
        answer = batch_calls.take(self.facts, self.caller(account), operator, ranges)
        if isinstance(answer, Ready) and self.rng.random() < 0.3:
            self._split_early(operator, ranges[0])
        return self.do("take", account, answer)

    def _split_early(self, operator: Address, shards: Shards) -> None:
        """Split the first node of what will be claimed of the first task, before anything is taken (S6.4)."""
        job, task_id = self.facts.jobs[shards.job_id].job, task_of(shards.job_id, shards.first_shard)
        if job.terms.reducer_of:
            return
        claim_id = claim_of(BatchId(self.facts.batch_count + 1), 0)
        lie = beliefs.false_run(self.rng, task_id, job.work)
        self.planned[claim_id, task_id] = lie
        self.do("split early", operator, early_split(self.facts, claim_id, operator, lie))

    def release(self) -> bool:
        return self._on_taken("release", batch_calls.release)

    def _on_taken(self, name: str, build: Callable[[Facts, Caller, BatchId], Answer]) -> bool:
        taken = [b for b, known in self.facts.batches.items() if known.batch.stage is BatchStage.TAKEN]
        if not taken:
            return False
        batch_id = self.rng.choice(taken)
        account = self.facts.batches[batch_id].batch.operator
        return self.do(name, account, build(self.facts, self.caller(account), batch_id))

    def claim(self) -> bool:
        return self._on_taken("claim", self._claim)

    def _claim(self, facts: Facts, caller: Caller, batch_id: BatchId) -> Answer:
        leaves, runs, proofs = [], {}, {}
        for item in map(unpack_item, facts.batches[batch_id].batch.items):
            work = facts.jobs[item.job_id].job.work
            for leaf_index in range(item.offset, item.offset + item.count):
                task_id, claim_id = item.task(leaf_index), claim_of(batch_id, leaf_index)
                runs[claim_id] = self._run_to_claim(claim_id, task_id, work)
                leaf = leaf_of_state(runs[claim_id].claimed)
                if self.rng.random() < 0.05:
                    leaf, proofs[claim_id] = beliefs.absurd_leaf(self.rng, runs[claim_id], work)
                leaves.append(leaf)
        if not proofs and not any(self._is_reducer(facts, claim_id) for claim_id in runs):
            answer = batch_calls.claim(facts, caller, batch_id, [made.claimed for made in runs.values()])
        else:
            answer = batch_calls.claim_leaves(facts, caller, batch_id, leaves)
        if isinstance(answer, Ready):
            self.said |= runs
            self.proofs |= proofs
            self.absurd |= proofs.keys()
        return answer

    def _run_to_claim(self, claim_id: LeafId, task_id: TaskId, work: Work) -> Run:
        planned = self.planned.get((claim_id, task_id))
        if planned is not None:
            return planned
        is_lie = self.rng.random() < 0.3
        return beliefs.false_run(self.rng, task_id, work) if is_lie else beliefs.true_run(task_id, work)

    def _is_reducer(self, facts: Facts, claim_id: LeafId) -> bool:
        items = map(unpack_item, facts.batches[BatchId(claim_id >> 8)].batch.items)
        (job_id,) = [item.job_id for item in items if item.has_leaf(claim_id & 255)]
        return bool(facts.jobs[job_id].job.terms.reducer_of)

    # --- challengers ------------------------------------------------------------------------------

    def _some_claim(self) -> LeafId | None:
        found = [
            claim_of(batch_id, leaf_index)
            for batch_id, known in self.facts.batches.items()
            for leaf_index in range(known.batch.leaf_count)
            if known.batch.stage is not BatchStage.TAKEN
        ]
        return self.rng.choice(found) if found else None

    def _believed(self, claim_id: LeafId) -> Run | None:
        """What a challenger's own run gives; None for reducers, whose runs nobody here knows."""
        view = claim_view(self.facts, claim_id)
        if view is None or self._is_reducer(self.facts, claim_id):
            return None
        return beliefs.true_run(view.task_id, view.work)

    def challenge(self) -> bool:
        claim_id = self._some_claim()
        believed = self._believed(claim_id) if claim_id is not None else None
        view = claim_view(self.facts, claim_id) if claim_id is not None else None
        if claim_id is None or believed is None or view is None:
            return False
        known_hash = believed.claimed.state_hash()
        if claim_id not in self.absurd:
            assert view.state == self.said[claim_id].claimed
        if view.state == believed.claimed and self.rng.random() < 0.9:
            return False
        account = self.rng.choice((*CHALLENGERS, *OPERATORS))
        if self.rng.random() < 0.1:
            known_hash = Bytes32(b"?" * 32)
        answer = game_calls.open_game(self.facts, self.caller(account), claim_id, known_hash, SALT)
        if isinstance(answer, Ready):
            self.committed[claim_id, account] = known_hash
        return self.do("open", account, answer)

    def refute(self) -> bool:
        claim_id = self.rng.choice([*self.proofs]) if self.proofs else None
        if self.rng.random() < 0.2:
            claim_id = self._some_claim()
        if claim_id is None:
            return False
        packed = self.proofs.get(claim_id, b"")
        answer = game_calls.refute(self.facts, self.caller(KEEPER), claim_id, packed)
        done = self.do("refute", KEEPER, answer)
        if done or answer is not Reject.LEAF_NOT_REFUTED:
            self.proofs.pop(claim_id, None)
        return done

    def move(self) -> bool:
        """One of all moves that are somebody's."""
        moves = {Action.SPLIT, Action.PICK, Action.STEP, Action.REVEAL}
        accounts = {game.defender for game in self.facts.games.values()}
        accounts |= {game.challenger for game in self.facts.games.values()}
        found = [
            (account, each)
            for account in sorted(accounts | {DELEGATE})
            for each in due(self.facts, account, self.now)
            if each.action in moves
        ]
        if not found:
            return False
        account, each = self.rng.choice(found)
        game_id = LeafGameId(each.subject)
        if each.action in (Action.SPLIT, Action.REVEAL) and self.rng.random() < self.idleness:
            return False
        build = {
            Action.SPLIT: self._split,
            Action.PICK: self._pick,
            Action.STEP: self._step,
            Action.REVEAL: self._reveal,
        }[each.action]
        answer = build(self.caller(account), game_id)
        is_descent = isinstance(answer, Ready) and isinstance(answer.call, Descend)
        is_sure = answer is not Reject.STEP_OTHER_STATE  # after a pick at random
        return self.do("descend" if is_descent else each.action, account, answer, is_sure=is_sure)

    def _asserted(self, game: Game, claim_id: LeafId) -> Run:
        """What the defender stands for; a sponsor has no other run than the operator's."""
        asserted = self.said[claim_id]
        return beliefs.stubborn(Random(claim_id), asserted) if claim_id % 3 == 0 else asserted

    def _split(self, caller: Caller, game_id: LeafGameId) -> Answer:
        view = game_view(self.facts, game_id, self.now)
        assert view is not None
        assert view.hashes is None
        asserted = self._asserted(view.game, claim_of_game_id(game_id))
        hashes = [Bytes32(asserted.hash_at(number)) for number in view.numbers[1:-1]]
        return game_calls.split(self.facts, caller, game_id, hashes)

    def _pick(self, caller: Caller, game_id: LeafGameId) -> Answer:
        view = game_view(self.facts, game_id, self.now)
        assert view is not None
        assert view.hashes is not None
        believed = self._true_run_of(view.game)
        own = [believed.hash_at(number) for number in view.numbers]
        part = len(own) - 2
        if self.rng.random() < 0.9:
            try:
                part = first_disagreement(view.hashes, own)
            except ValueError:  # the claim is true
                part = self.rng.randrange(len(own) - 1)
        return game_calls.pick(self.facts, caller, game_id, part)

    def _true_run_of(self, game: Game) -> Run:
        job = self.facts.jobs[JobId(game.task_id >> 32)].job
        return beliefs.true_run(game.task_id, job.work)

    def _step(self, caller: Caller, game_id: LeafGameId) -> Answer:
        game = self.facts.games[game_id]
        believed = self._true_run_of(game)
        runs = [self._asserted(game, claim_of_game_id(game_id)), believed]
        witnesses = [made.witness_at(game.low) for made in runs if made.hash_at(game.low) == game.low_hash]
        witness = witnesses[-1] if witnesses else believed.witness_at(game.low)
        answer = game_calls.step(self.facts, caller, game_id, witness)
        if answer is Reject.STEP_IS_FLOAT:
            return game_calls.descend(self.facts, caller, game_id, witness)
        return answer

    def _reveal(self, caller: Caller, game_id: LeafGameId) -> Answer:
        game = self.facts.games[game_id]
        asserted = self._asserted(game, claim_of_game_id(game_id))
        index = run_number_of(game.low)
        shown = asserted.micro_run_at(index)
        return game_calls.reveal(
            self.facts,
            caller,
            game_id,
            after=asserted.states[index + 1].pack(),
            cycles=shown.cycles,
            memory_root=Bytes32(shown.memory_root),
        )

    def show(self) -> bool:
        for account in CHALLENGERS:
            for each in due(self.facts, account, self.now):
                if each.action is Action.SHOW:
                    return self._show(account, LeafGameId(each.subject))
        return False

    def _show(self, account: Address, game_id: LeafGameId) -> bool:
        known_hash = self.committed[claim_of_game_id(game_id), account]
        answer = game_calls.show(self.facts, self.caller(KEEPER), game_id, known_hash, SALT)
        return self.do("show", KEEPER, answer, is_sure=True)

    def keep(self) -> bool:
        """One of the things that anybody can do: there is always a call for it."""
        found = [each for each in due(self.facts, KEEPER, self.now) if each.action in ANYBODY]
        adoptable = self.rng.random() < 0.4
        found = [each for each in found if adoptable or each.action is not Action.ADOPT]
        if not found:
            return False
        return self.keep_one(self.rng.choice(found))

    def keep_one(self, each: Due) -> bool:
        """Do what is due. A sponsor may have split the node before it adopts a game."""
        if each.action is Action.ADOPT and self.rng.random() < 0.5:
            game_id = LeafGameId(each.subject)
            claim_id, game = claim_of_game_id(game_id), self.facts.games[game_id]
            split = early_split_of_sponsor(self.facts, game_id, KEEPER, self._asserted(game, claim_id))
            self.do("split early", KEEPER, split)
        answer = kept(self.facts, self.caller(KEEPER), each)
        is_sure = answer is not Reject.REDUCER_SLOT  # a lie that nobody has challenged
        return self.do(each.action, KEEPER, answer, is_sure=is_sure)

    def withdraw(self) -> bool:
        accounts = {account for _, account in self.facts.credits} | {*self.facts.bond_credits}
        if not accounts:
            return False
        account = self.rng.choice(sorted(accounts))
        each = self.rng.choice(owed(self.facts, account))
        if each.is_of_disputes:
            answer = game_calls.withdraw_bonds(self.facts, self.caller(account), account)
        else:
            answer = job_calls.withdraw(self.facts, self.caller(account), each.asset, account)
        return self.do("withdraw", account, answer, is_sure=True)

    def wind_down(self) -> Iterator[str]:
        """What keepers do until everything is over, and withdrawals; a word for each call."""
        idle_days = 0
        while idle_days < 400:
            found = [each for each in due(self.facts, KEEPER, self.now) if each.action in ANYBODY]
            found = [each for each in found if each.action not in (Action.ADOPT, Action.FEED)]
            if found:
                self.keep_one(found[0])
                yield found[0].action
            else:
                self.now, idle_days = self.now + 86_400, idle_days + 1
                if not (self.facts.jobs or self.facts.batches or self.facts.games):
                    break
        while self.withdraw():
            yield "withdraw"
