"""Contracts that only tests and examples need, compiled when they are used."""

from __future__ import annotations

import fcntl
import json
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from tests.conftest import REPOSITORY
from tests.contracts.evm import SENDER, Evm, EvmContract
from truestep.contracts.artifacts import Artifact, artifact_from
from truestep.contracts.build import CONTRACTS_FOLDER, build

KEPT = REPOSITORY / ".pytest_cache" / "contracts"
CALLERS = Path(__file__).parent / "callers"


@cache
def compile_folder(folder: Path) -> dict[str, Artifact]:
    """Every contract of a folder, by name; it may import those of truestep.

    Compiling takes a second for each, so the processes of a run share what one of them has compiled.
    """
    sources = sorted(folder.glob("*.vy"))
    read = sorted(path for root in (folder, CONTRACTS_FOLDER) for path in root.rglob("*.vy*"))
    stamp = sha256(version("vyper").encode())
    for path in read:
        stamp.update(f"{path} {path.stat().st_size} ".encode() + path.read_bytes())
    kept = KEPT / f"{stamp.hexdigest()}.json"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = build(sources, [CONTRACTS_FOLDER])
            kept.with_suffix(".partial").write_text(json.dumps(made))
            kept.with_suffix(".partial").replace(kept)
    contracts: dict[str, str] = json.loads(kept.read_text())
    return {name.removesuffix(".json"): artifact_from(json.loads(text)) for name, text in contracts.items()}


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
