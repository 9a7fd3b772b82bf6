"""Contracts that only tests and examples need, compiled when they are used."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from tests.contracts.evm import SENDER, Evm, EvmContract
from truestep.contracts.artifacts import Artifact, artifact_from
from truestep.contracts.build import build

CALLERS = Path(__file__).parent / "callers"


@cache
def compile_folder(folder: Path, *libraries: Path) -> dict[str, Artifact]:
    """Every contract of a folder, by name; its imports may be in `libraries`."""
    return {
        name.removesuffix(".json"): artifact_from(json.loads(content))
        for name, content in build(sorted(folder.glob("*.vy")), libraries).items()
    }


def deploy_compiled(evm: Evm, artifact: Artifact, *arguments: Any, sender: str = SENDER) -> EvmContract:
    """Deploy a contract that does not ship with the package."""
    types = [collapse_if_tuple(p) for e in artifact.abi if e["type"] == "constructor" for p in e["inputs"]]
    return evm.deploy_code(artifact, artifact.bytecode + encode(types, arguments), sender=sender)


def deploy_caller(evm: Evm, name: str) -> EvmContract:
    """Deploy `Relay`, `Glutton` or `Batcher`, with coins."""
    contract = deploy_compiled(evm, compile_folder(CALLERS)[name])
    evm.chain.set_balance(contract.address, 10**21)
    return contract


def message_of(contract: EvmContract, function: str, *arguments: Any) -> bytes:
    """The bytes that call a function."""
    return call_bytes(contract.artifact, function, *arguments)


def call_bytes(artifact: Artifact, function: str, *arguments: Any) -> bytes:
    """The bytes that call a function of a contract, wherever it is."""
    entry = next(e for e in artifact.abi if e.get("name") == function)
    types = [collapse_if_tuple(parameter) for parameter in entry["inputs"]]
    return keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, arguments)
