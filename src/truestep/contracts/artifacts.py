"""The compiled contracts that ship with the package, one JSON file each; `build.py` writes them."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

_FOLDER = resources.files("truestep.contracts") / "artifacts"

AbiEntry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract: what deploying and calling it takes."""

    name: str
    abi: tuple[AbiEntry, ...]
    bytecode: bytes
    """Creation code, without constructor arguments."""
    deployed_size_bytes: int


def load_artifact(name: str) -> Artifact:
    """The compiled contract `name`, such as `Step`. Raises `LookupError` if there is none."""
    file = _FOLDER / f"{name}.json"
    if not file.is_file():
        raise LookupError(
            f"expected a compiled contract, one of {', '.join(artifact_names())}; got {name!r}"
            " (after adding a contract, run `make contracts`)"
        )
    fields = json.loads(file.read_text(encoding="utf-8"))
    return Artifact(
        name=name,
        abi=tuple(fields["abi"]),
        bytecode=bytes.fromhex(fields["bytecode"]),
        deployed_size_bytes=fields["deployed_size_bytes"],
    )


def artifact_names() -> list[str]:
    """The names of all compiled contracts, sorted."""
    return sorted(
        file.name.removesuffix(".json") for file in _FOLDER.iterdir() if file.name.endswith(".json")
    )
