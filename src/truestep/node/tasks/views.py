"""The view that a role decides by, put together from the ledger, the chain and this node's results."""

from collections.abc import Callable, Iterable

from truestep.base.ids import Address, Bytes32, ClaimId, GameId, job_of_task, task_of
from truestep.commitments.keccak import keccak256
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.queue import TaskQueue, TaskTerms
from truestep.node.tasks.results import Results
from truestep.ports.chain import Balances, Chain, Head
from truestep.protocol.events import TaskClaimed
from truestep.protocol.records import GameRecord, JobRecord, Parameters, TaskRecord, TaskStage
from truestep.roles.views import ClaimView, GameView, MaterialStage, TaskView, View

OPEN_JOBS_LIMIT = 64
"""The best paid ones: jobs that pay nothing cannot crowd the others out."""


class ViewBuilder:
    """Makes views for one account."""

    def __init__(self, chain: Chain, indexer: Indexer, results: Results, workshop: TaskQueue) -> None:
        self._chain = chain
        self._indexer = indexer
        self._results = results
        self._workshop = workshop
        self._parameters: Parameters | None = None
        self._asked_at: Bytes32 | None = None
        self._balances: Balances | None = None
        self._games: dict[GameId, GameRecord] = {}
        self._open_game_counts: dict[ClaimId, int] = {}

    @property
    def ledger(self) -> Ledger:
        """What the events add up to."""
        return self._indexer.ledger

    def terms(self, task: TaskRecord) -> TaskTerms:
        """A task with its job and program."""
        job = self.ledger.jobs[job_of_task(task.task_id)]
        return TaskTerms(task_id=task.task_id, job=job, program=self.ledger.programs[job.program_id])

    def view(self, tasks: Iterable[TaskRecord], head: Head, now: int, in_flight: frozenset[str]) -> View:
        """Everything about `tasks` and the account."""
        account = self._chain.account
        self._forget_answers_of_other_blocks(head)
        balances = self._balances = self._balances or self._chain.balances(account)
        return View(
            now=now,
            account=account,
            parameters=self._known_parameters(),
            wallet_wei=balances.wallet_wei,
            free_stake_wei=balances.free_stake_wei,
            rewards_wei=balances.rewards_wei,
            winnings_wei=balances.winnings_wei,
            tasks=tuple(self._task_view(task, now) for task in tasks),
            in_flight=in_flight,
            has_room=self._workshop.has_room(),
            struck_count=sum(operator == account for operator in self.ledger.struck.values()),
        )

    def _forget_answers_of_other_blocks(self, head: Head) -> None:
        """What was asked at this very block need not be asked again."""
        if self._asked_at != head.hash:
            self._asked_at, self._balances = head.hash, None
            self._games, self._open_game_counts = {}, {}

    def open_tasks(
        self, now: int, each_job_limit: int, is_wanted: Callable[[JobRecord, Parameters], bool]
    ) -> list[TaskRecord]:
        """Some tasks to take: of the best paid jobs, from a shard on that differs from node to node.

        Jobs that this node would not or cannot run come last: else a few of them, well paid, hide all others.
        """
        parameters = self._known_parameters()
        jobs = [job for job in self.ledger.live_jobs() if now < job.deadline]
        ranks = {
            job.job_id: (
                not is_wanted(job, parameters) or self._is_hopeless(job),
                -job.reward_wei,
                job.job_id,
            )
            for job in jobs
        }
        jobs = sorted(jobs, key=lambda job: ranks[job.job_id])[:OPEN_JOBS_LIMIT]
        tasks: list[TaskRecord] = []
        for job in jobs:
            found = self.ledger.open_tasks(job, _first_shard(self._chain.account, job), now)
            tasks += [task for _, task in zip(range(each_job_limit), found, strict=False)]
        return tasks

    def _is_hopeless(self, job: JobRecord) -> bool:
        terms = self.terms(self.ledger.task(task_of(job.job_id, 0)))
        cannot_be_had = self._workshop.material(terms).stage in (
            MaterialStage.UNREACHABLE,
            MaterialStage.WRONG,
        )
        is_refused = self._workshop.slowness(terms) or self._workshop.distrust(terms)
        return cannot_be_had or bool(is_refused)

    def _known_parameters(self) -> Parameters:
        """The rules never change."""
        if self._parameters is None:
            self._parameters = self._chain.parameters()
        return self._parameters

    def _task_view(self, task: TaskRecord, now: int) -> TaskView:
        terms = self.terms(task)
        run = terms.initial_hash.hex()
        claims = self.ledger.claims_in_question(task.task_id)
        return TaskView(
            program=terms.program,
            job=terms.job,
            task=task,
            claims=tuple(self._claim_view(claim, task, now) for claim in claims),
            material=self._workshop.material(terms),
            own_run=self._results.own_run(run),
            hashes=self._results.hashes(run),
            witnesses=self._results.witnesses(run),
            reveals=self._results.reveals(run),
            is_computing=self._workshop.is_computing(run),
            run_failure=self._workshop.run_failure(run),
            slowness=self._workshop.slowness(terms),
            distrust=self._workshop.distrust(terms),
        )

    def _claim_view(self, claim: TaskClaimed, task: TaskRecord, now: int) -> ClaimView:
        account = self._chain.account
        opened = self.ledger.games_on(claim.claim_id)
        own = [game for game in opened if account in (game.operator, game.challenger)]
        is_ending = task.stage is TaskStage.CLAIMED and claim.operator == account and now > task.until
        must_ask = is_ending and bool(opened)
        return ClaimView(
            claim_id=claim.claim_id,
            operator=claim.operator,
            claimed=claim.claimed,
            open_game_count=self._open_game_count(claim.claim_id) if must_ask else len(opened),
            games=tuple(self._game_view(game.game_id) for game in own),
        )

    def _open_game_count(self, claim_id: ClaimId) -> int:
        if claim_id not in self._open_game_counts:
            self._open_game_counts[claim_id] = self._chain.open_game_count(claim_id)
        return self._open_game_counts[claim_id]

    def _game_view(self, game_id: GameId) -> GameView:
        record = self._games[game_id] = self._games.get(game_id) or self._chain.game(game_id)
        split = self.ledger.splits.get(game_id)
        is_present = split is not None and (split.low, split.high) == (record.low, record.high)
        return GameView(record=record, split_hashes=split.hashes if split and is_present else ())


def _first_shard(account: Address, job: JobRecord) -> int:
    """Where this node begins to look, so that nodes do not race for the same shards."""
    seed = keccak256(f"{account.lower()}/{job.job_id}".encode())
    return int.from_bytes(seed[:8], "big") % job.shard_count
