"""A keeper under load, killed and with a full disk in between: what it lost, and how much memory it took.

A keeper's service and store run in a process of their own and take in cells all the time, as from items that
it is drawn for. Clients ask for cells at a fixed rate. In the middle the process is killed and started again
on the same store; now and then its disk is full for a second. At the end every run whose storing was
acknowledged is read back. On a busy computer, `cpu_ms_per_request` says what the rate would be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import aiohttp

from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.wire import PACKED_SIZE_BYTES, CellPlace, unpack
from truestep.availability.manifest import Manifest
from truestep.availability.parts import BLOB_UNITS, UNIT_LEAVES, Part
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELL_SIZE_BYTES, CELLS_TO_RECOVER, PROOF_SIZE_BYTES
from truestep.ports.cells import RunKey

SERVE = "--serve"
RATE_BAR = 500
BLOBS = 4_000
FIRST_CELL = 32
PUTS_PER_SECOND = 10
FULL_EACH_RUNS = 40
"""The store is full after so many runs, for a second."""
CONNECTIONS = 24
NO_LIMITS = ServiceLimits(requests=1e9, bytes=1e12)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def manifest() -> Manifest:
    """Of an item whose blobs nobody committed to: only the service and the store are measured."""
    part = Part(root=Bytes32(bytes(32)), depth=24, first_leaf=0, leaf_count=BLOBS * BLOB_UNITS * UNIT_LEAVES)
    commitments = tuple(blake2b(blob.to_bytes(4, "big"), digest_size=48).digest() for blob in range(BLOBS))
    return Manifest(parts=(part,), commitments=commitments)


def entry(blob: int, cell: int) -> tuple[bytes, bytes]:
    """Content and proof of a cell, which the clients know too."""
    seed = blake2b(blob.to_bytes(4, "big") + bytes([cell]), digest_size=64).digest()
    return seed * (CELL_SIZE_BYTES // 64), seed[:PROOF_SIZE_BYTES]


def serve(folder: Path, port: int) -> None:
    """A keeper that takes in runs until it is killed. Prints the number of each blob whose run is stored."""
    store = DirectoryCells(folder, limit_bytes=1 << 40)
    shelf, item = Shelf(store), manifest()
    name = shelf.lay(item)
    KeeperServer(shelf, "127.0.0.1", port, limits=NO_LIMITS)
    print("ready", flush=True)
    full_until = 0.0
    for stored, blob in enumerate(shelf.missing(name, FIRST_CELL, range(BLOBS)), 1):
        cells = [entry(blob, (FIRST_CELL + index) % 128) for index in range(CELLS_TO_RECOVER)]
        while True:
            store._reserved_bytes = 1 << 60 if time.monotonic() < full_until else 0  # a disk that is full
            try:
                shelf.put(RunKey(item=name, blob=blob, first_cell=FIRST_CELL), cells)
                break
            except Unavailable:
                print("full", flush=True)
                time.sleep(0.2)
        print(blob, flush=True)
        if stored % FULL_EACH_RUNS == 0:
            full_until = time.monotonic() + 1.0
        time.sleep(1 / PUTS_PER_SECOND)
    sys.stdin.read()


@dataclass(slots=True)
class Keeper:
    """The process, and what it has said."""

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    stored: set[int] = field(default_factory=set[int])
    full: int = 0

    def start(self) -> None:
        """Begin, with what is stored."""
        command = [sys.executable, __file__, SERVE, str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()

    def kill(self) -> None:
        """End without a warning."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        """What it has used, for requests and for taking in cells."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_mib(self) -> float:
        """What is resident."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / 2**20

    def _listen(self, lines: object) -> None:
        for line in lines:  # type: ignore[attr-defined]
            if line.strip().isdecimal():
                self.stored.add(int(line))
            elif line.strip() == "full":
                self.full += 1


@dataclass(slots=True)
class Load:
    """What the clients saw."""

    right: int = 0
    wrong: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list[float])


def clients(connections: int) -> aiohttp.ClientSession:
    """Connections that stay open, with a compiled parser: clients must not take the keeper's processor."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), timeout=aiohttp.ClientTimeout(total=15)
    )


