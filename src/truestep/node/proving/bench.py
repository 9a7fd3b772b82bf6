"""Where proofs are made: a prover, and the stores that have inputs."""

from truestep.base.errors import Bug
from truestep.base.ids import task_in_words
from truestep.node.tasks.materials import fetched_input
from truestep.ports.blobs import Blobs
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.proving import Prover, SealOrder
from truestep.ports.reporter import Reporter


class ProvingBench:
    """Performs the work of a `ProvingDesk`. For any thread."""

    def __init__(self, prover: Prover, blobs: Blobs, reporter: Reporter) -> None:
        self._prover = prover
        self._blobs = blobs
        self._reporter = reporter

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Make one seal."""
        if not isinstance(item, SealOrder):
            raise Bug(f"expected a claim to prove, got {type(item)}")
        content = fetched_input(self._blobs, item.job, should_stop)
        if should_stop():
            raise Stopped
        what = task_in_words(item.task_id)

        def tell(words: str) -> None:
            self._reporter.report("proving", f"{what}: {words}", task_id=item.task_id)

        return self._prover.seal(item, content, should_stop, tell)
