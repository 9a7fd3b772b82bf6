"""Where items of work are performed: an engine, the stores, and what is kept from one item to the next."""

from collections.abc import Callable

from truestep.base.errors import Bug
from truestep.machine.state import MachineState
from truestep.node.tasks import items
from truestep.node.tasks.items import Checked, FailedCheck, Fetched, FetchItem, LookItem, RunItem, RunSpec
from truestep.node.tasks.materials import MATERIALS_LIMIT_BYTES, Materials
from truestep.node.tasks.offers import OfferItem
from truestep.node.tasks.outputs import offer_output
from truestep.node.tasks.replays import Replays
from truestep.node.tasks.self_check import CheckedTask, SelfCheck, check_run
from truestep.ports.blobs import Blobs, OutputFolder
from truestep.ports.clock import Clock
from truestep.ports.engine import Drive, Engine
from truestep.ports.executor import ShouldStop


class Bench:
    """One for each process that works; its `perform` is what an executor is given. Safe in any thread."""

    def __init__(
        self,
        *,
        engine: Engine,
        blobs: Blobs,
        outputs: OutputFolder,
        clock: Clock,
        self_check: SelfCheck | None = None,
        materials_limit_bytes: int = MATERIALS_LIMIT_BYTES,
    ) -> None:
        """With `self_check` every run is checked before it counts."""
        self._engine = engine
        self._blobs = blobs
        self.outputs = outputs
        """Where it keeps the outputs of runs."""
        self._clock = clock
        self._self_check = self_check
        self._materials = Materials(blobs, materials_limit_bytes)
        self._replays = Replays(engine)

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one item; what came of it."""
        match item:
            case FetchItem(terms=terms):
                material = self._materials.get(terms, should_stop)
                return Fetched(code_bytes=material.code_bytes)
            case RunItem():
                return self._run(item, should_stop)
            case LookItem():
                return self._look(item, should_stop)
            case OfferItem(key=key):
                return offer_output(self._blobs, self.outputs, key, should_stop)
            case other:
                raise Bug(f"expected an item of work, got {type(other)}")

    def _run(self, item: RunItem, should_stop: ShouldStop) -> object:
        spec = RunSpec.of(item.terms, self._materials.get_again(item.terms, should_stop))
        check = self._check(item, spec)
        return items.run_to_end(self._engine, spec, self.outputs, self._clock, should_stop, check)

    def _look(self, item: LookItem, should_stop: ShouldStop) -> object:
        spec = RunSpec.of(item.terms, self._materials.get_again(item.terms, should_stop))
        drive = items.slices(self._clock.monotonic_seconds, should_stop)
        with self._replays.borrow(spec) as replay:
            return items.look(replay, item, drive)

    def _check(
        self, item: RunItem, spec: RunSpec
    ) -> Callable[[MachineState, Drive], Checked | FailedCheck] | None:
        if self._self_check is None:
            return None
        engine, self_check = self._engine, self._self_check
        checked = CheckedTask(program=item.terms.program, spec=spec, seed=self_check.draw_seed())
        return lambda end, drive: check_run(self_check, engine, checked, end, drive)