async def ask(
    session: aiohttp.ClientSession, url: str, places: list[CellPlace], load: Load
) -> list[CellPlace]:
    """One request for some cells; those that came and are right."""
    began = time.monotonic()
    text = ",".join(f"{place.blob}.{place.cell}" for place in places)
    try:
        async with session.get(f"{url}?at={text}") as answer:
            content = await answer.read() if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        content = None
    if content is None:
        load.failed += 1
        return []
    cells = unpack(content, places, "")
    found = [each for each in cells if (each.content, each.proof) == entry(each.blob, each.cell)]
    load.wrong += len(cells) - len(found)
    load.right += 1
    load.seconds.append(time.monotonic() - began)
    return [CellPlace(blob=each.blob, cell=each.cell) for each in found]


async def stress(keeper: Keeper, url: str, rate: int, seconds: float, load: Load) -> None:
    """Requests at a fixed rate, each for four cells of what is stored."""
    chance, began, sent = random.Random(1), time.monotonic(), 0
    running: set[asyncio.Task[list[CellPlace]]] = set()
    async with clients(CONNECTIONS) as session:
        while (now := time.monotonic() - began) < seconds:
            stored = list(keeper.stored)
            while sent < now * rate and len(running) < 4 * CONNECTIONS:
                places = [
                    CellPlace(blob=chance.choice(stored), cell=FIRST_CELL + chance.randrange(64))
                    for _ in range(4)
                ]
                task = asyncio.create_task(ask(session, url, sorted(set(places)), load))
                running.add(task)
                task.add_done_callback(running.discard)
                sent += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*running)


async def lost_runs(url: str, stored: set[int]) -> list[int]:
    """The blobs whose stored run does not come back whole."""
    load, lost = Load(), list[int]()
    async with clients(4) as session:
        for blob in sorted(stored):
            places = [CellPlace(blob=blob, cell=FIRST_CELL + index) for index in range(CELLS_TO_RECOVER)]
            if len(await ask(session, url, places, load)) < len(places):
                lost.append(blob)
    return lost


def measured(folder: Path, rate: int, seconds: float) -> dict[str, object]:
    """The whole episode."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    keeper, load = Keeper(folder, port), Load()
    url = f"http://127.0.0.1:{port}/v1/items/{manifest().name.hex()}/cells"
    keeper.start()
    while len(keeper.stored) < 4:
        time.sleep(0.1)
    asyncio.run(stress(keeper, url, rate, seconds / 4, load))
    early_mib = keeper.memory_mib()
    asyncio.run(stress(keeper, url, rate, seconds / 4, load))
    before_mib = keeper.memory_mib()
    keeper.kill()
    keeper.start()
    cpu_seconds, answered = keeper.cpu_seconds(), load.right
    asyncio.run(stress(keeper, url, rate, seconds / 4, load))
    cpu_seconds, answered = keeper.cpu_seconds() - cpu_seconds, load.right - answered
    again_mib = keeper.memory_mib()
    asyncio.run(stress(keeper, url, rate, seconds / 4, load))
    late_mib = keeper.memory_mib()
    lost = asyncio.run(lost_runs(url, set(keeper.stored)))
    keeper.kill()
    load.seconds.sort()
    return {
        "requests_per_second": round(load.right / seconds, 1),
        "cpu_ms_per_request": round(1_000 * cpu_seconds / max(answered, 1), 2),
        "failed": load.failed,
        "wrong_cells": load.wrong,
        "median_ms": round(1_000 * load.seconds[len(load.seconds) // 2], 1),
        "p99_ms": round(1_000 * load.seconds[len(load.seconds) * 99 // 100], 1),
        "runs_stored": len(keeper.stored),
        "full_disk_refusals": keeper.full,
        "runs_lost": len(lost),
        "memory_mib": [round(each, 1) for each in (early_mib, before_mib, again_mib, late_mib)],
        "megabytes_per_second": round(load.right * 4 * PACKED_SIZE_BYTES / seconds / 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_BAR)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(SERVE, type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.port)
        return
    with tempfile.TemporaryDirectory() as name:
        figures = measured(Path(name), options.rate, options.seconds)
    print(
        json.dumps(figures)
        if options.json
        else "\n".join(f"{key}: {value}" for key, value in figures.items())
    )


if __name__ == "__main__":
    main()
