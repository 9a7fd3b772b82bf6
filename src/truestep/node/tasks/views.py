"""The view that a role decides by, put together from the ledger, the chain and this node's results."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from truestep.base.errors import Unavailable
from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of_claim,
)
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.node.chain.duties import Duties
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.commitments import Commitments
from truestep.node.tasks.openings import open_tasks
from truestep.node.tasks.queue import TaskQueue
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import TaskTerms, task_terms
from truestep.ports.chain import Balances, Chain, Head, Records
from truestep.protocol.availability.kept import GONE, THERE
from truestep.protocol.availability.kept_state import NOTHING_KEPT
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.events import TaskClaimed
from truestep.protocol.records import GameRecord, JobRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.protocol.settlement.tasks.ids import leaf_of
from truestep.roles.views import ClaimView, GameView, KeepingView, TaskView, View

BALANCES_SECONDS = 12
"""The greatest age of balances, in the chain's time; contracts and the sender check them again."""


class ViewBuilder:
    """Makes views for one account, and for the operator that it acts for."""

    def __init__(
        self,
        chain: Chain,
        indexer: Indexer,
        results: Results,
        queue: TaskQueue,
        commitments: Commitments,
        operator: Address | None = None,
    ) -> None:
        """`operator`: whom the account acts for, if not for itself."""
        self._chain = chain
        self._indexer = indexer
        self._results = results
        self._queue = queue
        self._commitments = commitments
        self._duties = Duties(chain)
        self.operator = operator or chain.account
        self._asked_at: Bytes32 | None = None
        self._balances: Balances | None = None
        self._operators_balances: Balances | None = None
        self._operators_balances_until = 0
        self._balances_until = 0
        self._open_game_counts: dict[ClaimId, int] = {}
        self._terms: dict[TaskId, TaskTerms] = {}
        self._verdicts: dict[ClaimId, bool] = {}

    @property
    def ledger(self) -> Ledger:
        """What the events add up to."""
        return self._indexer.ledger

    def terms(self, task_id: TaskId) -> TaskTerms:
        """A task with its job and program."""
        job = self.ledger.jobs[job_of_task(task_id)]
        program = self.ledger.programs[job.program_id]
        known = self._terms.get(task_id)
        is_same = known is not None and known.job is job and known.program is program
        if known is None or not (is_same or (known.job, known.program) == (job, program)):
            known = self._terms[task_id] = task_terms(task_id, job, program)
        return known

    def forget_except(self, task_ids: Collection[TaskId]) -> None:
        """Drop what is kept of other tasks."""
        self._terms = {task_id: terms for task_id, terms in self._terms.items() if task_id in task_ids}
        claims = self.ledger.claims
        self._verdicts = {
            claim_id: is_true for claim_id, is_true in self._verdicts.items() if claim_id in claims
        }

    def forget_balances(self) -> None:
        """They have changed: ask for them again."""
        self._balances_until = 0

    @property
    def stakes(self) -> Balances | None:
        """What the operator has, as it was asked for last."""
        return self._balances if self.operator == self._chain.account else self._operators_balances

    def wants_balances(self, now: int) -> bool:
        """Whether they are not known, or were read too long ago."""
        return self._balances is None or now >= self._balances_until

    def take_in(self, records: Records, head: Head, now: int) -> None:
        """What was read along with something else is not asked for again."""
        self._forget_what_changed()
        self._asked_at, self._open_game_counts = head.hash, dict(records.open_game_counts)
        if records.balances is not None:
            self._keep_balances(records.balances, now)

    def is_known_true(self, task: TaskRecord) -> bool:
        """Whether this node has found a standing claim to be true: there is nothing to do about it."""
        if (known := self._verdicts.get(task.claim_id)) is not None:
            return known
        claim = self.ledger.claims.get(task.claim_id)
        if claim is None:
            return False
        agreed = self._results.agreed_mark(task.claim_id)
        if agreed and agreed == self._mark(task.task_id, claim):
            self._verdicts[task.claim_id] = True
            return True
        run = self.terms(task.task_id).run
        own = self._results.hashes(run).get(claim.claimed.cycle)
        if own is None or claim.is_malformed:
            return False
        is_halted = keccak256(self._results.halted_state(run)) == own
        says_halted = claim.claimed.status is not Status.RUNNING
        is_true = own == claim.claimed.state_hash() and is_halted <= says_halted  # S5.4
        self._verdicts[task.claim_id] = is_true
        if is_true:
            self._results.agree(task.claim_id, self._mark(task.task_id, claim), run)
        return is_true

    def can_be_refuted(self, task: TaskRecord) -> bool:
        """Whether a standing claim may be one that can be refuted until its batch ends (S5.4)."""
        claim = self.ledger.claims.get(task.claim_id)
        return claim is not None and (claim.is_malformed or claim.claimed.status is Status.RUNNING)

    def stopped_until(self) -> int:
        """Until when claims are open to challenges, if their windows end before (S6.1)."""
        return self._chain.stopped_until()

    def has_agreed(self, claim_id: ClaimId) -> bool:
        """Whether this node has found a claim to be true, as far as it looked."""
        return self._verdicts.get(claim_id, False)

    def _mark(self, task_id: TaskId, claim: TaskClaimed) -> str:
        """Names the run, by what its first state is made of, and what is claimed of it: in one hash."""
        job = self.ledger.jobs[job_of_task(task_id)]
        program = self.ledger.programs[job.program_id]
        run = (program.image_root, program.entry, job.header(shard_of_task(task_id)), job.input_root)
        return keccak256(repr((run, job.max_cycles, claim.claimed)).encode()).hex()

    def view(
        self,
        tasks: Sequence[TaskRecord],
        head: Head,
        now: int,
        in_flight: frozenset[str],
        *,
        has_duties: bool = True,
    ) -> View:
        """Everything about `tasks` and the account.

        `has_duties`: whether duties are listed; while the past is read, most of them are done already.
        """
        account = self._chain.account
        is_new = self._asked_at != head.hash
        if is_new:
            self._asked_at, self._open_game_counts = head.hash, {}
        self._forget_what_changed()
        balances = self._known_balances(account, now, is_new=is_new)
        stake = self._known_operators_balances(balances)
        games = self._own_games(now)
        due = self._duties.at(head, now) if has_duties else ()
        return View(
            now=now,
            account=account,
            operator=self.operator,
            wallet_wei=balances.wallet_wei,
            free_stake_wei=stake.lockable_wei,
            capped_wei=stake.free_stake_wei - stake.lockable_wei,
            rewards_wei=balances.rewards_wei,
            winnings_wei=balances.winnings_wei,
            tokens=balances.tokens,
            owed_for_data=balances.for_data,
            keeping=self._keeping(),
            tasks=tuple(self._task_view(task, games, now) for task in tasks),
            stopped_until=self._chain.stopped_until(),
            in_flight=in_flight,
            has_room=self._queue.has_room(),
            struck_count=sum(operator == self.operator for operator in self.ledger.struck.values()),
            failed_count=sum(operator == self.operator for operator in self.ledger.failed.values()),
            pace=self._queue.pace,
            duties=due,
            commitments=self._commitments.state_hashes(),
            agreed=self._agreed(due),
        )

    def _keeping(self) -> KeepingView | None:
        facts = self._chain.facts()
        if facts.keeping is None:
            return None
        policy = facts.keeping.policy
        own = [
            facts.kept.batch(batch_id).item_id
            for batch_id, known in facts.batches.items()
            if known.batch.policy == policy and known.batch.operator == self.operator
            if known.batch.stage in (BatchStage.TAKEN, BatchStage.CLAIMED)
        ]
        kept = sum(item == NOTHING_KEPT or facts.data.standing(item).state in THERE for item in own)
        return KeepingView(
            policy=policy,
            rules=facts.keeping.rules,
            keeper_count=len(facts.data.keepers),
            undelivered_count=len(own) - kept,
        )

    def _agreed(self, due: Iterable[Duty]) -> frozenset[ClaimId]:
        kinds = (Action.FAIL, Action.DOOM)
        failing = [each.claim_id for each in due if each.action in kinds and each.claim_id is not None]
        tasks = {claim_id: self.ledger.task(task_of_claim(claim_id)) for claim_id in failing}
        return frozenset(claim_id for claim_id, task in tasks.items() if self.is_known_true(task))

    def _known_balances(self, account: Address, now: int, *, is_new: bool) -> Balances:
        """Asked for now and then; if that fails, the last ones must do."""
        known = self._balances
        if known is not None and (now < self._balances_until or not (is_new or not self._balances_until)):
            return known
        try:
            return self._keep_balances(self._chain.balances(account), now)
        except Unavailable:
            if known is None:
                raise
        return self._keep_balances(known, now)

    def _keep_balances(self, balances: Balances, now: int) -> Balances:
        self._balances, self._balances_until = balances, now + BALANCES_SECONDS
        return balances

    def _known_operators_balances(self, own: Balances) -> Balances:
        """What the operator has, asked for as often as what the account has."""
        if self.operator == self._chain.account:
            return own
        known = self._operators_balances
        if known is not None and self._operators_balances_until == self._balances_until:
            return known
        try:
            known = self._operators_balances = self._chain.balances(self.operator)
        except Unavailable:
            if known is None:
                raise
        self._operators_balances_until = self._balances_until
        return known

    def _forget_what_changed(self) -> None:
        """What events came about, or were undone by a reorganisation, is asked for or found out again."""
        changes = self.ledger.drain_changes()
        self._duties.take_in(changes, {task_of_claim(each) for each, _ in self._commitments.state_hashes()})
        if changes.tasks or changes.jobs:
            self._verdicts = {
                claim_id: known
                for claim_id, known in self._verdicts.items()
                if (task_id := task_of_claim(claim_id)) not in changes.tasks
                and job_of_task(task_id) not in changes.jobs
            }

    def _own_games(self, now: int) -> dict[GameId, GameRecord]:
        """The games in which the account has a part, or its operator, as they stand at a second."""
        own = {*self.ledger.games_of(self._chain.account), *self.ledger.games_of(self.operator)}
        return self._chain.games([game.game_id for game in own], now) if own else {}

    def open_tasks(
        self, now: int, each_job_limit: int, is_wanted: Callable[[JobRecord, int], bool]
    ) -> list[TaskRecord]:
        """Some tasks to take. `is_wanted` is told a job and its program's code size, 0 if unknown."""
        return open_tasks(self.ledger, self._queue, self.operator, now, each_job_limit, is_wanted)

    def _task_view(self, task: TaskRecord, games: Mapping[GameId, GameRecord], now: int) -> TaskView:
        has_ended = self._has_batch_ended(task, now)
        terms = self.terms(task.task_id)
        run = terms.run
        claims = self.ledger.claims_in_question(task.task_id)
        return TaskView(
            program=terms.program,
            job=terms.job,
            task=task,
            claims=tuple(self._claim_view(claim, games, has_ended) for claim in claims),
            material=self._queue.material(terms.source),
            own_run=self._results.own_run(run),
            hashes=self._results.hashes(run),
            witnesses=self._results.witnesses(run),
            reveals=self._results.reveals(run),
            halted_state=self._results.halted_state(run),
            run=run.end,
            is_computing=self._queue.is_computing(run),
            run_failure=self._queue.run_failure(run),
            slowness=self._queue.slowness(terms.program, terms.job.lease_seconds),
            distrust=self._queue.distrust(terms.program),
            is_data_gone=self._is_data_gone(terms.job),
            output_bytes=self._queue.output_bytes(terms),
            is_proven=self._queue.is_proven(terms.program),
        )

    def _is_data_gone(self, job: JobRecord) -> bool:
        if job.policy != KEPT:
            return False
        facts = self._chain.facts()
        items = facts.kept.supplied.get(job.job_id, ())
        return any(facts.data.standing(item_id).state in GONE for item_id in items)

    def _has_batch_ended(self, task: TaskRecord, now: int) -> bool:
        """Whether a claim is open after the end of its batch. No batch ends before its window."""
        is_late = task.stage is TaskStage.CLAIMED and now > task.until
        return is_late and not self._chain.is_claimed(task.batch_id)

    def _claim_view(
        self, claim: TaskClaimed, games: Mapping[GameId, GameRecord], has_batch_ended: bool
    ) -> ClaimView:
        opened = self.ledger.games_on(claim.claim_id)
        known = [games[game.game_id] for game in opened if game.game_id in games]
        return ClaimView(
            claim_id=claim.claim_id,
            operator=claim.operator,
            claimed=claim.claimed,
            is_malformed=claim.is_malformed,
            has_batch_ended=has_batch_ended,
            open_game_count=self._open_game_counts.get(claim.claim_id, len(opened)),
            games=tuple(GameView(record=record) for record in known),
            is_proven=self._has_proof(claim.claim_id),
        )

    def _has_proof(self, claim_id: ClaimId) -> bool:
        facts = self._chain.facts()
        leaf_id = leaf_of(facts, claim_id) if facts.proofs else None
        return leaf_id is not None and leaf_id in facts.proofs
