"""Has a worker's outputs kept: carries out what `roles.availability.delivery` decides.

Nothing is kept on disk here. What was registered and delivered is on the chain, what was sent is in the
journal, outputs are in this node's folder until their tasks are final; an item is made anew after a start.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import BatchId, Bytes32
from truestep.node.loop.backoff import Backoff
from truestep.ports.blobs import OutputKey
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.ports.delivering import Publisher
from truestep.ports.executor import Executor, Finished, ShouldStop, Stopped
from truestep.ports.reporter import Reporter
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.records import BatchStage
from truestep.roles.actions import Alert, Send
from truestep.roles.availability.delivery import (
    DeliveryPolicy,
    DeliveryView,
    FindNodes,
    Move,
    Publish,
    Published,
    blobs_in_words,
    decide,
)
from truestep.roles.views import View

FAILED_WAIT = Backoff(first_seconds=1.0, limit_seconds=60.0)
"""Pauses before work is tried again, far shorter than windows and answers."""

Work = Publish | FindNodes


class DeliveryBench:
    """Performs the work of a `DeliveryDesk`. For any thread."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one piece of work."""
        match item:
            case Publish(may_be_written=may_be_written, has_keepers=has_keepers):
                keys = [OutputKey(output_root=root, size_bytes=size) for root, size in item.outputs]
                return self._publisher.publish(
                    keys, should_stop, may_be_written=may_be_written, has_keepers=has_keepers
                )
            case FindNodes():
                return self._publisher.nodes(item, should_stop)
            case other:
                raise Bug(f"expected work on outputs, got {type(other)}")


@dataclass(slots=True, kw_only=True)
class _Trouble:
    failures: int = 0
    until_seconds: float = 0.0


class DeliveryDesk:
    """Satisfies `truestep.node.availability.desk.Desk`. `executor` performs a `DeliveryBench`."""

    def __init__(
        self, chain: Chain, policy: DeliveryPolicy, executor: Executor, clock: Clock, reporter: Reporter
    ) -> None:
        self._chain = chain
        self._policy = policy
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._wanted: list[Work] = []
        self._under_way: dict[Hashable, Work] = {}
        self._troubles: dict[Hashable, _Trouble] = {}
        self._published: dict[BatchId, Published] = {}
        self._nodes: dict[Move, tuple[Bytes32, ...]] = {}

    def collect(self) -> bool:
        """Take in what ended in the background."""
        finished = self._executor.collect()
        for each in finished:
            self._take_in(each)
        return bool(finished)

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """What to send and to say."""
        facts = self._chain.facts()
        self._forget(facts)
        seen = DeliveryView(
            now=view.now,
            account=view.account,
            operator=view.operator,
            facts=facts,
            wallet_wei=view.wallet_wei,
            in_flight=view.in_flight,
            published=self._published,
            nodes=self._nodes,
        )
        actions = decide(seen, self._policy)
        self._wanted = [action for action in actions if isinstance(action, Publish | FindNodes)]
        sends = [action for action in actions if isinstance(action, Send | Alert)]
        return [each for each in sends if not isinstance(each, Send) or each.intent not in view.in_flight]

    def act(self) -> None:
        """Begin what is to be done."""
        for work in self._wanted:
            key = _key(work)
            trouble = self._troubles.get(key)
            if trouble is not None and self._clock.monotonic_seconds() < trouble.until_seconds:
                continue
            if self._executor.start(key, work):
                self._under_way[key] = work

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end."""
        self._executor.stop(deadline_seconds)
        self.collect()

    def _take_in(self, finished: Finished) -> None:
        work, error = self._under_way.pop(finished.key), finished.error
        if error is not None:
            self._put_off(finished.key, error)
            return
        self._troubles.pop(finished.key, None)
        match work, finished.value:
            case Publish(batch_id=batch_id), Published(payload=payload) as made if payload:
                self._published[batch_id] = made
            case Publish(batch_id=batch_id), Published() as made:
                self._published[batch_id] = made
                self._reporter.report(
                    "outputs_published",
                    f"the outputs of batch {batch_id} are where keepers can fetch them:"
                    f" {blobs_in_words(made.blob_count)}",
                    batch_id=batch_id,
                )
            case FindNodes(move=move), value:
                self._nodes[move] = value  # pyright: ignore[reportArgumentType]
            case _, value:
                raise Bug(f"{work} ended with {type(value)}")

    def _put_off(self, key: Hashable, error: Exception) -> None:
        if isinstance(error, Stopped):
            return
        if not isinstance(error, Rejected | Unavailable):
            raise error
        trouble = self._troubles.setdefault(key, _Trouble())
        trouble.failures += 1
        wait_seconds = FAILED_WAIT.seconds(trouble.failures)
        trouble.until_seconds = self._clock.monotonic_seconds() + wait_seconds
        self._reporter.report(
            "unpublished_item", f"outputs cannot be kept yet: {error}; tried again in {wait_seconds:.0f} s"
        )

    def _forget(self, facts: Facts) -> None:
        """Drop what is of batches and demands that are over, and of others under their numbers."""
        claimed = {
            batch_id for batch_id, known in facts.batches.items() if known.batch.stage is BatchStage.CLAIMED
        }
        self._published = {each: made for each, made in self._published.items() if each in claimed}
        live = {(demand_id, demand.moved_at) for demand_id, demand in facts.data.demands.items()}
        self._nodes = {move: nodes for move, nodes in self._nodes.items() if move in live}
        self._troubles = {key: trouble for key, trouble in self._troubles.items() if self._is_live(key)}

    def _is_live(self, key: Hashable) -> bool:
        return key in self._under_way or any(_key(work) == key for work in self._wanted)


def _key(work: Work) -> Hashable:
    if isinstance(work, Publish):
        return "publish", work.batch_id, work.outputs, work.has_keepers
    return "nodes", work.move
