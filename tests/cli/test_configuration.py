"""Configurations of daemons: what `init` writes, what a file means, and what is wrong with one."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import Invoke
from truestep.cli.application import make_app
from truestep.cli.configuration import keys_of, with_configuration

ROLES = ("worker", "challenger")


def parameters(role: str = "worker") -> list[Any]:
    """The options of `run`."""
    program: Any = typer.main.get_command(make_app([role]))
    return program.commands[role].commands["run"].params


def words(file: Path, *typed: str) -> list[str]:
    return with_configuration(parameters(), ["--config", str(file), *typed])


def plain(text: str) -> str:
    """Words without the box around them."""
    return " ".join(re.sub(r"[│╭╰╮╯─]", " ", text).split())


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "worker.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("role", ROLES)
def test_init_writes_every_key_with_its_explanation(truestep: Invoke, tmp_path: Path, role: str) -> None:
    finished = truestep(
        role, "init", tmp_path / "new", "--set", "rpc=http://127.0.0.1:9", "--set", "parallel=2"
    )
    assert finished.exit_code == 0, finished.stderr
    assert "blobs, network or deployment" in finished.stderr, "what is missing is said"
    file = tmp_path / "new" / f"{role}.toml"
    text = file.read_text()
    keys = keys_of(parameters(role))
    assert re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE) == [
        *(name for name, key in keys.items() if key.parameter.required),
        *(name for name, key in keys.items() if not key.parameter.required),
    ]
    assert tomllib.loads(text) == {
        "rpc": ["http://127.0.0.1:9"],
        "parallel": 2,
        "keystore": "key.json",
        "state_dir": "state",
    }
    for block in text.split("\n\n")[2:]:
        assert block.startswith("# "), block
    shown = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert set(tomllib.loads(shown)) == set(keys), "every comment that shows a value is TOML"


def test_what_init_writes_starts_a_daemon_from_any_folder(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUESTEP_BLOBS", "http://127.0.0.1:9/blobs")
    monkeypatch.setenv("TRUESTEP_DEPLOYMENT", str(tmp_path / "deployment.json"))
    (tmp_path / "password").write_text("secret\n")
    settings = ("--set", "rpc=http://127.0.0.1:9", "--set", f"password_file={tmp_path}/password")
    truestep("worker", "init", tmp_path / "new", *settings)
    finished = truestep("worker", "run", "--config", tmp_path / "new" / "worker.toml")
    assert finished.exit_code == 1
    assert f"{tmp_path}/new/key.json" in finished.stderr, "the first thing that is missing"


def test_init_writes_files_for_services_and_monitoring(truestep: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    words = ("worker", "init", folder, "--systemd", "--container", "--monitoring", "--json")
    fields = truestep(*words).fields()
    names = ("worker.toml", "truestep-worker.service", "Containerfile", "alerts.yml", "grafana.json")
    assert fields["files"] == [str(folder / name) for name in names]
    unit = (folder / "truestep-worker.service").read_text()
    assert f"truestep worker run --config {folder}/worker.toml" in unit
    container = (folder / "Containerfile").read_text()
    assert '"worker", "run", "--config", "/truestep/worker.toml"' in container
    for text in (unit, container):
        assert not re.search(r"\b(ROLE|FOLDER|PROGRAM|VERSION|FILE|WRITABLE)\b", text)
    assert "\nLimitNOFILE=65536\n" in unit, "the name of a setting is not filled in"
    assert json.loads((folder / "grafana.json").read_text())["title"] == "truestep"
    again = truestep(*words)
    assert again.exit_code == 1
    assert "never overwritten" in again.stderr


def test_init_writes_what_only_the_owner_reads_and_where_nothing_is(truestep: Invoke, tmp_path: Path) -> None:
    words = ("worker", "init", tmp_path / "new", "--monitoring", "--set", "rpc=http://127.0.0.1:9/\x7f")
    assert truestep(*words).exit_code == 0
    configuration = tmp_path / "new/worker.toml"
    assert configuration.stat().st_mode & 0o077 == 0
    assert tomllib.loads(configuration.read_text())["rpc"] == ["http://127.0.0.1:9/\x7f"]
    assert (tmp_path / "new/alerts.yml").stat().st_mode & 0o044 == 0o044  # Prometheus has another user
    configuration.unlink()
    configuration.symlink_to(tmp_path / "elsewhere")
    assert truestep(*words[:3]).exit_code != 0
    assert not (tmp_path / "elsewhere").exists()


def test_a_unit_can_name_any_folder(truestep: Invoke, tmp_path: Path) -> None:
    folder, state = tmp_path / 'my 100% "FILE"', tmp_path / "state of mine"
    finished = truestep("worker", "init", folder, "--systemd", "--set", f"state_dir={state}")
    assert f"account new '{folder}/key.json'" in finished.stderr, "a command that can be pasted"
    unit = (folder / "truestep-worker.service").read_text().splitlines()
    quoted = rf"{tmp_path}/my 100%% \"FILE\""
    assert any(line.endswith(f'truestep worker run --config "{quoted}/worker.toml"') for line in unit)
    assert f'WorkingDirectory={tmp_path}/my 100%% "FILE"' in unit
    assert f'ReadWritePaths="{quoted}" "{state}"' in unit, "what the daemon writes is not only in its folder"


def test_a_container_needs_its_files_in_the_folder(truestep: Invoke, tmp_path: Path) -> None:
    settings = ("--set", f"keystore={tmp_path}/key.json", "--set", "blobs=http://127.0.0.1:9")
    finished = truestep("worker", "init", tmp_path / "new", "--container", *settings)
    assert "copy into it what keystore name, and name it" in plain(finished.stderr)
    within = truestep("worker", "init", tmp_path / "other", "--container")
    assert "copy into it" not in within.stderr


def test_lists_and_odd_numbers_are_written_as_they_are_meant(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUESTEP_RPC", "http://a http://b")
    settings = (
        "--set",
        "blobs=store",
        "--set",
        "blobs=http://c",
        "--set",
        "poll=inf",
        "--set",
        "prove=m.json",
    )
    finished = truestep("worker", "init", "new", *settings)
    assert finished.exit_code == 0, finished.stderr
    values = tomllib.loads((tmp_path / "new" / "worker.toml").read_text())
    assert values["rpc"] == ["http://a", "http://b"], "as the option reads the variable"
    assert values["blobs"] == [f"{tmp_path}/store", "http://c"], "from here, not from the folder of the file"
    assert values["prove"] == [f"{tmp_path}/m.json"]


def test_a_file_means_what_would_be_typed(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        rpc = ["http://a", "http://b"]
        blobs = ["http://c", "folder"]
        keystore = "key.json"
        min_reward = "20gwei"
        parallel = 3
        poll = 0.5
        keeper = true
        member = false
        calldata = false
        prove = ["model.json"]
        """,
    )
    assert words(file)[:-2] == [
        "--rpc=http://a", "--rpc=http://b", "--blobs=http://c", f"--blobs={tmp_path}/folder",
        f"--keystore={tmp_path}/key.json", "--min-reward=20gwei", "--parallel=3", "--poll=0.5", "--keeper",
        "--no-calldata", f"--prove={tmp_path}/model.json",
    ]  # fmt: skip


