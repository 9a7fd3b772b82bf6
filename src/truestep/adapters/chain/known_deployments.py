"""Remembers which deployments were inspected, so that commands do not fetch their code again and again."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.files import write_file
from truestep.contracts.artifacts import load_artifact
from truestep.guest.user_cache import user_cache

KEPT = 256
"""Deployments remembered; the oldest are forgotten. Devnets make a new one at each start."""


def is_known(deployment: Deployment) -> bool:
    """Whether this deployment was found right by this version of the contracts."""
    return _key(deployment) in _read(_file())


def remember(deployment: Deployment) -> None:
    """Note that it was found right. A cache that cannot be written is no failure."""
    key, file = _key(deployment), _file()
    keys = [*(each for each in _read(file) if each != key), key][-KEPT:]
    try:
        write_file(file, json.dumps(keys))
    except OSError:
        return


def _file() -> Path:
    return user_cache() / "inspected-deployments.json"


def _read(file: Path) -> list[str]:
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [f"{each}" for each in cast("list[Any]", found)] if isinstance(found, list) else []


def _key(deployment: Deployment) -> str:
    """Changes with anything in the file, and with the code that this version ships."""
    digest = hashlib.sha256(deployment.model_dump_json().encode())
    for name in deployment.contracts:
        artifact = load_artifact(name)
        digest.update(f"{name}:{artifact.code_sha256}".encode())
    return digest.hexdigest()
