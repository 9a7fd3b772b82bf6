"""What a command does where its output, its files or its home are not there: one line, and its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.guest.user_cache import user_cache

PROGRAM = Path(sys.executable).with_name("truestep")
KEYS = ("--rpc", "http://127.0.0.1:9", "--blobs", "blobs", "--keystore")


def _run(*words: object, stdout: int) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), *map(str, words)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_nobody_reads_the_result(hello_elf: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    finished = _run("run", hello_elf, "--engine", "reference", stdout=writing)
    os.close(writing)
    assert finished.returncode == 3
    assert (finished.stderr.count("\n"), "standard output" in finished.stderr) == (1, True)


def _run_without_output(*words: object) -> subprocess.CompletedProcess[str]:
    """As the shell does for `>&-`."""
    shell = ("sh", "-c", 'exec "$@" >&-', "sh", PROGRAM, *words)
    return subprocess.run([str(word) for word in shell], stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_standard_output_is_closed(hello_elf: Path, flags: tuple[str, ...]) -> None:
    finished = _run_without_output("run", hello_elf, "--engine", "reference", *flags)
    assert (finished.returncode, finished.stderr) == (
        3,
        "error: the result could not be written to standard output: it is closed\n",
    )


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("run", "--help")])
def test_help_that_cannot_be_written(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        for finished in (_run(*words, stdout=full.fileno()), _run_without_output(*words)):
            assert finished.returncode == 3
            assert (finished.stderr.count("\n"), "standard output" in finished.stderr) == (1, True)


def test_the_disk_is_full(hello_elf: Path) -> None:
    with Path("/dev/full").open("w") as full:
        finished = _run("run", hello_elf, "--engine", "reference", "--json", stdout=full.fileno())
    assert finished.returncode == 3
    assert (finished.stderr.count("\n"), "No space left" in finished.stderr) == (1, True)


def test_a_strangers_debug_output_does_not_steer_the_terminal(truestep: Invoke, tmp_path: Path) -> None:
    source = tmp_path / "escape.c"
    source.write_text(
        r'int printf(const char *, ...); int main(void) { printf("\033]0;owned\007\033[2J\n"); }'
    )
    finished = truestep("run", source, "--engine", "reference", "--json")
    assert finished.fields()["accepted"]
    assert finished.stderr == "\\x1b]0;owned\\x07\\x1b[2J\n"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"[" * 100_000, b'{"address": "\x1b[2J"}', None])
def test_a_file_that_is_something_else(truestep: Invoke, tmp_path: Path, content: bytes | None) -> None:
    junk = tmp_path / "junk\x1b[2J"
    junk.mkdir() if content is None else junk.write_bytes(content)
    for words in (
        ("status", 1, "--rpc", "http://127.0.0.1:9", "--deployment", junk),
        ("account", "new", tmp_path / "key.json", "--password-file", junk),
        ("run", junk),
        ("verify", junk, "--offline"),
        ("reclaim", 1, "--deployment", junk, *KEYS[:2], "--keystore", junk, "--password-file", junk),
    ):
        if words[0] == "account" and content and content.isascii():
            continue  # it is a password
        finished = truestep(*words)
        assert finished.exit_code == 1, words
        assert finished.stderr.startswith("error: ")
        assert (finished.stderr.count("\n"), "\x1b" in finished.stderr) == (1, False)


def test_a_state_directory_that_cannot_be(truestep: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "password").write_text("password")
    truestep("account", "new", tmp_path / "key.json", "--password-file", tmp_path / "password")
    keys = (*KEYS, tmp_path / "key.json", "--password-file", tmp_path / "password")
    words = (
        "challenger",
        "--deployment",
        tmp_path / "none",
        *keys,
        "--state-dir",
        tmp_path / "file" / "state",
    )
    finished = truestep(*words)
    assert (finished.exit_code, "check the path" in finished.stderr) == (1, True)


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(OSError):
        user_cache().mkdir(parents=True)
