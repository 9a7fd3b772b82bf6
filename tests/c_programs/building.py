"""Builds a program from its archive, for this computer or as a guest."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.c_programs.fetching import unpack
from tests.c_programs.manifest import HERE, Program
from truestep.guest.driver.tools import CMAKE_TOOLCHAIN

MESSAGE_CHARACTERS = 3000
"""The end of what a failed command said: enough for the error and what led to it."""
_BUILD_SECONDS = 2400
_REPOSITORY = Path(__file__).parents[2]
_GUEST_PACKAGE = _REPOSITORY / "src" / "truestep" / "guest"


class CommandFailed(Exception):
    """A command failed; the words are its last ones."""


def built(program: Program, archive: Path, kind: str, folder: Path) -> Path:
    """The folder of the program that is built in `folder`; what is there already is taken if nothing changed.

    `kind` is `native` or `guest`. One process at a time builds a program.
    """
    place = folder / kind / program.name
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _built_alone(program, archive, kind, place)


def _built_alone(program: Program, archive: Path, kind: str, place: Path) -> Path:
    stamp = place / "stamp"
    recipe = _recipe(program, kind)
    known, _, before = stamp.read_text(encoding="utf-8").partition("\n") if stamp.is_file() else ("",) * 3
    if known == recipe:
        return Path(before)
    stamp.unlink(missing_ok=True)
    root = unpack(program.source, archive, place / "source")
    tools = _guest_tools() if kind == "guest" else _native_tools()
    drivers = {"DRIVERS": str(program.home / "drivers"), "SHARED_DRIVERS": str(HERE / "drivers")}
    environment = {**os.environ, **tools, **drivers}
    _run(["sh", "-e", "-c", program.build], folder=root, environment=environment)
    if not (root / program.binary).is_file():
        raise CommandFailed(f"expected the build to make {program.binary}")
    stamp.write_text(f"{recipe}\n{root}", encoding="utf-8")
    return root


def _native_tools() -> dict[str, str]:
    """The environment in which a program is built for this computer."""
    return {
        "CC": "gcc",
        "CXX": "g++",
        "AR": "ar",
        "RANLIB": "ranlib",
        "CONFIGURE": "./configure",
        "CMAKE": "cmake",
    }


def _guest_tools() -> dict[str, str]:
    """The environment in which it is built as a guest, by the compilers of this checkout."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(_REPOSITORY / "src"),
        "CC": "truestep-cc",
        "CXX": "truestep-c++",
        "AR": "truestep-ar",
        "RANLIB": "truestep-ranlib",
        "CONFIGURE": "./configure --host=riscv64-unknown-elf",
        "CMAKE": f"cmake -DCMAKE_TOOLCHAIN_FILE={CMAKE_TOOLCHAIN}",
    }


def _recipe(program: Program, kind: str) -> str:
    """A digest of everything that a build depends on."""
    python = str(Path(sys.prefix).resolve() / "bin" / Path(sys.executable).name)
    digest = hashlib.sha256(repr((kind, program.source.sha256, program.build, python)).encode())
    drivers = [folder / "drivers" for folder in {program.home, HERE}]
    patterns = (f"{program.name}.c*", "*.h")
    files = sorted(path for folder in drivers for pattern in patterns for path in folder.glob(pattern))
    if kind == "guest":
        files += sorted(
            path for path in _GUEST_PACKAGE.glob("**/*") if path.is_file() and not _is_python_guest(path)
        )
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_python_guest(path: Path) -> bool:
    return "python" in path.relative_to(_GUEST_PACKAGE).parts or "__pycache__" in path.parts


def _run(command: list[str], *, folder: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"did not end within {_BUILD_SECONDS} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise CommandFailed(f"ended with {done.returncode}:\n{said[-MESSAGE_CHARACTERS:]}")
