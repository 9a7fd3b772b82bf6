"""`truestep account`: keys that are never in the open."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.adapters.keystore import create_keystore, keystore_address, open_keystore
from truestep.base.errors import Reject, Rejected


def test_a_new_account_is_encrypted(truestep: Invoke, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("correct horse\n")
    keystore = tmp_path / "keys" / "one.json"
    fields = truestep("account", "new", keystore, "--password-file", password_file, "--json").fields()
    assert fields == {"address": keystore_address(keystore), "keystore": str(keystore)}
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    assert open_keystore(keystore, "correct horse").address == fields["address"]
    assert json.loads(keystore.read_text())["crypto"]["kdf"] == "scrypt"
    with pytest.raises(Rejected) as refused:
        open_keystore(keystore, "wrong horse")
    assert refused.value.reason is Reject.PASSWORD_WRONG


def test_a_keystore_is_never_overwritten(truestep: Invoke, tmp_path: Path) -> None:
    keystore = tmp_path / "one.json"
    create_keystore(keystore, "a", guards_money=False)
    before = keystore.read_bytes()
    (tmp_path / "password").write_text("b")
    finished = truestep("account", "new", keystore, "--password-file", tmp_path / "password", "--json")
    assert (finished.exit_code, finished.fields()["error"]["reason"]) == (1, "keystore exists already")
    assert keystore.read_bytes() == before


def test_keystores_are_found_among_other_files(truestep: Invoke, tmp_path: Path) -> None:
    address = create_keystore(tmp_path / "one.json", "a", guards_money=False)
    (tmp_path / "notes.txt").write_text("not a keystore")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "folder").mkdir()
    fields = truestep("account", "list", tmp_path, "--json").fields()
    assert fields == {"accounts": {str(tmp_path / "one.json"): address}}
    assert address in truestep("account", "list", tmp_path).stdout


def test_an_empty_password_guards_nothing(truestep: Invoke, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    finished = truestep("account", "new", tmp_path / "one.json", "--password-file", tmp_path / "password")
    assert finished.exit_code == 1
    assert not (tmp_path / "one.json").exists()


def test_a_directory_without_keystores(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("account", "list", tmp_path)
    assert finished.exit_code == 0
    assert "truestep account new" in finished.stderr


def test_no_password_and_nobody_to_ask(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("account", "new", tmp_path / "one.json")
    assert finished.exit_code == 1
    assert "--password-file" in finished.stderr


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 3}', '{"version": 3, "crypto": 1, "address": 5}']
)
def test_what_is_no_keystore(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    for attempt in (lambda: keystore_address(path), lambda: open_keystore(path, "a")):
        with pytest.raises(Rejected) as refused:
            attempt()
        assert refused.value.reason is Reject.KEYSTORE_FILE
