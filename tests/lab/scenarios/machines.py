"""What the daemons' own machine does: power failures, full disks, closed pipes."""

from __future__ import annotations

import os
import resource
import threading
from contextlib import suppress

from tests.lab.processes import Process
from tests.lab.scenario import scenario
from tests.lab.scenarios.outages import LONG_RULES
from tests.lab.scenarios.story import Story
from tests.lab.world import World


@scenario("kill")
class Kill(Story):
    """kill -9 at random moments, many of them during the start."""

    waves = 6
    parameters = LONG_RULES
    TIMES = 12

    def in_dispute(self, world: World) -> None:
        """Seldom enough that a daemon gets to its moves at all."""
        for _ in range(self.TIMES):
            process = world.random.choice([self.worker, self.challenger])
            process.kill()
            world.spend(world.random.uniform(0.0, 1.5))
            process.start()
            is_early = world.random.random() < 0.5
            world.spend(world.random.uniform(0.2, 2.5) if is_early else world.random.uniform(4.0, 9.0))


class PipedStory(Story):
    """Somebody reads the daemons' logs through pipes."""

    def start_worker(self, world: World) -> Process:
        """Its output goes through a pipe."""
        return self._piped(super().start_worker(world))

    def start_challenger(self, world: World) -> Process:
        """Its output goes through a pipe."""
        return self._piped(super().start_challenger(world))

    def prepare(self, world: World) -> None:
        """Nobody reads yet."""
        super().prepare(world)
        self.readers: list[threading.Event] = []

    def _piped(self, process: Process) -> Process:
        process.kill()
        read_end, write_end = os.pipe()
        process.start(stdout=write_end)
        os.close(write_end)
        is_over = threading.Event()

        def copy() -> None:
            with process.log.open("ab") as log:
                while not is_over.is_set() and (piece := os.read(read_end, 4096)):
                    log.write(piece)
                    log.flush()
            os.close(read_end)

        threading.Thread(target=copy, daemon=True).start()
        self.readers.append(is_over)
        return process


@scenario("diskfull")
class DiskFull(PipedStory):
    """No file can grow for 20 s."""

    waves = 3
    told = r"\bdisk\b|\bspace\b|cannot write|unavailable|too large|this log has lost"
    parameters = LONG_RULES
    SECONDS = 20.0

    def in_dispute(self, world: World) -> None:
        """By the limit that the kernel keeps for each process."""
        for process in (self.worker, self.challenger):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        world.spend(self.SECONDS)
        for process in (self.worker, self.challenger):
            with suppress(ProcessLookupError):
                free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, free)


@scenario("logpipe")
class LogPipe(PipedStory):
    """Whoever reads the daemons' logs through a pipe goes away in mid-dispute."""

    waves = 2

    def in_dispute(self, world: World) -> None:
        """The readers close their end with the next line."""
        for is_over in self.readers:
            is_over.set()
