"""What the gateway answers a second, and whether its memory stays flat, printed as JSON.

A process of its own serves a network of `--jobs` jobs. Requests come over connections that stay open, at
`--rate` a second for `--seconds`, whatever the answers take; then as fast as they are answered. They are a
mix of all reads that the gateway has in memory, with wrong ones among them. What a node or a store adds is
not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from _anvil import REPOSITORY

sys.path.insert(0, str(REPOSITORY))  # the story of the tests

from tests.dashboard.stories import GAME, HONEST, Places, ToldChain, posted, story
from truestep.adapters.web_server import WebServer
from truestep.base.ids import JobId
from truestep.gateway.service import Gateway

BAR_PER_SECOND = 200
CONNECTIONS = 16
FLAT_MIB = 8.0
"""What the memory of a process moves by itself."""
WARM_SECONDS = 3.0
FULL_SECONDS = 5.0
PATHS = (
    "/v1/jobs",
    "/v1/jobs?limit=200&before=5000",
    "/v1/jobs/1",
    "/v1/jobs/1/shards",
    "/v1/jobs/1/claims",
    "/v1/jobs/7",
    "/v1/operators",
    f"/v1/operators/{HONEST}",
    "/v1/disputes",
    f"/v1/disputes/{GAME}",
    "/v1/network",
    "/health",
    "/v1/jobs/99999999",
    "/v1/jobs?limit=0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a run of requests went."""

    requests: int
    per_second: float
    median_ms: float
    p99_ms: float
    failures: int
    """Answers of 500 or above, and connections that broke."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of the network")
    parser.add_argument("--rate", type=int, default=BAR_PER_SECOND, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they come at this rate")
    parser.add_argument("--serve", action="store_true", help="only serve, for the process that measures")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.jobs)
        return
    command = [sys.executable, __file__, "--serve", "--jobs", str(arguments.jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout and server.stdin
        port = int(server.stdout.readline())
        asyncio.run(load(port, arguments.rate, WARM_SECONDS))
        before_mib = resident_mib(server.pid)
        paced = asyncio.run(load(port, arguments.rate, arguments.seconds))
        after_mib = resident_mib(server.pid)
        full = asyncio.run(load(port, None, FULL_SECONDS))
        last_mib = resident_mib(server.pid)
        server.stdin.close()
    report = {
        "jobs": arguments.jobs,
        "at_rate": asdict(paced),
        "as_fast_as_answered": asdict(full),
        "memory_mib": [round(each, 1) for each in (before_mib, after_mib, last_mib)],
        "bar_per_second": BAR_PER_SECOND,
        "is_flat": max(after_mib, last_mib) - before_mib <= FLAT_MIB,
    }
    print(json.dumps(report))


def serve(jobs: int) -> None:
    """A gateway, until the other side hangs up."""
    from tests.gateway.conftest import reads_of

    places = Places()
    for _ in story():
        places.next()
    told = [*story(), *(posted(places.next(), JobId(number)) for number in range(2, jobs + 1))]
    _, reads = reads_of(ToldChain(told))
    server = WebServer(Gateway(reads.operations(), requests_per_second=1e6).app())
    print(server.url.rpartition(":")[2], flush=True)
    sys.stdin.read()
    server.close()


async def load(port: int, rate: int | None, seconds: float) -> Load:
    """Requests for so long, at a rate or as fast as they are answered."""
    began = time.perf_counter()
    times: list[float] = []
    failures = [0]
    turn = iter(range(sys.maxsize))

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            number = next(turn)
            due = began + number / rate if rate else time.perf_counter()
            if due >= began + seconds or time.perf_counter() >= began + 2 * seconds:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            path = PATHS[number % len(PATHS)]
            writer.write(f"GET {path} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode())
            failures[0] += await _status(reader) >= 500
            times.append(time.perf_counter() - due)  # with the time that it has waited for its turn
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - began
    ordered = sorted(times)
    return Load(
        requests=len(times),
        per_second=round(len(times) / took, 1),
        median_ms=round(statistics.median(ordered) * 1e3, 2),
        p99_ms=round(ordered[int(len(ordered) * 0.99)] * 1e3, 2),
        failures=failures[0],
    )


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
    await reader.readexactly(int(fields["content-length"]))
    return int(head.split()[1])


def resident_mib(pid: int) -> float:
    """The memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
