"""The JIT engine: the fast twin of the reference machine. A `truestep.ports.engine.ReplayingEngine`."""

from truestep.engine.compilation.compile import keep_common_code
from truestep.engine.compilation.translation import CompilePolicy, TranslationCache
from truestep.engine.runtime.machine import JitMachine
from truestep.engine.runtime.memory import PAGES_LIMIT, MappedMemory
from truestep.engine.runtime.replay import SNAPSHOTS_LIMIT_BYTES, SnapshotReplay
from truestep.machine.interpreter import DebugSink
from truestep.machine.layout import HEADER_START, INPUT_START, PAGE_SIZE_BYTES
from truestep.machine.program import Program, Task


class JitEngine:
    """Starts runs in translated code."""

    name = "jit"

    def __init__(
        self,
        policy: CompilePolicy | None = None,
        *,
        memory_limit_bytes: int | None = None,
        snapshots_limit_bytes: int = SNAPSHOTS_LIMIT_BYTES,
        stride_cycles: int | None = None,
    ) -> None:
        """Each run may write `memory_limit_bytes` in whole pages; by default everything the machine allows.

        The limit on snapshots and their stride are the defaults of replays.
        """
        self._snapshots_limit_bytes = snapshots_limit_bytes
        self._stride_cycles = stride_cycles
        self._pages_limit = (
            PAGES_LIMIT if memory_limit_bytes is None else memory_limit_bytes // PAGE_SIZE_BYTES
        )
        policy = policy or CompilePolicy()
        if policy.objects:
            keep_common_code(policy.objects, policy.compiler)
        self._translations = TranslationCache(policy)

    def start(self, program: Program, task: Task, *, debug_sink: DebugSink | None = None) -> JitMachine:
        """A machine in state number 0 of the run."""
        memory = MappedMemory(self._pages_limit)
        for segment in program.segments:
            memory.load(segment.address, segment.content)
        memory.load(HEADER_START, task.header())
        memory.load(INPUT_START, task.input)
        return JitMachine(memory, program.entry, self._translations.get(program), debug_sink)

    def replay(
        self,
        program: Program,
        task: Task,
        *,
        snapshots_limit_bytes: int | None = None,
        stride_cycles: int | None = None,
    ) -> SnapshotReplay:
        """A replay of the run, with a snapshot at each stop and at each multiple of the stride."""
        machine = self.start(program, task)
        limit_bytes = self._snapshots_limit_bytes if snapshots_limit_bytes is None else snapshots_limit_bytes
        return SnapshotReplay(
            machine,
            program,
            snapshots_limit_bytes=limit_bytes,
            stride_cycles=stride_cycles or self._stride_cycles,
        )
