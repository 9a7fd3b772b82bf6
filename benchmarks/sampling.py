"""How long a sample of a 16 MiB item takes over four keepers on loopback, in a process of their own.

`--samples 20` of each blob notices the loss of any with probability 1 - 2^-20. The trusted setup is loaded
before, as a node does once at its start; that is shown by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.sampling import Sampled, sample
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.trusted_setup import open_kzg, trusted_setup
from truestep.availability.cells import seat_cells
from truestep.availability.encoding import Encoder, range_tree
from truestep.availability.manifest import Manifest, parse_manifest
from truestep.engine.hashing import hash_many_pairs
from truestep.ports.cells import RunKey

SEATS = 4
SIZE_BYTES = 16 << 20
ROUNDS = 5
BAR_SECONDS = 1.0
SERVE = "--serve"
NO_LIMITS = ServiceLimits(requests=1e9, bytes=1e12)
STORE_LIMIT_BYTES = 1 << 40


def make_item(folder: Path, size_bytes: int) -> Manifest:
    """An item of random bytes, half of each blob at each keeper."""
    encoder = Encoder(open_kzg(), hash_many_pairs)
    payload = random.Random(1).randbytes(size_bytes)
    with ExitStack() as stack:
        stores = [DirectoryCells(folder / str(seat), limit_bytes=STORE_LIMIT_BYTES) for seat in range(SEATS)]
        for store in stores:
            stack.callback(store.close)
        encoded = list(encoder.blobs([range_tree([payload])]))
        manifest = encoder.manifest()
        item = manifest.name
        for seat, store in enumerate(stores):
            shelf, numbers = Shelf(store), seat_cells(seat, SEATS)
            shelf.lay(manifest)
            for each in encoded:
                assert each.extended is not None
                cells = [(each.extended.cells[number], each.extended.proofs[number]) for number in numbers]
                shelf.put(RunKey(item=item, blob=each.index, first_cell=numbers[0]), cells)
    return manifest


def serve(folder: Path) -> None:
    """Keepers of all seats, until standard input is closed. Prints their URLs."""
    stores = [DirectoryCells(folder / str(seat), limit_bytes=STORE_LIMIT_BYTES) for seat in range(SEATS)]
    servers = [KeeperServer(Shelf(store), limits=NO_LIMITS) for store in stores]
    print(json.dumps([server.url for server in servers]), flush=True)
    sys.stdin.read()


def measured(manifest: Manifest, urls: list[str], samples: int) -> Sampled:
    """One sample with new connections."""

    async def run() -> Sampled:
        clients = [KeeperClient(url) for url in urls]
        try:
            return await sample(manifest, open_kzg(), clients, samples)
        finally:
            for client in clients:
                await client.close()

    return asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE_BYTES)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(SERVE, type=Path)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    began = time.monotonic()
    trusted_setup()
    setup_seconds = time.monotonic() - began
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = parse_manifest(make_item(folder, options.size).to_json())
        command = [sys.executable, __file__, SERVE, str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keepers:
            assert keepers.stdout and keepers.stdin
            urls = json.loads(keepers.stdout.readline())
            rounds = [measured(manifest, urls, options.samples) for _ in range(options.rounds)]
            keepers.stdin.close()
    assert all(each.is_available for each in rounds)
    seconds = [each.seconds for each in rounds]
    figures = {
        "blobs": rounds[0].blob_count,
        "samples": rounds[0].sample_count,
        "median_seconds": round(statistics.median(seconds), 3),
        "fastest_seconds": round(min(seconds), 3),
        "setup_seconds": round(setup_seconds, 2),
        "bar_seconds": BAR_SECONDS,
        "load": round(os.getloadavg()[0], 1),
    }
    print(
        json.dumps(figures)
        if options.json
        else "\n".join(f"{key}: {value}" for key, value in figures.items())
    )


if __name__ == "__main__":
    main()
