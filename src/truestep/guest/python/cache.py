"""A cache of built guests: an ELF file is reused until something it was built from changes."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.python.versions import compiler_versions
from truestep.guest.user_cache import user_cache

_TOOLCHAIN_DIRECTORY = Path(__file__).parents[1]
_TOOLCHAIN_SUFFIXES = {".py", ".c", ".h", ".S", ".ld", ".zig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A built program, and the digest of everything it was built from."""

    elf: bytes
    recipe_sha256: str
    warnings: str


def recall(source: Path, settings: str) -> Cached | None:
    """The program built earlier from `source`, if every file it was built from is unchanged."""
    try:
        entry = json.loads(_entry_path(source, settings).read_text(encoding="utf-8"))
        elf = _elf_path(entry["elf_sha256"]).read_bytes()
    except (OSError, ValueError, KeyError):
        return None
    digests: dict[str, str] = entry["read"]
    is_current = all(_digest_of(Path(path)) == digest for path, digest in digests.items())
    if not is_current or hashlib.sha256(elf).hexdigest() != entry["elf_sha256"]:
        return None
    recipe = _recipe(settings, digests.values())
    return Cached(elf=elf, recipe_sha256=recipe, warnings=entry.get("warnings", ""))


def remember(source: Path, settings: str, elf: bytes, read: Iterable[Path], warnings: str = "") -> Cached:
    """Keep a program for `recall`. If the cache cannot be written, builds are only slower."""
    digests = {str(path): _digest_of(path) for path in read}
    elf_sha256 = hashlib.sha256(elf).hexdigest()
    try:
        _write(_elf_path(elf_sha256), elf)
        entry = json.dumps({"elf_sha256": elf_sha256, "read": digests, "warnings": warnings})
        _write(_entry_path(source, settings), entry.encode())
    except OSError:
        pass
    return Cached(elf=elf, recipe_sha256=_recipe(settings, digests.values()), warnings=warnings)


def _recipe(settings: str, digests: Iterable[str]) -> str:
    text = "\n".join([_toolchain(), settings, *sorted(digests)])
    return hashlib.sha256(text.encode()).hexdigest()


def _toolchain() -> str:
    """The compiler: its packages' versions and our own sources."""
    digest = hashlib.sha256(compiler_versions().encode())
    for path in sorted(_TOOLCHAIN_DIRECTORY.rglob("*")):
        if path.suffix in _TOOLCHAIN_SUFFIXES:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _entry_path(source: Path, settings: str) -> Path:
    key = f"{_toolchain()}\n{settings}\n{source.resolve()}"
    return _directory() / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _elf_path(elf_sha256: str) -> Path:
    return _directory() / f"{elf_sha256}.elf"


def _directory() -> Path:
    return user_cache() / "guests"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
