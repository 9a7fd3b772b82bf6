"""What a waiting daemon costs: memory, processor and requests, on an anvil with a block every twelve seconds.

Each daemon runs as a process with its default options. Between it and the chain stands a proxy that counts
requests; a batch is one request. Start-up is not measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from _anvil import find_anvil
from web3.types import RPCEndpoint

from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.devnet.network import DevnetFolder, devnet_parameters, set_up

BLOCK_SECONDS = 12
"""As on Ethereum's main network."""
WINDOW_SECONDS = 3_600
START_SECONDS = 120
"""A loaded machine takes this long, and a first deposit a block or two."""
SETTLE_SECONDS = 10
"""What start-up leaves behind (requests, decryption of the key) is over by then."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
COMMAND = (sys.executable, "-c", "from truestep.cli.start import main; main()")
DAEMONS = {
    "challenger": ("challenger",),
    "worker": ("worker", "--stake", "2"),
}
ACCOUNTS = {"challenger": "challenger", "worker": "operator-1"}

MEMORY_BAR_MIB = 120
PROCESSOR_BAR_PERCENT = 1
REQUESTS_BAR_PER_SECOND = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one daemon took while it waited."""

    daemon: str
    memory_mib: float
    """Resident."""
    processor_percent: float
    """Of one core."""
    requests_per_second: float


class CountingProxy(ThreadingHTTPServer):
    """Forwards JSON-RPC to a node and counts."""

    daemon_threads = True

    def __init__(self, node: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.node = urlsplit(node)
        self.request_count = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        proxy = cast("CountingProxy", self.server)
        proxy.request_count += 1
        node = http.client.HTTPConnection(str(proxy.node.hostname), proxy.node.port)
        node.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = node.getresponse().read()
        node.close()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def proxied(node: str) -> Generator[CountingProxy]:
    """A proxy in front of a node."""
    proxy = CountingProxy(node)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@contextmanager
def started(command: Sequence[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    """A daemon that waits: it has said that it watches."""
    with log.open("wb") as output:
        process = subprocess.Popen([*COMMAND, *command], stdout=output, stderr=output)
    try:
        stop = time.monotonic() + START_SECONDS
        while '"watching"' not in log.read_text():
            if process.poll() is not None or time.monotonic() > stop:
                raise SystemExit(f"expected a daemon that watches, got:\n{log.read_text()}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def processor_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mib(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / (1 << 20)


def measure(daemon: str, devnet: AnvilDevnet, folder: DevnetFolder, seconds: float) -> Cost:
    """Start a daemon, let it settle, and watch it wait."""
    options = ["--deployment", str(folder.deployment), "--password-file", str(folder.password)]
    options += ["--keystore", str(folder.keystore(ACCOUNTS[daemon])), "--blobs", str(folder.blobs)]
    options += ["--state-dir", str(folder.path / f"state-{daemon}"), "--json"]
    with proxied(devnet.node) as proxy:
        command = [*DAEMONS[daemon], "--rpc", proxy.url, *options]
        with started(command, folder.path / f"{daemon}.log") as process:
            time.sleep(SETTLE_SECONDS)
            spent, asked = processor_seconds(process.pid), proxy.request_count
            time.sleep(seconds)
            return Cost(
                daemon=daemon,
                memory_mib=round(memory_mib(process.pid), 1),
                processor_percent=round(100 * (processor_seconds(process.pid) - spent) / seconds, 2),
                requests_per_second=round((proxy.request_count - asked) / seconds, 2),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch each daemon")
    parser.add_argument("--daemons", default=",".join(DAEMONS), help="which")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    arguments = parser.parse_args()
    program = find_anvil()
    if program is None:
        raise SystemExit("expected anvil: `make anvil` installs it where npm exists")
    with tempfile.TemporaryDirectory(prefix="truestep-daemons-") as name:
        folder, devnet = DevnetFolder(path=Path(name)), AnvilDevnet(program)
        try:
            set_up(devnet, folder, devnet_parameters(WINDOW_SECONDS), lambda *_: None)
            connect(devnet.node).provider.make_request(RPCEndpoint("evm_setIntervalMining"), [BLOCK_SECONDS])
            costs = [
                measure(daemon, devnet, folder, arguments.seconds) for daemon in arguments.daemons.split(",")
            ]
        finally:
            devnet.stop()
    if arguments.json:
        print(json.dumps([asdict(cost) for cost in costs]))
        return
    print(f"{'waiting':<12}{'MiB':>8}{'% of a core':>14}{'requests/s':>13}")
    for cost in costs:
        print(
            f"{cost.daemon:<12}{cost.memory_mib:>8}{cost.processor_percent:>14}{cost.requests_per_second:>13}"
        )
    print(f"{'bar':<12}{MEMORY_BAR_MIB:>8}{PROCESSOR_BAR_PERCENT:>14}{REQUESTS_BAR_PER_SECOND:>13}")


if __name__ == "__main__":
    main()
