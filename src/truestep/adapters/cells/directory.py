"""Cells in a directory: a folder for each item, a file for each run, written atomically and durably."""

import shutil
import threading
from contextlib import suppress
from pathlib import Path

from truestep.adapters.cells.names import (
    MANIFEST,
    MANIFEST_LIMIT_BYTES,
    RESERVED_BYTES,
    item_folder,
    item_of,
    manifest_name,
    no_room,
    run_name,
    run_of,
)
from truestep.adapters.files import UNFINISHED_SUFFIX, sync_folder, write_file
from truestep.adapters.lock import Held, hold
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.cells import RunKey

LOCK = ".lock"


class DirectoryCells:
    """Satisfies `truestep.ports.cells.CellStore`. The directory is one process's, until it is closed."""

    def __init__(self, folder: Path, *, limit_bytes: int, reserved_bytes: int = RESERVED_BYTES) -> None:
        """Open or make `folder`, and delete what a killed process left unfinished.

        Raises `Rejected` if another process has it, `Unavailable` if the disk fails.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._reserved_bytes = reserved_bytes
        self._mutex = threading.Lock()
        try:
            self._lock_file = hold(folder / LOCK)
        except Held as error:
            raise Rejected(
                Reject.STORE_IN_USE,
                f"process {error.holder} uses {folder}; stop it, or give this keeper another --store",
            ) from error
        except OSError as error:
            raise Unavailable(f"cannot open {folder}: {error}; check the path and its permissions") from error
        self._used_bytes = _tidied(folder)

    def close(self) -> None:
        """Leave the directory to others."""
        self._lock_file.close()

    @property
    def used_bytes(self) -> int:
        """The size of all files, in bytes."""
        return self._used_bytes

    def put_manifest(self, item: Bytes32, manifest: bytes) -> None:
        """Keep the manifest of an item."""
        self._put(manifest_name(item), manifest)

    def manifest(self, item: Bytes32) -> bytes | None:
        """The manifest of an item; None if there is none."""
        return self._read(manifest_name(item), range(MANIFEST_LIMIT_BYTES))

    def put_run(self, run: RunKey, content: bytes) -> None:
        """Keep the stored form of a run."""
        self._put(run_name(run), content)

    def read_run(self, run: RunKey, wanted: range) -> bytes | None:
        """These bytes of a stored run; None if there is no such run."""
        return self._read(run_name(run), wanted)

    def items(self) -> list[Bytes32]:
        """The items that have a folder."""
        return sorted(item for name in self._listed("") if (item := item_of(name)))

    def runs(self, item: Bytes32) -> list[RunKey]:
        """The runs of an item, in order."""
        return sorted(run for name in self._listed(item_folder(item)) if (run := run_of(item, name)))

    def remove_run(self, run: RunKey) -> None:
        """Drop a run."""
        self._remove(run_name(run))
        sync_folder(self._folder / item_folder(run.item))

    def remove(self, item: Bytes32) -> None:
        """Drop an item's runs, then its manifest."""
        folder = item_folder(item)
        for name in sorted(self._listed(folder), key=lambda name: name == MANIFEST):
            self._remove(f"{folder}/{name}")
        with suppress(OSError):
            (self._folder / folder).rmdir()
        sync_folder(self._folder)

    def _put(self, name: str, content: bytes) -> None:
        path = self._folder / name
        with self._mutex:
            added_bytes = len(content) - _size(path)
            if self._used_bytes + added_bytes > self._limit_bytes:
                raise no_room(str(self._folder), self._used_bytes, self._limit_bytes)
            self._used_bytes += added_bytes
        try:
            self._check_disk(len(content))
            write_file(path, content)
        except (OSError, Unavailable) as error:
            with self._mutex:
                self._used_bytes -= added_bytes
            if isinstance(error, Unavailable):
                raise
            raise Unavailable(f"cannot write {path}: {error}; check disk space and permissions") from error

    def _check_disk(self, added_bytes: int) -> None:
        free_bytes = shutil.disk_usage(self._folder).free
        if free_bytes - added_bytes < self._reserved_bytes:
            raise Unavailable(
                f"the disk of {self._folder} is full: {free_bytes:,} bytes are free, of which"
                f" {self._reserved_bytes:,} stay free for the daemon's state; make room"
            )

    def _read(self, name: str, wanted: range) -> bytes | None:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                file.seek(wanted.start)
                return file.read(len(wanted))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error}; check the disk") from error

    def _remove(self, name: str) -> None:
        path = self._folder / name
        with self._mutex:
            size_bytes = _size(path)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise Unavailable(f"cannot delete {path}: {error}; check its permissions") from error
            self._used_bytes -= size_bytes

    def _listed(self, folder: str) -> list[str]:
        try:
            return [path.name for path in (self._folder / folder).iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"cannot list {self._folder / folder}: {error}; check the disk") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _tidied(folder: Path) -> int:
    """Deletes what was left unfinished; the size of the rest in bytes."""
    used_bytes = 0
    for path in folder.glob("*/*"):
        if path.name.endswith(UNFINISHED_SUFFIX):
            with suppress(OSError):
                path.unlink()
        used_bytes += _size(path)
    return used_bytes