def test_what_is_typed_wins(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'rpc = ["http://a"]\nparallel = 3\ncalldata = false\nnetwork = "main"\nstake = "5"\n',
    )
    typed = ("--rpc", "http://b", "--parallel=4", "--calldata", "--deployment", "d.json")
    assert words(file, *typed) == ["--stake=5", "--config", str(file), *typed]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_rewrad = '1'", "unknown key min_rewrad in .*; did you mean min_reward?"),
        ("min-reward = '1'", "did you mean min_reward?"),
        ("zzz = " + "[" * 100_000, "deeply nested"),
        ("zzz = 1", "`init` writes a file with all keys"),
        ("private_key = '0x1'", "keys and passwords stay in their files: keystore, password_file"),
        ("config = 'x'", "unknown key config"),
        ("keeper = 1", "expected true or false for keeper in .*, got 1"),
        ("parallel = true", "expected a text or a number for parallel in .*, got true"),
        ("rpc = [['x']]", "expected a list of texts or numbers for rpc"),
        ("stake = ['5']", "expected a text or a number for stake"),
        ("[worker]\nparallel = 1", "unknown key worker"),
        ("parallel 1", "expected TOML in .*, got: .*line 1"),
        ("\udcff", "expected TOML in .*, got: "),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "worker.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(typer.BadParameter, match=message):
        words(file)


