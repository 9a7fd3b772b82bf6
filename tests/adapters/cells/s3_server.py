"""A real S3 server on loopback: SeaweedFS, which comes as a wheel."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from obstore import sign
from obstore.store import S3Store

ACCESS_KEY, SECRET_KEY = "keeper", "a secret of the tests"
BUCKET = "cells"
START_SECONDS = 60.0
# Its parts talk gRPC at the HTTP port plus this, unless told otherwise; no port may be above 65535.
PORTS = ("s3", "master", "volume", "filer")


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """The endpoint of a server with one empty bucket; it knows one account, and refuses all others."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    ports = dict(zip([*PORTS, *(f"{name}.grpc" for name in PORTS)], free_ports(2 * len(PORTS)), strict=True))
    config = folder / "accounts.json"
    account = {
        "name": "keeper",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin"],
    }
    config.write_text(json.dumps({"identities": [account]}))
    command = [program, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    command += [f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-volume.max=8", "-master.volumeSizeLimitMB=64"]
    command += [
        f"-{name.partition('.')[0]}.port{'.grpc' * ('.' in name)}={port}" for name, port in ports.items()
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        _make_bucket(endpoint, process)
        yield endpoint
    finally:
        process.kill()
        process.wait()
        for port in ports.values():  # what it would delete if it took its time
            for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _make_bucket(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    """Make the bucket as soon as the server can: it listens before it is ready."""
    host, until = endpoint.removeprefix("http://"), time.monotonic() + START_SECONDS
    bucket = S3Store(
        BUCKET,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )
    while True:
        try:
            connection = http.client.HTTPConnection(host, timeout=5)
            connection.request("PUT", sign(bucket, "PUT", "", timedelta(seconds=60)).removeprefix(endpoint))
            if connection.getresponse().status == HTTPStatus.OK:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the S3 server does not start; the file `log` in its folder says why")
        time.sleep(0.2)
