"""Commands run in process, as a shell would: words in, exit code, stdout and stderr out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from truestep.cli.main import app
from truestep.guest import build_c

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    exit_code: int
    stdout: str
    stderr: str

    def fields(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.stdout.count("\n") == 1, self.stdout + self.stderr
        return json.loads(self.stdout)


Invoke = Callable[..., Finished]


@pytest.fixture(scope="session")
def truestep() -> Invoke:
    def invoke(*words: object) -> Finished:
        finished = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        return Finished(exit_code=finished.exit_code, stdout=finished.stdout, stderr=finished.stderr)

    return invoke


@pytest.fixture(scope="session")
def hello_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest useful guest: its input in capitals."""
    target = tmp_path_factory.mktemp("guests") / "hello.elf"
    return build_c([EXAMPLES / "hello" / "hello.c"], target).path


@pytest.fixture(scope="session")
def failing_elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exits with its input's first byte; traps on `t`, loops on `l`, speaks on `d`."""
    folder = tmp_path_factory.mktemp("guests")
    source = folder / "failing.c"
    source.write_text(
        """
        #include <stdlib.h>
        #include <truestep.h>
        int main(void) {
            const uint8_t *text; size_t size;
            read_input(&text, &size);
            write_output(text, size);
            if (size && *text == 't') __builtin_trap();
            if (size && *text == 'd') { debug_print("said by the guest"); return 0; }
            while (size && *text == 'l') __asm__ volatile("");
            return size ? *text - '0' : 0;
        }
        """
    )
    return build_c([source], folder / "failing.elf").path
