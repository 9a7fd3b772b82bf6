"""The trusted setup: found, checked, loaded once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from truestep.adapters import trusted_setup
from truestep.base.errors import Unavailable


def test_every_thread_gets_the_same_setup() -> None:
    with ThreadPoolExecutor(4) as pool:
        setups = list(pool.map(lambda _: trusted_setup.trusted_setup(), range(4)))
    assert all(setup is setups[0] for setup in setups)


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = bytearray(trusted_setup.setup_path().read_bytes())
    changed[1000] ^= 1
    file = tmp_path / "setup.txt"
    file.write_bytes(changed)
    monkeypatch.setattr(trusted_setup, "_loaded", [])
    for path, words in ((file, "expected the KZG setup with SHA-256"), (tmp_path / "none", "No such file")):
        monkeypatch.setattr(trusted_setup, "setup_path", lambda path=path: path)
        with pytest.raises(Unavailable, match=words):
            trusted_setup.trusted_setup()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trusted_setup, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="expected the package eth-account"):
        trusted_setup.setup_path()
