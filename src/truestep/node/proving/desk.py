"""Proves a worker's claims: carries out what `roles.proving` decides.

A proof is in the store before it is sent, so that a kill in between costs no second proof. What was sent is
in the journal; what was proven is on the chain. A kill while the prover works costs this one proof's work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32, job_of_task, task_in_words
from truestep.node.loop.backoff import Backoff
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, Stopped
from truestep.ports.proving import CannotProve, SealOrder
from truestep.ports.reporter import Reporter
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row
from truestep.roles.actions import Alert, Send
from truestep.roles.proving import MakeSeal, ProvingView, SealKey, decide, own_claims
from truestep.roles.views import View

SEALS = "seals"
FAILED_WAIT = Backoff(first_seconds=5.0, limit_seconds=600.0)
"""Pauses before a proof is tried again: what fills memory or a disk may go away."""
FAILURE_LIMIT = 3
"""Times that a prover may say that there is no such proof. What else fails is tried until the window ends."""
_ROWS = RowCodec[bytes]({"seal": bytes})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    failures: int = 0
    refusals: int = 0
    until_seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    wanted: MakeSeal
    began_seconds: float


class ProvingDesk:
    """Satisfies `truestep.node.availability.desk.Desk`. `executor` performs a `ProvingBench`."""

    def __init__(
        self,
        chain: Chain,
        store: Store,
        circuits: Mapping[Bytes32, int],
        executor: Executor,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._chain = chain
        self._store = store
        self._circuits = circuits
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._seals = {_key_of(name): _ROWS.from_row(row) for name, row in each_row(store, SEALS)}
        self._unsaved: dict[SealKey, bytes] = {}
        """Made, and not in the store yet."""
        self._under_way: dict[SealKey, _UnderWay] = {}
        self._troubles: dict[SealKey, _Trouble] = {}
        self._wanted: list[MakeSeal] = []
        self._live: frozenset[Bytes32] = frozenset()
        """The statements of the operator's claims that stand."""

    def collect(self) -> bool:
        """Take in what ended in the background."""
        finished = self._executor.collect()
        for each in finished:
            self._take_in(each)
        self._save()
        return bool(finished)

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """What to send and to say."""
        facts = self._chain.facts()
        given_up = {
            key: trouble.message
            for key, trouble in self._troubles.items()
            if trouble.refusals >= FAILURE_LIMIT
        }
        seen = ProvingView(
            now=view.now,
            operator=view.operator,
            facts=facts,
            circuits=self._circuits,
            in_flight=view.in_flight,
            seals=self._seals,
            given_up=given_up,
        )
        actions = decide(seen)
        self._wanted = [each for each in actions if isinstance(each, MakeSeal)]
        self._live = frozenset(each.statement for each in own_claims(facts, view.operator))
        return [each for each in actions if isinstance(each, Send | Alert)]

    def act(self) -> None:
        """Begin what is to be proven, and end what is not any more."""
        wanted, now = {each.key: each for each in self._wanted}, self._clock.monotonic_seconds()
        for key in self._under_way.keys() - wanted.keys():
            self._executor.ask_to_stop(key)
        for key, each in wanted.items():
            is_resting = now < self._troubles.get(key, _Trouble()).until_seconds
            if is_resting or key in self._under_way or key in self._unsaved or not self._executor.has_room():
                continue
            if self._executor.start(key, self._order(each)):
                self._under_way[key] = _UnderWay(wanted=each, began_seconds=now)
        self._forget()

    def close(self, deadline_seconds: float) -> None:
        """Ask the prover to end."""
        self._executor.stop(deadline_seconds)
        self.collect()

    def _order(self, wanted: MakeSeal) -> SealOrder:
        """What to prove, as a value that needs nothing of this process."""
        facts, claim = self._chain.facts(), wanted.claim.view
        job_id = job_of_task(claim.task_id)
        return SealOrder(
            chain_id=facts.deployment.chain_id,
            jobs=facts.deployment.jobs,
            key_digest=wanted.key_digest,
            task_id=claim.task_id,
            job=self._chain.job(job_id),
            work=claim.work,
            terms=facts.jobs[job_id].job.terms,
            leaf=claim.leaf,
        )

    def _take_in(self, finished: Finished) -> None:
        key = next(each for each in self._under_way if each == finished.key)
        under_way = self._under_way.pop(key)
        match finished.error or finished.value:
            case bytes() as seal:
                self._troubles.pop(key, None)
                self._unsaved[key] = seal
                self._tell_made(under_way, seal)
            case Stopped():
                pass
            case CannotProve() | Rejected() | Unavailable() as error:
                self._put_off(key, under_way.wanted, error)
            case Exception() as error:
                raise error
            case other:
                raise Bug(f"a proof ended with {type(other)}")

    def _put_off(self, key: SealKey, wanted: MakeSeal, error: Exception) -> None:
        before = self._troubles.get(key, _Trouble())
        trouble = replace(before, failures=before.failures + 1, message=str(error) or repr(error))
        if isinstance(error, CannotProve):
            trouble = replace(trouble, refusals=before.refusals + 1)
        wait_seconds = FAILED_WAIT.seconds(trouble.failures)
        until_seconds = self._clock.monotonic_seconds() + wait_seconds
        self._troubles[key] = replace(trouble, until_seconds=until_seconds)
        what, task_id = task_in_words(wanted.claim.view.task_id), wanted.claim.view.task_id
        is_over = trouble.refusals >= FAILURE_LIMIT
        then = (
            "it is not tried again before the next start"
            if is_over
            else f"tried again in {wait_seconds:.0f} s"
        )
        self._reporter.report("proof_failed", f"{what} is not proven: {error}; {then}", task_id=task_id)

    def _tell_made(self, under_way: _UnderWay, seal: bytes) -> None:
        task_id = under_way.wanted.claim.view.task_id
        seconds = self._clock.monotonic_seconds() - under_way.began_seconds
        message = f"{task_in_words(task_id)}: the proof is made, {len(seal):,} bytes"
        self._reporter.report("proof_made", message, task_id=task_id, seconds=round(seconds, 1))

    def _save(self) -> None:
        """A proof is sent only once it is on the disk. Raises `Unavailable`; the next call tries again."""
        if not self._unsaved:
            return
        changes = [
            Change(table=SEALS, key=_name_of(key), value=_ROWS.to_row(seal))
            for key, seal in self._unsaved.items()
        ]
        self._store.write(changes)
        self._seals |= self._unsaved
        self._unsaved.clear()

    def _forget(self) -> None:
        """Drop proofs of claims that are over. What was sent stays till then: its block may be undone."""
        self._troubles = {key: each for key, each in self._troubles.items() if key[0] in self._live}
        gone = [key for key in self._seals if key[0] not in self._live]
        if gone:
            self._store.write([Change(table=SEALS, key=_name_of(key), value=None) for key in gone])
        for key in gone:
            del self._seals[key]


def _name_of(key: SealKey) -> str:
    statement, key_digest = key
    return f"{statement.hex()}-{key_digest.hex()}"


def _key_of(name: str) -> SealKey:
    statement, _, key_digest = name.partition("-")
    return Bytes32(bytes.fromhex(statement)), Bytes32(bytes.fromhex(key_digest))
