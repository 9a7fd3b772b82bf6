"""A devnet and daemons in processes of their own."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WINDOW_SECONDS = 600
START_SECONDS = 60
PROGRAM = Path(sys.executable).with_name("truestep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Devnet:
    rpc: str
    folder: Path

    def options(self, role: str | None = None) -> tuple[str, ...]:
        """What a command needs to read, or as a role also to send and to find blobs."""
        if role is None:
            return ("--rpc", self.rpc, "--deployment", str(self.folder / "deployment.json"))
        return (*self.sending(role), "--blobs", f"{self.rpc}/blobs")

    def sending(self, role: str) -> tuple[str, ...]:
        """What a command needs to send, if it has nothing to do with blobs."""
        keystore, password = str(self.folder / f"{role}.json"), str(self.folder / "password")
        return (*self.options(), "--keystore", keystore, "--password-file", password)


def start(log: Path, *words: object) -> subprocess.Popen[str]:
    with log.open("w") as errors:
        return subprocess.Popen(
            [str(PROGRAM), *map(str, words)], stdout=subprocess.PIPE, stderr=errors, text=True
        )


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=START_SECONDS)


@contextmanager
def running_devnet(folder: Path) -> Generator[Devnet]:
    words = ("devnet", "--port", 0, "--directory", folder, "--window", WINDOW_SECONDS, "--json")
    process = start(folder.parent / "log", *words)
    assert process.stdout is not None
    fields: dict[str, Any] = json.loads(process.stdout.readline())
    yield Devnet(rpc=fields["rpc"], folder=folder)
    assert stop(process) == 0
