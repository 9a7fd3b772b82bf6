"""`truestep keeper`: wrong options are named before anything is bought."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import Invoke
from truestep.adapters.web_server import CannotListen
from truestep.cli.commands import keeper
from truestep.composition import keeping


def test_an_address_in_use_names_its_option(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise CannotListen("expected to listen at 127.0.0.1:8547, got: Address already in use")

    signer = SimpleNamespace(address="0x" + "1" * 40)
    monkeypatch.setattr(keeper, "_settings", lambda _: SimpleNamespace(signer=signer))
    monkeypatch.setattr(keeping, "opened_keeper", opened)
    finished = truestep(
        "keeper", "--rpc", "http://127.0.0.1:9", "--keystore", "none.json", "--state-dir", tmp_path,
        "--url", "http://127.0.0.1:8547",
    )  # fmt: skip
    assert finished.exit_code == 1
    assert "Address already in use; choose another with --listen HOST:PORT" in finished.stderr
