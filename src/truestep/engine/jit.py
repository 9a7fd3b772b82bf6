"""The JIT engine: the fast twin of the reference machine. A `truestep.ports.engine.ReplayingEngine`."""

from truestep.engine.machine import JitMachine
from truestep.engine.memory import MappedMemory
from truestep.engine.replay import SNAPSHOTS_LIMIT_BYTES, Replay
from truestep.engine.translation import CompilePolicy, TranslationCache
from truestep.machine.interpreter import DebugSink
from truestep.machine.layout import HEADER_START, INPUT_START
from truestep.machine.program import Program, Task


class JitEngine:
    """Starts runs in translated code."""

    name = "jit"

    def __init__(self, policy: CompilePolicy | None = None) -> None:
        self._translations = TranslationCache(policy or CompilePolicy())

    def start(self, program: Program, task: Task, *, debug_sink: DebugSink | None = None) -> JitMachine:
        """A machine in state number 0 of the run."""
        memory = MappedMemory()
        for segment in program.segments:
            memory.write(segment.address, segment.content)
        memory.write(HEADER_START, task.header())
        memory.write(INPUT_START, task.input)
        return JitMachine(memory, program.entry, self._translations.get(program), debug_sink)

    def replay(
        self,
        program: Program,
        task: Task,
        *,
        snapshots_limit_bytes: int = SNAPSHOTS_LIMIT_BYTES,
        stride_cycles: int | None = None,
    ) -> Replay:
        """The run, to be looked at anywhere; with a snapshot at each stop and each multiple of the stride."""
        machine = self.start(program, task)
        return Replay(
            machine, program, snapshots_limit_bytes=snapshots_limit_bytes, stride_cycles=stride_cycles
        )
