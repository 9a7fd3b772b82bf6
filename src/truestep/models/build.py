"""Builds a model into a program for the machine."""

import functools
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from truestep.guest.build import BuiltGuest
from truestep.guest.kept import kept
from truestep.guest.link import LinkOptions, compile_object, link, linked_sources, write_program
from truestep.guest.objects import with_weak_definitions
from truestep.guest.python.runtime import RUNTIME_DIRECTORY
from truestep.guest.toolchain import (
    C_DIRECTORY,
    COMPILE_FLAGS,
    LINK_FLAGS,
    ZIGLANG_VERSION,
    Toolchain,
    find_toolchain,
    own_headers,
)
from truestep.models.description import Model
from truestep.models.source import CONSTANTS_ASSEMBLY, source_of

_LAYERS_DIRECTORY = C_DIRECTORY / "models"
_DECIMALS = ("digits.c", "parse.c")
"""Python guests' exact conversions between text and floats."""
_ARCHIVE = "layers.a"
_FLAGS = ("-fhosted", "-O3")
"""Hosted: memcpy and its like are known to the compiler, which makes one instruction of a short copy."""
_OPTIONS = LinkOptions(library="small")


def build_model(model: Model, output: Path) -> BuiltGuest:
    """Compile a model into `output`. The same model gives the same bytes on every computer.

    Raises GuestBuildError, and ToolchainMissing if there is no compiler.
    """
    source = source_of(model)
    toolchain = find_toolchain()
    parts = {
        "model.c": source.code.encode(),
        "constants.s": CONSTANTS_ASSEMBLY.encode(),
        "constants.bin": source.constants,
    }
    with tempfile.TemporaryDirectory(prefix="truestep-model-") as name:
        directory = Path(name)
        for part, content in parts.items():
            (directory / part).write_bytes(content)
        _compile(toolchain, directory / "model.c", directory / "model.o")
        _compile(toolchain, directory / "constants.s", directory / "constants.o")
        (directory / _ARCHIVE).write_bytes(_layers_archive(toolchain))
        elf, _ = link(toolchain, ("model.o", "constants.o", _ARCHIVE), directory, _OPTIONS)
    write_program(output, elf)
    return BuiltGuest(
        path=output,
        size_bytes=len(elf),
        elf_sha256=hashlib.sha256(elf).hexdigest(),
        recipe_sha256=_recipe(parts.values()),
        warnings="",
    )


def _compile(toolchain: Toolchain, source: Path, target: Path) -> None:
    headers = (_LAYERS_DIRECTORY, RUNTIME_DIRECTORY, source.parent)
    flags = (*(f"-I{folder}" for folder in headers), "-Wno-unused-command-line-argument")
    compile_object(toolchain, source, target, *_FLAGS, *flags)


def _layers() -> list[Path]:
    """All sources but those of the model itself, which every model has in common."""
    own = sorted(_LAYERS_DIRECTORY.iterdir())
    return [*own, *(RUNTIME_DIRECTORY / name for name in (*_DECIMALS, "runtime.h"))]


@functools.cache
def _layers_archive(toolchain: Toolchain) -> bytes:
    sources = [*_layers(), *own_headers()]
    return kept("models", (*COMPILE_FLAGS, *_FLAGS), sources, lambda: _compile_layers(toolchain))


def _compile_layers(toolchain: Toolchain) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-layers-") as name:
        directory = Path(name)
        sources = [source for source in _layers() if source.suffix == ".c"]
        for source in sources:
            _compile(toolchain, source, directory / f"{source.stem}.o")
        objects = [f"{source.stem}.o" for source in sources]
        toolchain.run("ar", "rcsD", _ARCHIVE, *objects, directory=directory)
        return with_weak_definitions((directory / _ARCHIVE).read_bytes())


def _recipe(parts: Iterable[bytes]) -> str:
    settings = (ZIGLANG_VERSION, COMPILE_FLAGS, LINK_FLAGS, _FLAGS)
    digest = hashlib.sha256(repr(settings).encode())
    for content in parts:
        digest.update(hashlib.sha256(content).digest())
    for path in (*_layers(), *linked_sources()):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
