"""Forged files of circuits' proofs: whatever they say, a person reads what was checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.circuits.models import small_mlp
from truestep.circuits.model_file import model_digest
from truestep.circuits.proof_file import ProofFile, check_names
from truestep.circuits.reference import public_inputs
from truestep.circuits.verifier import KEY_BYTES, key_digest, key_header
from truestep.cli.main import app

DEEP = 100_000


def forged(**changes: Any) -> str:
    """A file that is well-formed, with a key whose points are all at infinity."""
    header = b"".join(word.to_bytes(32, "big") for word in key_header(14))
    key = header + bytes(KEY_BYTES - len(header))
    public = [f"0x{each:064x}" for each in public_inputs(b"abc", (3,))]
    fields: dict[str, Any] = {
        "format": "truestep circuit proof",
        "version": 1,
        "warning": None,
        "model": "m",
        "model_sha256": "0" * 64,
        "system": "UltraHonk, bb 5.0.0, Noir 1.0.0-beta.26",
        "key": "production",
        "key_digest": f"0x{key_digest(key).hex()}",
        "output": "class",
        "runs": [{"words": [3], "public_inputs": public}],
        "public_inputs": public,
        "verification_key": f"0x{key.hex()}",
        "proof": "0x",
    }
    return json.dumps(fields | changes)


def said(path: Path, *options: str) -> list[str]:
    finished = CliRunner().invoke(app, ["verify", str(path), *options])
    assert finished.exit_code == 1, finished.output
    assert isinstance(finished.exception, SystemExit), finished.exception
    return finished.output.splitlines()


@pytest.mark.parametrize("name", ["[/]", "[bold green]verified[/]\nverified\n"])
def test_a_name_is_shown_as_it_is_and_on_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "proof.json"
    path.write_text(forged(model=name))
    lines = said(path)
    assert f"{' '.join(name.split())}: class 3" in lines
    assert lines[-1] == "not verified"
    assert "verified" not in lines


def test_a_digest_that_is_none_is_shown_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(forged())
    assert "NO  its circuit is the one you trust (expected [/])" in said(path, "--key-digest", "[/]")


@pytest.mark.parametrize("head", ['{"format": "truestep circuit proof", "a": ', '{"seal": ', ""])
def test_a_deep_nest_is_refused_and_ends_no_process(tmp_path: Path, head: str) -> None:
    path = tmp_path / "proof.json"
    path.write_text(head + "[" * DEEP + "]" * DEEP + ("}" if head else ""))
    assert "not a receipt" in said(path, "--offline")[0]


def test_what_a_file_says_of_the_model_is_held_against_it() -> None:
    model = small_mlp()
    true = {"model": model.name, "model_sha256": model_digest(model), "output": "scores"}
    file = ProofFile.model_validate_json(forged(**true))
    assert check_names(file, model).passed
    for wrong in ({"model": "other"}, {"model_sha256": "1" * 64}, {"output": "class"}):
        other = ProofFile.model_validate_json(forged(**true | wrong))
        assert not check_names(other, model).passed
