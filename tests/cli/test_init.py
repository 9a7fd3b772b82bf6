"""`truestep init`: each template builds and does what its README says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.contracts.solidity import compile_solidity
from truestep.client.projects import TEMPLATES, Template, TemplateName
from truestep.contracts.build import CONTRACTS_FOLDER

TEXT = "What one computer has counted, another can count again."


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_template_is_written_and_offered(template: Template, truestep: Invoke, tmp_path: Path) -> None:
    name = template.name
    finished = truestep("init", tmp_path / name, "--template", name, "--json")
    assert finished.exit_code == 0, finished.stderr
    files = [Path(path) for path in json.loads(finished.stdout)["files"]]
    assert {path.name for path in (tmp_path / name).iterdir()} == {path.name for path in files}
    assert "README.md" in {path.name for path in files}
    readme = (tmp_path / name / "README.md").read_text("utf-8")
    for command in re.findall(r"^    truestep (\S+)", readme, re.MULTILINE):
        assert truestep(command, "--help").exit_code == 0, command


def test_every_name_has_a_template() -> None:
    assert [template.name for template in TEMPLATES] == list(TemplateName)


def test_no_file_is_overwritten(truestep: Invoke, tmp_path: Path) -> None:
    (tmp_path / "letters.c").write_text("mine", "utf-8")
    finished = truestep("init", tmp_path)
    assert finished.exit_code == 1 and "letters.c exists already" in finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letters.c"]
    assert (tmp_path / "letters.c").read_text("utf-8") == "mine"


def test_the_shards_of_the_reduce_template_add_up(truestep: Invoke, tmp_path: Path) -> None:
    assert truestep("init", tmp_path, "--template", "reduce").exit_code == 0
    slots = b""
    for name in ("letters", "total"):
        built = truestep("build", tmp_path / f"{name}.c", "--output", tmp_path / f"{name}.elf")
        assert built.exit_code == 0, built.stderr
    for shard in range(3):
        part = tmp_path / f"part-{shard}"
        text = tmp_path / "text.txt"
        run = ("run", tmp_path / "letters.elf", "--input", text, "--shard", f"{shard}/3", "--output", part)
        assert truestep(*run).exit_code == 0
        slots += part.read_bytes().ljust(32, b"\0")
    (tmp_path / "slots").write_bytes(slots)
    total, slots_file = tmp_path / "total", tmp_path / "slots"
    finished = truestep("run", tmp_path / "total.elf", "--input", slots_file, "--output", total)
    assert finished.exit_code == 0, finished.stderr
    assert int.from_bytes(total.read_bytes(), "little") == sum(letter.isalpha() for letter in TEXT)


@pytest.mark.long
def test_the_python_template_builds(truestep: Invoke, tmp_path: Path) -> None:
    assert truestep("init", tmp_path, "--template", "python").exit_code == 0
    subprocess.run([sys.executable, "make_prices.py"], cwd=tmp_path, check=True)
    model, prices = tmp_path / "model.py", tmp_path / "prices.bin"
    finished = truestep("run", model, "--input", prices, "--shard", "0/4")
    assert finished.exit_code == 0, finished.stderr


def test_the_vyper_template_compiles(truestep: Invoke, tmp_path: Path) -> None:
    assert truestep("init", tmp_path, "--template", "vyper").exit_code == 0
    vyper = Path(sys.executable).with_name("vyper")
    words = [str(vyper), "-p", str(CONTRACTS_FOLDER), "-f", "combined_json", str(tmp_path / "Letters.vy")]
    compiled = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    (artifact,) = (output for name, output in compiled.items() if name.endswith("Letters.vy"))
    assert {"abi", "bytecode"} <= artifact.keys()
    compile((tmp_path / "consume.py").read_text("utf-8"), "consume.py", "exec")


@pytest.mark.long
def test_the_solidity_template_compiles(truestep: Invoke, tmp_path: Path) -> None:
    assert truestep("init", tmp_path, "--template", "solidity").exit_code == 0
    assert "Letters" in compile_solidity(tmp_path)
