"""Keeps compiled code on disk for all processes of one user.

What is read is executed, so the directory must be writable by its owner only. A damaged entry is deleted and
built again. An unusable directory costs time but never a run.
"""

import hashlib
import logging
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import llvmlite

from truestep.engine.host import processor

CACHE_LIMIT_BYTES = 512 << 20
"""The default size: the code of some 5,000,000 instructions."""
SWEEPS_PER_LIMIT = 32
"""The most times a writer looks for entries to evict while it writes as much as the limit."""

_SUFFIX = ".object"
_DIGEST_SIZE_BYTES = 32
_ENGINE = Path(__file__).resolve().parents[1]
_SOURCES = (_ENGINE, _ENGINE.parent / "machine")

_log = logging.getLogger(__name__)


@cache
def build_id() -> bytes:
    """A digest of everything besides the program that determines the code: translator, LLVM and processor."""
    digest = hashlib.sha256()
    digest.update(repr((llvmlite.__version__, processor())).encode())
    for source in sorted(path for folder in _SOURCES for path in folder.rglob("*.py")):
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.digest()


class ObjectCache:
    """Object code by key in a directory; evicts the least recently used first. Safe for many processes."""

    def __init__(self, directory: Path, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
        self.directory = directory
        self.limit_bytes = limit_bytes
        self.written_bytes = 0
        """What this object has written."""
        self._unswept_bytes = limit_bytes
        self._is_usable: bool | None = None

    @property
    def is_usable(self) -> bool:
        """Whether entries can be read and written, as far as is known."""
        return self._is_open()

    def load(self, key: bytes) -> bytes | None:
        """The object code stored under `key`, unchanged, or None."""
        if not self._is_open():
            return None
        path = self._path(key)
        try:
            entry = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._give_up(error)
            return None
        content = entry[_DIGEST_SIZE_BYTES:]
        if entry[:_DIGEST_SIZE_BYTES] == _checksum(key, content):
            return content
        _log.warning("deleting a damaged entry of the code cache, which will be built again: %s", path)
        with suppress(OSError):
            path.unlink()
        return None

    def store(self, key: bytes, content: bytes) -> None:
        """Keep object code under `key`, then evict entries above the limit."""
        if not self._is_open():
            return
        try:
            self._write(self._path(key), _checksum(key, content) + content)
            self.written_bytes += len(content)
            self._unswept_bytes += len(content)
            if self._unswept_bytes * SWEEPS_PER_LIMIT >= self.limit_bytes:
                self._unswept_bytes = 0
                self._sweep()
        except OSError as error:
            self._give_up(error)

    def _path(self, key: bytes) -> Path:
        return self.directory / (hashlib.sha256(key).hexdigest() + _SUFFIX)

    def _write(self, path: Path, entry: bytes) -> None:
        """Write an entry, which gets its name only once it is complete."""
        descriptor, name = tempfile.mkstemp(prefix=path.stem, suffix=".new", dir=self.directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(entry)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete the least recently used entries until the rest is within the limit."""
        entries: list[tuple[int, int, str]] = []
        with os.scandir(self.directory) as listing:
            for item in listing:
                # Other processes delete entries too.
                with suppress(FileNotFoundError):
                    status = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        entries.append((status.st_mtime_ns, status.st_size, item.path))
        excess_bytes = sum(size_bytes for _, size_bytes, _ in entries) - self.limit_bytes
        for _, size_bytes, name in sorted(entries):
            if excess_bytes <= 0:
                break
            Path(name).unlink(missing_ok=True)
            excess_bytes -= size_bytes

    def _is_open(self) -> bool:
        """Whether the directory exists, belongs to this user and is writable by nobody else; decided once."""
        if self._is_usable is None:
            try:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                reason = _why_unsafe(self.directory)
            except OSError as error:
                reason = str(error)
            self._is_usable = reason is None
            if reason is not None:
                _log.warning("compiled code is not kept: %s", reason)
        return self._is_usable

    def _give_up(self, error: OSError) -> None:
        self._is_usable = False
        _log.warning("compiled code is no longer kept in %s: %s", self.directory, error)


def _checksum(key: bytes, content: bytes) -> bytes:
    """A checksum that covers the key, so that an entry under a wrong name counts as damaged."""
    return hashlib.sha256(hashlib.sha256(key).digest() + content).digest()


def _why_unsafe(directory: Path) -> str | None:
    """Why code from `directory` must not be executed, or None."""
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return f"expected {directory} to be a directory, got something else; delete it"
    if status.st_uid != os.getuid():
        return f"expected {directory} to belong to user {os.getuid()}, got {status.st_uid}; delete it"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"expected {directory} to be writable by its owner alone; chmod 700 it, or delete it"
    return None
