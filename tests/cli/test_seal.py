"""`truestep seal` and `unseal`: files for chosen accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.adapters.keystore import create_keystore

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("a\n")
    return file


def keystore(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    create_keystore(path, "a", guards_money=False)
    return path


def test_a_file_is_sealed_and_opened(truestep: Invoke, tmp_path: Path, password: Path) -> None:
    alice, bob, eve = (keystore(tmp_path, name) for name in ("alice", "bob", "eve"))
    plain, closed, found = (tmp_path / name for name in ("plain", "closed", "found"))
    plain.write_bytes(CONTENT)

    def key(of: Path, number: int) -> str:
        words = ("account", "encryption-key", of, "--password-file", password, "--number", number, "--json")
        return truestep(*words).fields()["encryption_key"]

    def unseal(of: Path, number: int, into: Path = found) -> int:
        words = (
            "--keystore",
            of,
            "--password-file",
            password,
            "--number",
            number,
            "--output",
            into,
            "--json",
        )
        return truestep("unseal", closed, *words).exit_code

    keys = [key(alice, 0), key(bob, 3)]
    sealed = truestep(
        "seal", plain, "--to", keys[0], "--to", keys[1], "--to", keys[0], "-o", closed, "--json"
    )
    assert sealed.fields() == {"sealed": str(closed), "recipients": 2}
    words = truestep("seal", plain, "--to", keys[0], "-o", closed.with_name("one")).stdout
    assert "the key given opens" in words
    assert CONTENT[:64] not in closed.read_bytes()
    for of, number in ((alice, 0), (bob, 3)):
        assert unseal(of, number) == 0
        assert found.read_bytes() == CONTENT
        assert found.stat().st_mode & 0o077 == 0
        found.unlink()
    for of, number in ((alice, 1), (bob, 0), (eve, 0)):
        assert unseal(of, number) == 1
    closed.write_bytes(closed.read_bytes()[:-1])
    assert unseal(alice, 0) == 1
    assert not found.exists()


def test_a_file_is_not_written_over_itself(truestep: Invoke, tmp_path: Path, password: Path) -> None:
    plain, one, link = tmp_path / "plain", keystore(tmp_path, "one"), tmp_path / "link"
    plain.write_bytes(CONTENT)
    link.symlink_to(plain)
    guarded = {path: path.read_bytes() for path in (plain, one)}
    opening = ("unseal", plain, "--keystore", one, "--password-file", password)
    for words in (
        ("seal", plain, "--to", f"x25519:{'05' * 32}", "-o", link),
        (*opening, "-o", link),
        (*opening, "-o", one),
        ("build", plain, "-o", plain),
        ("run", "other.elf", "--input", plain, "-o", plain),
        ("run", plain, "-o", plain),
        ("prove-step", plain, "--cycle", 0, "-o", link),
        ("disclose", plain, "--bytes", "0:1", "-o", plain),
        ("disclose", "other.json", "--from", plain, "--bytes", "0:1", "-o", plain),
    ):
        finished = truestep(*words, "--json")
        assert (finished.exit_code, finished.fields()["error"]["reason"]) == (1, "output is an input"), words
    assert guarded == {path: path.read_bytes() for path in guarded}


def test_other_keys_and_files_are_refused(truestep: Invoke, tmp_path: Path, password: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    plain.write_bytes(CONTENT)
    finished = truestep("seal", plain, "--to", "x25519:00", "-o", out, "--json")
    assert (finished.exit_code, finished.fields()["error"]["reason"]) == (1, "not an encryption key")
    words = ("--keystore", keystore(tmp_path, "one"), "--password-file", password, "-o", out, "--json")
    finished = truestep("unseal", plain, *words)
    assert (finished.exit_code, finished.fields()["error"]["reason"]) == (1, "not sealed content")
    assert not out.exists()
