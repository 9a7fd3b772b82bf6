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
    code_size_bytes: int
    """Of what is deployed, without the immutables behind it."""
    code_sha256: str
    """Of the deployed code, without the immutables behind it."""
    immutables: dict[str, tuple[int, int]]
    """Where each one is behind the code: offset and length."""


def load_artifact(name: str) -> Artifact:
    """The compiled contract `name`, such as `Step`. Raises `LookupError` if there is none."""
    file = _FOLDER / f"{name}.json"
    if not file.is_file():
        raise LookupError(
            f"expected a compiled contract, one of {', '.join(artifact_names())}; got {name!r}"
            " (after adding a contract, run `make contracts`)"
        )
    return artifact_from(json.loads(file.read_text(encoding="utf-8")))


def artifact_from(fields: dict[str, Any]) -> Artifact:
    """The artifact in a file's JSON object."""
    return Artifact(
        name=fields["contract"],
        abi=tuple(fields["abi"]),
        bytecode=bytes.fromhex(fields["bytecode"]),
        deployed_size_bytes=fields["deployed_size_bytes"],
        code_size_bytes=fields["code_size_bytes"],
        code_sha256=fields["code_sha256"],
        immutables={name: (offset, length) for name, (offset, length) in fields["immutables"].items()},
    )


def artifact_names() -> list[str]:
    """The names of all compiled contracts, sorted."""
    files = (file.name for file in _FOLDER.iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))