def test_wrong_values_are_refused_as_typed_ones_are(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("worker", "--config", written(tmp_path, "parallel = 0"))
    assert finished.exit_code == 2
    refused = plain(finished.stderr).replace(" ", "")
    expected = "worker.toml: expected a whole number from 1 to 256, got '0'"
    assert expected.replace(" ", "") in refused, "paths are wrapped"
    missing = truestep("worker", "run", f"--config={tmp_path}/none.toml")
    assert missing.exit_code == 2
    assert "No such file" in missing.stderr


def test_settings_are_refused_too(truestep: Invoke, tmp_path: Path) -> None:
    for setting, message in (("stak=5", "did you mean stake?"), ("stake", "such as stake=5, got 'stake'")):
        finished = truestep("worker", "init", tmp_path / "new", "--set", setting)
        assert finished.exit_code == 2
        assert "--set" in finished.stderr and message in plain(finished.stderr)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("stake=abc", "--set stake: expected an amount such as 0.05, 20gwei or 7wei, got 'abc'"),
        ("parallel=two", "--set parallel: expected a whole number from 1 to 256, got 'two'"),
        ("parallel=257", "--set parallel: expected a whole number from 1 to 256, got '257'"),
        ("engine=fast", "--set engine: expected one of"),
        ("operator=0x12", "--set operator: expected"),
        ("metrics_listen=nowhere", "--set metrics_listen: expected"),
        ("store=postgresql://me:secret@host/db", "--set store: not a store that can be used: expected a"),
    ],
)
def test_init_refuses_what_the_daemon_would_refuse(
    truestep: Invoke, tmp_path: Path, setting: str, expected: str
) -> None:
    finished = truestep("worker", "init", tmp_path / "new", "--set", setting)
    assert finished.exit_code == 2
    assert expected in plain(finished.stderr)
    assert not (tmp_path / "new").exists()


def test_init_names_the_variable_whose_value_it_refuses(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUESTEP_SEND_SECONDS", "soon")
    finished = truestep("worker", "init", tmp_path / "new")
    assert "TRUESTEP_SEND_SECONDS: expected a number of at least 0.1, got 'soon'" in plain(finished.stderr)


@pytest.mark.parametrize(
    ("command", "key", "expected"),
    [
        ("run", "stake", "expected an amount such as 0.05, 20gwei or 7wei, got 'wrong'"),
        ("run", "engine", "expected one of"),
        ("doctor", "engine", "expected one of"),
    ],
)
def test_a_refused_value_of_a_file_names_the_file(
    truestep: Invoke, tmp_path: Path, command: str, key: str, expected: str
) -> None:
    text = f'rpc = "http://127.0.0.1:9"\nblobs = "b"\nkeystore = "k"\nstate_dir = "s"\n{key} = "wrong"\n'
    file = written(tmp_path, text)
    words = ("worker", command, "--config", file)
    refused = plain(truestep(*words).stderr)
    assert f"{key} in {file}: {expected}".replace(" ", "") in refused.replace(" ", ""), "paths are wrapped"
    typed = plain(truestep(*words, f"--{key}", "mine").stderr)
    assert str(file).replace(" ", "") not in typed.replace(" ", ""), "what was typed is not of the file"
