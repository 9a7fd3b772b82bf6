"""Solidity contracts, compiled by the compiler that `make solc` installs from npm."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from truestep.contracts.artifacts import Artifact

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "packages" / "contracts"
PACKAGE_NAME = "truestep-contracts"
COMPILER = REPOSITORY / ".solc" / "node_modules" / "solc"
OUTPUTS = ("abi", "evm.bytecode.object", "evm.deployedBytecode.object")
COMPILED = REPOSITORY / ".pytest_cache" / "solidity"
"""What was compiled before, by the digest of the request."""
PROGRAM = "process.stdout.write(require(process.argv[1]).compile(require('fs').readFileSync(0, 'utf8')))"


def require_solc() -> None:
    """Skip a test where there is no compiler."""
    if shutil.which("node") is None or not (COMPILER / "package.json").is_file():
        pytest.skip("solc is not installed: `make solc` installs it where npm exists")


@cache
def compile_solidity(*folders: Path) -> dict[str, Artifact]:
    """The contracts of the npm package and of other folders, by name."""
    require_solc()
    sources = {f"{PACKAGE_NAME}/{path.relative_to(PACKAGE)}": path for path in PACKAGE.glob("src/**/*.sol")}
    sources |= {path.name: path for folder in folders for path in folder.glob("*.sol")}
    output = _compile(
        {
            "language": "Solidity",
            "sources": {name: {"content": path.read_text("utf-8")} for name, path in sorted(sources.items())},
            "settings": settings()
            | {
                "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
            },
        }
    )
    found = {name: contract for file in output["contracts"].values() for name, contract in file.items()}
    return {name: _artifact(name, contract) for name, contract in found.items()}


def settings() -> dict[str, Any]:
    """What the package's projects compile with."""
    return json.loads((PACKAGE / "solidity.json").read_text("utf-8"))["settings"]


def _compile(request: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(request)
    version = json.loads((COMPILER / "package.json").read_text("utf-8"))["version"]
    kept = COMPILED / f"{hashlib.sha256((version + text).encode()).hexdigest()}.json"
    if not kept.is_file():
        command = ["node", "-e", PROGRAM, str(COMPILER)]
        output = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
        messages = [error["formattedMessage"] for error in json.loads(output).get("errors", [])]
        assert messages == []
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(output, "utf-8")
    return json.loads(kept.read_text("utf-8"))


def _artifact(name: str, contract: dict[str, Any]) -> Artifact:
    code = bytes.fromhex(contract["evm"]["deployedBytecode"]["object"])
    return Artifact(
        name=name,
        abi=tuple(contract["abi"]),
        bytecode=bytes.fromhex(contract["evm"]["bytecode"]["object"]),
        deployed_size_bytes=len(code),
        code_size_bytes=len(code),
        code_sha256=hashlib.sha256(code).hexdigest(),
        immutables={},
    )
