"""`truestep verify` of proofs of other systems, and `truestep program bind-proof`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.client.test_foreign_receipts import plain, sp1_saved
from tests.proofs.fixtures import fixtures, names, receipt

PASSWORD = "a long password"


@pytest.fixture
def proofs(tmp_path: Path) -> dict[str, Path]:
    """A file for each public proof."""
    found = {name: tmp_path / f"{name.replace(' ', '-')}.json" for name in fixtures()}
    for name, path in found.items():
        path.write_text(json.dumps(plain(receipt(name))))
    return found


@pytest.mark.parametrize("name", names("live"))
def test_a_live_proof_is_verified(truestep: Invoke, proofs: dict[str, Path], name: str) -> None:
    shown = truestep("verify", proofs[name])
    assert shown.exit_code == 0
    for said in (f"a Groth16 proof of {name}", receipt(name).image.hex(), "not proven: what it was given"):
        assert said in shown.stdout
    fields = truestep("verify", proofs[name], "--json").fields()
    assert fields["verified"] is True
    assert (fields["image"], fields["journal"]) == (receipt(name).image.hex(), receipt(name).journal.hex())


@pytest.mark.parametrize("name", names("broken"))
def test_a_broken_version_is_refused_by_name(truestep: Invoke, proofs: dict[str, Path], name: str) -> None:
    refused = truestep("verify", proofs[name])
    assert refused.exit_code == 1
    assert f"proofs of {name} are refused" in " ".join(refused.stderr.split())
    assert "verified" not in refused.stdout


def test_a_changed_journal_is_not_verified(truestep: Invoke, proofs: dict[str, Path]) -> None:
    path = proofs["RISC Zero 3.0"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"journal": "00"}))
    refused = truestep("verify", path)
    assert refused.exit_code == 1
    assert "not verified: this is no proof that the program wrote these bytes" in refused.stdout
    fields = truestep("verify", path, "--json").fields()
    assert fields["verified"] is False


def test_a_proof_of_another_program_is_refused(truestep: Invoke, proofs: dict[str, Path]) -> None:
    path = proofs["SP1 6.1.0"]
    assert truestep("verify", path, "--image", receipt("SP1 6.1.0").image.hex()).exit_code == 0
    refused = truestep("verify", path, "--image", "11" * 32)
    assert refused.exit_code == 1
    assert "says nothing about the program that you asked for" in " ".join(refused.stderr.split())


def test_a_journal_cannot_write_to_the_terminal(truestep: Invoke, proofs: dict[str, Path]) -> None:
    path = proofs["RISC Zero 3.0"]
    for text in (b"[bold]x[/]", b"\x1b[31mred", b'"\\"'):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"journal": text.hex()}))
        shown = truestep("verify", path)
        assert shown.exit_code == 1
        assert "\x1b" not in shown.stdout
        assert text.isascii() and (text.hex() in shown.stdout or text.decode() in shown.stdout)


def test_a_binary_file_says_how_to_write_json(truestep: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "proof.bin"
    path.write_bytes(bytes(range(256)))
    refused = truestep("verify", path)
    assert refused.exit_code == 1
    assert "serde_json" in refused.stderr


def test_a_file_that_sp1_saved_is_verified(truestep: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "proof.bin"
    path.write_bytes(sp1_saved(receipt("SP1 6.1.0")))
    assert truestep("verify", path, "--json").fields()["verified"] is True


def test_options_of_foreign_proofs_mean_nothing_elsewhere(truestep: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    refused = truestep("verify", path, "--image", "11" * 32)
    assert refused.exit_code == 2
    assert "no proof of RISC Zero or SP1" in " ".join(refused.stderr.replace("│", " ").split())


def test_a_binding_is_made_signed_and_shown(
    truestep: Invoke, proofs: dict[str, Path], tmp_path: Path, hello_elf: Path
) -> None:
    proof, binding = proofs["RISC Zero 3.0"], tmp_path / "binding.json"
    password, keystore = tmp_path / "password", tmp_path / "binder.json"
    password.write_text(PASSWORD)
    address = truestep("account", "new", keystore, "--password-file", password, "--json").fields()["address"]
    signing = ("--keystore", keystore, "--password-file", password)
    made = truestep("program", "bind-proof", hello_elf, "--proof", proof, "-o", binding, *signing)
    assert made.exit_code == 0
    said = " ".join(made.stdout.split())
    assert "is what the binder says, and not proven" in said
    assert f"signed by {address}" in said
    shown = truestep("verify", proof, "--binding", binding)
    assert shown.exit_code == 0
    assert f"{address} has signed" in shown.stdout
    alone = truestep("verify", binding)
    assert alone.exit_code == 0
    assert "the signature, not what it says" in alone.stdout
    other = truestep("verify", proofs["SP1 6.1.0"], "--binding", binding)
    assert other.exit_code == 1
    assert "give the binding of this program" in " ".join(other.stderr.split())


def test_a_changed_binding_is_refused(
    truestep: Invoke, proofs: dict[str, Path], tmp_path: Path, hello_elf: Path
) -> None:
    binding = tmp_path / "binding.json"
    image = ("--image", "ab" * 32, "--system", "sp1")
    assert truestep("program", "bind-proof", hello_elf, *image, "-o", binding).exit_code == 0
    assert "nobody has signed it" in truestep("verify", binding).stdout
    right = json.loads(binding.read_text())
    assert right["binder"] is None
    for change in (
        {"image": "cd" * 32},
        {"entry": right["entry"] + 4},
        {"says": right["says"].replace("not proven", "proven")},
        {"binder": "0x" + "11" * 20},
        {"binder": "0x" + "11" * 20, "signature": "22" * 65},
        {"signature": "22" * 64 + "1b"},
        {"version": 2},
        {"more": 1},
    ):
        binding.write_text(json.dumps(right | change))
        refused = truestep("verify", binding)
        assert refused.exit_code == 1, change
        assert "verified" not in refused.stdout


def test_a_program_is_not_bound_by_a_proof_that_does_not_hold(
    truestep: Invoke, proofs: dict[str, Path], tmp_path: Path, hello_elf: Path
) -> None:
    proof, binding = proofs["RISC Zero 3.0"], tmp_path / "binding.json"
    broken = truestep("program", "bind-proof", hello_elf, "--proof", proofs["RISC Zero 2.0"], "-o", binding)
    proof.write_text(json.dumps(json.loads(proof.read_text()) | {"journal": "00"}))
    false = truestep("program", "bind-proof", hello_elf, "--proof", proof, "-o", binding)
    nothing = truestep("program", "bind-proof", hello_elf, "-o", binding)
    assert (broken.exit_code, false.exit_code, nothing.exit_code) == (1, 1, 2)
    assert not binding.exists()
