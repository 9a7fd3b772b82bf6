"""Daemons as processes of their own, by the command line that everybody uses; what they say is in files."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_COMMAND = (sys.executable, "-c", "from truestep.cli.start import main; main()")
STOP_SECONDS = 30.0
"""A daemon ends its runs and sends within ten seconds."""


@dataclass(slots=True, kw_only=True)
class DaemonProcess:
    """One daemon. If it ends by itself it is started again, as a supervisor would, and that is counted."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    restarts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _read_bytes: int = 0
    _rest: bytes = field(default=b"")

    @property
    def log(self) -> Path:
        """What it says, a JSON object on each line."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it; its log goes on."""
        state = self.folder / f"{self.name}.state"
        command = [*_COMMAND, *self.arguments, "--state-dir", str(state), "--json"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def watch(self) -> None:
        """Start it again if it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self.restarts += 1
            self.start()

    def new_lines(self) -> Iterator[dict[str, Any]]:
        """What it has said since this was asked last."""
        with suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(self._read_bytes)
            content = file.read()
            self._read_bytes += len(content)
            *lines, self._rest = (self._rest + content).split(b"\n")
            for line in lines:
                with suppress(ValueError):
                    yield json.loads(line)

    def stop(self) -> None:
        """Ctrl-C, and harder if that does not help."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
