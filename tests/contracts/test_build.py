"""The build command, on small contracts in a folder of their own, and the artifacts that ship."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from tests.contracts.compiled import deploy_compiled
from tests.contracts.evm import Evm
from truestep.contracts.artifacts import artifact_from, artifact_names, load_artifact
from truestep.contracts.build import CONTRACTS_FOLDER, BuildError, build, main

COUNTER = """#pragma version 0.4.3
#pragma evm-version prague
from modules import steps

LIMIT: immutable(uint256[3])
count: public(uint256)


@deploy
def __init__():
    LIMIT = [1, 2, 3]


@external
def advance():
    self.count = steps.after(self.count)


@external
@view
def limit(index: uint256) -> uint256:
    return LIMIT[index]
"""
STEPS = """#pragma version 0.4.3
@internal
@pure
def after(count: uint256) -> uint256:
    return count + 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one contract, which imports a module."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "steps.vy").write_text(STEPS)
    (tmp_path / "Counter.vy").write_text(COUNTER)
    return tmp_path


def test_only_what_lies_in_the_folder_itself_becomes_an_artifact(folder: Path) -> None:
    assert main([], folder) == 0
    written = [file.name for file in (folder / "artifacts").iterdir()]
    assert written == ["Counter.json"]
    fields = json.loads((folder / "artifacts" / "Counter.json").read_text())
    assert fields["contract"] == "Counter"
    assert fields["compiler"] == "vyper 0.4.3"
    assert fields["settings"]["evm_version"] == "prague"
    assert fields["source_sha256"] == hashlib.sha256(COUNTER.encode()).hexdigest()
    assert {entry.get("name") for entry in fields["abi"]} == {None, "advance", "count", "limit"}
    assert fields["deployed_size_bytes"] < len(fields["bytecode"]) // 2 + 3 * 32


def test_equal_sources_give_equal_artifacts_anywhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "modules").mkdir()
    for name in ("Counter.vy", "modules/steps.vy"):
        (other / name).write_bytes((folder / name).read_bytes())
    assert build([folder / "Counter.vy"]) == build([other / "Counter.vy"])


def test_immutables_count_as_deployed(folder: Path) -> None:
    size = json.loads(build([folder / "Counter.vy"])["Counter.json"])["deployed_size_bytes"]
    (folder / "Counter.vy").write_text(
        COUNTER.replace("uint256[3]", "uint256[4]").replace("2, 3]", "2, 3, 4]")
    )
    assert json.loads(build([folder / "Counter.vy"])["Counter.json"])["deployed_size_bytes"] == size + 32


def test_what_is_deployed_is_the_code_and_then_the_immutables(folder: Path) -> None:
    artifact = artifact_from(json.loads(build([folder / "Counter.vy"])["Counter.json"]))
    evm = Evm()
    code = bytes(evm.chain.get_code(deploy_compiled(evm, artifact).address) or b"")
    assert not any(code[artifact.deployed_size_bytes :])  # where this EVM pads
    assert hashlib.sha256(code[: artifact.code_size_bytes]).hexdigest() == artifact.code_sha256
    assert artifact.immutables == {"LIMIT": (0, 96)}
    assert code[artifact.code_size_bytes : artifact.deployed_size_bytes] == b"".join(
        word.to_bytes(32, "big") for word in (1, 2, 3)
    )


def test_check_finds_every_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], folder) == 1
    assert "Counter.json: missing" in capsys.readouterr().err
    main([], folder)
    assert main(["--check"], folder) == 0
    (folder / "modules" / "steps.vy").write_text(STEPS.replace("+ 1", "+ 2"))
    (folder / "artifacts" / "Gone.json").write_text("{}")
    assert main(["--check"], folder) == 1
    message = capsys.readouterr().err
    assert "Counter.json: differs from its source" in message
    assert "Gone.json: its contract is gone" in message
    assert "run `make contracts`" in message
    assert main(["--check", "Counter"], folder) == 1
    assert main([], folder) == main(["--check"], folder) == 0


def test_a_mistake_reaches_the_user_as_the_compiler_said_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "modules" / "steps.vy").write_text(STEPS.replace("count + 1", "cuont + 1"))
    assert main([], folder) == 1
    message = capsys.readouterr().err
    assert "steps.vy:5" in message and "'cuont' has not been declared" in message
    assert not (folder / "artifacts").exists()


def test_a_contract_too_large_for_a_chain_is_refused(folder: Path) -> None:
    texts = "".join(
        f"\n\n@external\n@pure\ndef text{n}() -> String[5000]:\n    return '{str(n) * 5000}'\n"
        for n in range(5)
    )
    (folder / "Counter.vy").write_text(COUNTER + texts)
    with pytest.raises(
        BuildError, match=r"Counter.vy: expected at most 24576 bytes of deployed code, got 2\d{4}"
    ):
        build([folder / "Counter.vy"])


def test_a_missing_compiler_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vyper", None)  # as where truestep is installed without `dev`
    assert main(["--check"], folder) == 1
    assert "vyper is not installed; it comes with the `dev` extra" in capsys.readouterr().err


def test_an_unknown_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Clock"], folder) == 1
    assert "expected contracts out of Counter; got 'Clock'" in capsys.readouterr().err


def test_every_contract_ships() -> None:
    sources = sorted(source.stem for source in CONTRACTS_FOLDER.glob("*.vy"))
    assert artifact_names() == sources
    for name in sources:
        artifact = load_artifact(name)
        assert artifact.name == name
        assert 0 < artifact.deployed_size_bytes < len(artifact.bytecode) + 4096
        assert any(entry["type"] == "function" for entry in artifact.abi)


def test_an_artifact_that_is_not_there() -> None:
    with pytest.raises(LookupError, match=r"one of .*Step.*; got 'Stepp'"):
        load_artifact("Stepp")
