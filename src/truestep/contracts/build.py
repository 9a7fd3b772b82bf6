"""Compile the contracts: `python -m truestep.contracts.build` writes artifacts, `--check` compares them.

Every `*.vy` beside this file becomes one artifact; subfolders hold what they import (interfaces, modules).
The sources choose compiler version and options by pragma: equal sources give equal artifacts everywhere.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CONTRACTS_FOLDER = Path(__file__).parent
_OUTPUT_FORMATS = ("abi", "bytecode", "bytecode_runtime", "layout", "settings")
DEPLOYED_SIZE_LIMIT_BYTES = 24_576
"""EIP-170: a chain refuses to deploy more."""


class BuildError(Exception):
    """The contracts cannot be compiled, or do not fit a chain; the message is for people."""


def build(sources: list[Path], libraries: Sequence[Path] = ()) -> dict[str, str]:
    """Compile contracts of one folder: artifact file name → file content. Raises `BuildError`.

    Imports are looked for in the sources' folder, then in those of `libraries`, the first one first.
    """
    if not sources:
        return {}
    lines = _run_vyper(sources, libraries).splitlines()
    step = len(_OUTPUT_FORMATS)
    return {
        f"{source.stem}.json": _artifact(source, lines[position * step : (position + 1) * step])
        for position, source in enumerate(sources)
    }


def _run_vyper(sources: list[Path], libraries: Sequence[Path]) -> str:
    if find_spec("vyper") is None:
        raise BuildError(
            "vyper is not installed; it comes with the `dev` extra: `make setup`, or install truestep[dev]"
        )
    command = [sys.executable, "-m", "vyper", "-f", ",".join(_OUTPUT_FORMATS), "--no-bytecode-metadata"]
    folders = [".", *map(str, libraries)]
    command += ["--disable-sys-path", *(part for folder in reversed(folders) for part in ("-p", folder))]
    command += [source.name for source in sources]  # the last folder goes first
    finished = subprocess.run(command, cwd=sources[0].parent, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise BuildError(f"vyper does not compile the contracts:\n{finished.stderr.strip()}")
    return finished.stdout


def _artifact(source: Path, outputs: list[str]) -> str:
    abi, bytecode, runtime, layout, settings = outputs
    immutables = _immutables(json.loads(layout).get("code_layout", {}))
    code = bytes.fromhex(runtime[2:])
    deployed_size_bytes = len(code) + sum(length for _, length in immutables.values())
    if deployed_size_bytes > DEPLOYED_SIZE_LIMIT_BYTES:
        raise BuildError(
            f"{source.name}: expected at most {DEPLOYED_SIZE_LIMIT_BYTES} bytes of deployed code,"
            f" got {deployed_size_bytes}; move code to another contract"
        )
    fields = {
        "contract": source.stem,
        "compiler": f"vyper {version('vyper')}",
        "settings": json.loads(settings),
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "deployed_size_bytes": deployed_size_bytes,
        "code_size_bytes": len(code),
        "code_sha256": hashlib.sha256(code).hexdigest(),
        "immutables": immutables,
        "bytecode": bytecode[2:],
        "abi": json.loads(abi),
    }
    return json.dumps(fields, indent=1) + "\n"


def _immutables(entries: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Where each immutable is behind the code, (offset, length); a module's are nested under its name."""
    found: dict[str, tuple[int, int]] = {}
    for name, entry in entries.items():
        if isinstance(entry.get("length"), int):
            found[name] = entry["offset"], entry["length"]
        else:
            nested = _immutables(entry)
            found |= {f"{name}.{inner}": place for inner, place in nested.items()}
    return found


def _differences(artifacts: dict[str, str], folder: Path, *, is_complete: bool) -> list[str]:
    """What is wrong with the artifacts in `folder`, a line each."""
    existing = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    lines = [f"{name}: missing" for name in artifacts.keys() - existing.keys()]
    lines += [f"{name}: its contract is gone" for name in existing.keys() - artifacts.keys() if is_complete]
    common = artifacts.keys() & existing.keys()
    lines += [f"{name}: differs from its source" for name in common if artifacts[name] != existing[name]]
    return sorted(lines)


def _write(artifacts: dict[str, str], folder: Path, *, is_complete: bool) -> None:
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.json"):
        if is_complete and file.name not in artifacts:
            file.unlink()
    for name, content in artifacts.items():
        (folder / name).write_text(content, encoding="utf-8")


def _chosen_sources(folder: Path, names: list[str]) -> list[Path]:
    sources = {source.stem: source for source in sorted(folder.glob("*.vy"))}
    for name in names:
        if name not in sources:
            raise BuildError(f"expected contracts out of {', '.join(sources)}; got {name!r}")
    return [sources[name] for name in names] or list(sources.values())


def main(arguments: list[str] | None = None, folder: Path = CONTRACTS_FOLDER) -> int:
    """The command, on the contracts in `folder`; its exit code, 0 if all is well."""
    parser = argparse.ArgumentParser(
        prog="python -m truestep.contracts.build",
        description="Compile the contracts into the artifacts that ship with the package.",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the artifacts there are; write nothing"
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a contract such as Step; all if none is given"
    )
    options = parser.parse_args(arguments)
    try:
        artifacts = build(_chosen_sources(folder, options.names))
    except BuildError as error:
        return _fail(str(error))
    if not options.check:
        _write(artifacts, folder / "artifacts", is_complete=not options.names)
        return 0
    differences = _differences(artifacts, folder / "artifacts", is_complete=not options.names)
    return (
        _fail("\n".join([*differences, "run `make contracts` and commit the result"])) if differences else 0
    )


def _fail(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
