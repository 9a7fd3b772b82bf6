"""A fresh anvil under Osaka rules."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 20
GENESIS_TIME = 1_700_000_000
"""Fixed, as the time between blocks is, so that every run sends the same bytes."""
BLOCK_SECONDS = 12


def find_anvil() -> Path | None:
    """The anvil that `make anvil` installed, else the one on PATH."""
    installed = sorted((REPOSITORY / ".anvil" / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    on_path = shutil.which("anvil")
    return installed[0] if installed else Path(on_path) if on_path else None


@contextmanager
def running_anvil(program: Path) -> Generator[Web3]:
    """An anvil of its own on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "--port", str(port), "--hardfork", "osaka", "--enable-tx-gas-limit", "--silent"]
    command += ["--timestamp", str(GENESIS_TIME)]
    process = subprocess.Popen(command)
    try:
        web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
        stop = time.monotonic() + START_SECONDS
        while not web3.is_connected():
            if process.poll() is not None or time.monotonic() > stop:
                raise RuntimeError(f"anvil did not answer within {START_SECONDS} s")
            time.sleep(0.05)
        web3.provider.make_request(RPCEndpoint("anvil_setBlockTimestampInterval"), [BLOCK_SECONDS])
        yield web3
    finally:
        process.terminate()
        process.wait()
