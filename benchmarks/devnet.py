"""Measure a devnet that has run for a while: 5,000 blocks, 200 jobs. `--check` exits with 1 above a bar."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.keystore import open_keystore
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Bytes32, ProgramId
from truestep.devnet.network import PASSWORD, POLICY, DevnetFolder, devnet_parameters, set_up
from truestep.devnet.rpc import DevnetRpc
from truestep.devnet.server import serving
from truestep.protocol.calls import PostJob, RegisterProgram

BLOCKS, JOBS, SHARDS = 5_000, 200, 4
STATUS_LIMIT_SECONDS = 1.0
LOGS_BLOCKS = 2_049
"""What an eth_getLogs was seen to ask for that took 12.6 seconds."""
LOGS_LIMIT_SECONDS = 0.1
BLOCK_LIMIT_BYTES = 2_500
"""7,200 empty blocks a day: 18 MB at most."""
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = DevnetFolder(path=Path(name))
        devnet = EmbeddedDevnet()
        deployment, _ = set_up(devnet, folder, devnet_parameters(240), lambda _, __: None)
        requester = open_keystore(folder.keystore("requester"), PASSWORD)
        policy = replace(POLICY, poll_seconds=0.001)
        _post_jobs(Web3Chain(devnet.node, deployment, requester, SqliteStore(), policy))
        before = _memory_bytes()
        mined = BLOCKS - int(Web3(devnet.node).eth.block_number)
        for _ in range(mined):
            devnet.node.mine()
        figures = {"bytes_a_block": (_memory_bytes() - before) / mined}
        with serving(DevnetRpc(devnet), DirectoryBlobs(folder.blobs), 0) as url:
            figures["logs_seconds"] = _logs_seconds(url)
            words = ("status", "1", "--rpc", url, "--deployment", str(folder.deployment))
            taken = [_seconds(*words) for _ in range(REPEATS)]
            figures["status_seconds"] = min(seconds for seconds, _ in taken)
            figures["status_cpu_seconds"] = min(cpu_seconds for _, cpu_seconds in taken)
    print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))
    limits = {
        "bytes_a_block": BLOCK_LIMIT_BYTES,
        "logs_seconds": LOGS_LIMIT_SECONDS,
        "status_seconds": STATUS_LIMIT_SECONDS,
    }
    missed = [name for name, limit in limits.items() if figures[name] > limit]
    if missed and asked.check:
        sys.exit(f"above the bar: {', '.join(missed)}")


def _post_jobs(chain: Web3Chain) -> None:
    chain.transact(
        RegisterProgram(
            image_root=Bytes32(bytes(32)), entry=0, max_cycles=1_000, digest=Bytes32(bytes(32)), uri="blob:"
        ),
        intent="register",
    )
    for number in range(JOBS):
        order = PostJob(
            program_id=ProgramId(1),
            input_root=Bytes32(bytes(32)),
            input_size=0,
            input_uri="blob:",
            seed=Bytes32(bytes(32)),
            shard_count=SHARDS,
            reward=1,
            lease_seconds=300,
            deadline=chain.head().time_seconds + 100_000,
        )
        chain.transact(order, intent=f"post/{number}")


def _logs_seconds(url: str) -> float:
    provider = HTTPProvider(url)
    provider.make_request(RPCEndpoint("eth_chainId"), [])
    started = time.perf_counter()
    asked = {"fromBlock": "0x0", "toBlock": hex(LOGS_BLOCKS - 1)}
    answer: Any = provider.make_request(RPCEndpoint("eth_getLogs"), [asked])
    seconds = time.perf_counter() - started
    assert len(answer["result"]) > JOBS
    return seconds


def _seconds(*words: str) -> tuple[float, float]:
    """(seconds, CPU seconds) of a command; they are the same on a quiet computer."""
    command = [str(Path(sys.executable).with_name("truestep")), *words]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


if __name__ == "__main__":
    main()
