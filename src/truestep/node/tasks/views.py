"""The view that a role decides by, put together from the ledger, the chain and this node's results."""

from collections.abc import Callable, Collection, Sequence

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of_claim,
    task_of_game,
)
from truestep.commitments.keccak import keccak256
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.task_state import OpenGame
from truestep.node.tasks.openings import open_tasks
from truestep.node.tasks.queue import TaskQueue
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import TaskTerms, task_terms
from truestep.ports.chain import Balances, Chain, Head, Records
from truestep.protocol.events import TaskClaimed
from truestep.protocol.game_course import course_of, furthest
from truestep.protocol.records import (
    GameRecord,
    GameStage,
    JobRecord,
    Parameters,
    TaskRecord,
    TaskStage,
)
from truestep.roles.views import ClaimView, GameView, TaskView, View

BALANCES_SECONDS = 12
"""The greatest age of balances, in the chain's time; contracts and the sender check them again."""
GAMES_SHARE = 6
"""A game is read again after this part of its clock even without an event, because one may be hidden."""


class ViewBuilder:
    """Makes views for one account."""

    def __init__(self, chain: Chain, indexer: Indexer, results: Results, queue: TaskQueue) -> None:
        self._chain = chain
        self._indexer = indexer
        self._results = results
        self._queue = queue
        self._parameters: Parameters | None = None
        self._asked_at: Bytes32 | None = None
        self._balances: Balances | None = None
        self._balances_until = 0
        self._games: dict[GameId, GameRecord] = {}
        self._games_until: dict[GameId, int] = {}
        self._courses: dict[GameId, GameRecord | None] = {}
        self._splits: dict[tuple[GameId, int, int], tuple[Bytes32, ...]] = {}
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
        claims, games = self.ledger.claims, self.ledger.games
        self._verdicts = {
            claim_id: is_true for claim_id, is_true in self._verdicts.items() if claim_id in claims
        }
        self._games = {game_id: game for game_id, game in self._games.items() if game_id in games}
        self._splits = {key: hashes for key, hashes in self._splits.items() if key[0] in games}
        self._courses = {game_id: game for game_id, game in self._courses.items() if game_id in games}

    def forget_balances(self) -> None:
        """They have changed: ask for them again."""
        self._balances_until = 0

    def wants_balances(self, now: int) -> bool:
        """Whether they are not known, or were read too long ago."""
        return self._balances is None or now >= self._balances_until

    def take_in(self, records: Records, head: Head, now: int) -> None:
        """What was read along with something else is not asked for again."""
        self._forget_what_changed()
        self._keep_games(records.games, now)
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
        mark = self._mark(task.task_id, claim)
        if self._results.has_agreed(task.claim_id, mark):
            self._verdicts[task.claim_id] = True
            return True
        run = self.terms(task.task_id).run
        own = self._results.hashes(run).get(claim.claimed.cycle)
        if own is None:
            return False
        is_true = self._verdicts[task.claim_id] = own == claim.claimed.state_hash()
        if is_true:
            self._results.agree(task.claim_id, mark, run)
        return is_true

    def has_agreed(self, claim_id: ClaimId) -> bool:
        """Whether this node has found a claim to be true, as far as it looked."""
        return self._verdicts.get(claim_id, False)

    def _mark(self, task_id: TaskId, claim: TaskClaimed) -> str:
        """Names the run, by what its first state is made of, and what is claimed of it: in one hash."""
        job = self.ledger.jobs[job_of_task(task_id)]
        program = self.ledger.programs[job.program_id]
        run = (program.image_root, program.entry, job.header(shard_of_task(task_id)), job.input_root)
        return keccak256(repr((run, job.max_cycles, claim.claimed)).encode()).hex()

    def view(self, tasks: Sequence[TaskRecord], head: Head, now: int, in_flight: frozenset[str]) -> View:
        """Everything about `tasks` and the account."""
        account = self._chain.account
        is_new = self._asked_at != head.hash
        if is_new:
            self._asked_at, self._open_game_counts = head.hash, {}
        self._forget_what_changed()
        self._read_games(now)
        balances = self._known_balances(account, now, is_new=is_new)
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
            has_room=self._queue.has_room(),
            struck_count=sum(operator == account for operator in self.ledger.struck.values()),
            pace=self._queue.pace,
        )

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

    def _forget_what_changed(self) -> None:
        """What events came about, or were undone by a reorganisation, is asked for or found out again."""
        changes = self.ledger.drain_changes()
        for game_id in changes.games:
            self._games_until.pop(game_id, None)
            self._courses.pop(game_id, None)
        if changes.tasks or changes.jobs:
            self._verdicts = {
                claim_id: known
                for claim_id, known in self._verdicts.items()
                if (task_id := task_of_claim(claim_id)) not in changes.tasks
                and job_of_task(task_id) not in changes.jobs
            }

    def _read_games(self, now: int) -> None:
        """Ask for the account's games that may have moved, all in one question."""
        wanted = [
            game.game_id
            for game in self.ledger.games_of(self._chain.account)
            if now >= self._games_until.get(game.game_id, 0)
        ]
        if not wanted:
            return
        try:
            found = self._chain.games(wanted)
        except Unavailable:
            if any(game_id not in self._games for game_id in wanted):
                raise
            return  # what was known before must do: contracts refuse a move that does not fit
        self._keep_games(found, now)

    def _keep_games(self, found: dict[GameId, GameRecord], now: int) -> None:
        again_at = now + max(self._known_parameters().clock_seconds // GAMES_SHARE, 1)
        self._games |= found
        self._games_until |= dict.fromkeys(found, again_at)

    def _own_games(self, claim_id: ClaimId) -> list[OpenGame]:
        account = self._chain.account
        games = self.ledger.games_on(claim_id)
        return [game for game in games if account in (game.operator, game.challenger)]

    def open_tasks(
        self, now: int, each_job_limit: int, is_wanted: Callable[[JobRecord, int, Parameters], bool]
    ) -> list[TaskRecord]:
        """Some tasks to take. `is_wanted` is told a job and its program's code size, 0 if unknown."""
        parameters = self._known_parameters()
        return open_tasks(
            self.ledger,
            self._queue,
            self._chain.account,
            now,
            each_job_limit,
            lambda job, code_bytes: is_wanted(job, code_bytes, parameters),
        )

    def _known_parameters(self) -> Parameters:
        """The rules never change."""
        if self._parameters is None:
            self._parameters = self._chain.parameters()
        return self._parameters

    def _task_view(self, task: TaskRecord, now: int) -> TaskView:
        terms = self.terms(task.task_id)
        run = terms.run
        claims = self.ledger.claims_in_question(task.task_id)
        return TaskView(
            program=terms.program,
            job=terms.job,
            task=task,
            claims=tuple(self._claim_view(claim, task, now) for claim in claims),
            material=self._queue.material(terms.source),
            own_run=self._results.own_run(run),
            hashes=self._results.hashes(run),
            witnesses=self._results.witnesses(run),
            reveals=self._results.reveals(run),
            run=run.end,
            is_computing=self._queue.is_computing(run),
            run_failure=self._queue.run_failure(run),
            slowness=self._queue.slowness(terms.program, terms.job.lease_seconds),
            distrust=self._queue.distrust(terms.program),
        )

    def _claim_view(self, claim: TaskClaimed, task: TaskRecord, now: int) -> ClaimView:
        opened = self.ledger.games_on(claim.claim_id)
        own = [self._game_view(game.game_id, now) for game in self._own_games(claim.claim_id)]
        is_mine = task.stage is TaskStage.CLAIMED and claim.operator == self._chain.account
        must_ask = is_mine and now > task.until and bool(opened)
        return ClaimView(
            claim_id=claim.claim_id,
            operator=claim.operator,
            claimed=claim.claimed,
            open_game_count=self._open_game_count(claim.claim_id) if must_ask else len(opened),
            games=tuple(game for game in own if game is not None),
        )

    def _open_game_count(self, claim_id: ClaimId) -> int:
        if claim_id not in self._open_game_counts:
            self._open_game_counts |= self._chain.open_game_counts([claim_id])
        return self._open_game_counts.get(claim_id, len(self.ledger.games_on(claim_id)))

    def _course(self, game_id: GameId) -> GameRecord | None:
        """What the events say about a game."""
        if game_id not in self._courses:
            found = self._indexer.history.events_of_task(task_of_game(game_id))
            own = [event for event in found if getattr(event, "game_id", None) == game_id]
            self._courses[game_id] = course_of(own, self._known_parameters().clock_seconds)
        return self._courses[game_id]

    def _game_view(self, game_id: GameId, now: int) -> GameView | None:
        """None for a game that no node knows: its block is gone, or the node lags behind it."""
        record = furthest(self._games.get(game_id), self._course(game_id), now)
        if record is None:
            return None
        return GameView(record=record, split_hashes=self._split_hashes(record))

    def _split_hashes(self, record: GameRecord) -> tuple[Bytes32, ...]:
        """The inner hashes of the game's present split; if their event is hidden, asked for by themselves."""
        split = self.ledger.splits.get(record.game_id)
        if split is not None and (split.low, split.high) == (record.low, record.high):
            return split.hashes
        if record.stage is not GameStage.CHALLENGER_TURN or record.challenger != self._chain.account:
            return ()
        key = (record.game_id, record.low, record.high)
        if not self._splits.get(key):
            try:
                self._splits[key] = self._chain.split_hashes(record.game_id)
            except (Unavailable, Rejected):  # other games go on; the next look asks again
                return ()
        return self._splits[key]
