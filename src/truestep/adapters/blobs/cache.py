"""Keeps copies of fetched blobs, so that an owner who removes a file later cannot cost a bond."""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from truestep.adapters.blobs.addresses import (
    input_name,
    limit_of,
    name_of_uri,
    program_name,
)
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.files import UNFINISHED_SUFFIX
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Blobs, Pieces, never
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.reporter import Reporter

KEPT_LIMIT_BYTES = 16 << 30
"""32 inputs of the largest size. The least recently used copy is deleted first."""
UNFINISHED_SECONDS = 86_400.0
"""No file takes a day to write: an older one was left by a killed process."""
WAIT_SECONDS = 0.25
"""Interval at which a thread that waits for another's fetch asks whether to stop."""


@dataclass(slots=True)
class _Fetch:
    """One blob being fetched, and how many threads want it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted_by: int = 0


class BlobCache:
    """Satisfies `truestep.ports.blobs.Blobs` over another store; `folder` belongs to one process.

    Two threads that want the same blob fetch it once. If the disk is full or broken, only the copies are
    lost, and `reporter` is told.
    """

    def __init__(
        self,
        blobs: Blobs,
        folder: Path,
        *,
        limit_bytes: int = KEPT_LIMIT_BYTES,
        reporter: Reporter | None = None,
    ) -> None:
        self._blobs = blobs
        self._folder = folder
        self._copies = DirectoryBlobs(folder)
        self._limit_bytes = limit_bytes
        self._reporter = reporter
        self._lock = threading.Lock()
        self._fetches: dict[str, _Fetch] = {}
        self._is_failing = False

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content` in the other store. Returns its URI."""
        return self._blobs.put(content, should_stop=should_stop)

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, from the copy if there is one."""
        return self._get(
            name_of_uri(uri),
            limit_bytes,
            lambda: self._blobs.get(uri, limit_bytes, should_stop=should_stop),
            should_stop,
        )

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Keep a copy of an ELF file, and publish it in the other store."""
        self._keep(program_name(image_root, entry), elf)
        self._blobs.put_program(image_root, entry, elf, should_stop=should_stop)

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program, the copy if there is one."""
        name = program_name(image_root, entry)
        return self._get(
            name,
            limit_of(name),
            lambda: self._blobs.get_program(image_root, entry, should_stop=should_stop),
            should_stop,
        )

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Keep a copy of an input, and publish it in the other store."""
        self._keep(input_name(input_root, len(content)), content)
        self._blobs.put_input(input_root, content, should_stop=should_stop)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size, the copy if there is one."""
        name = input_name(input_root, size_bytes)
        return self._get(
            name,
            limit_of(name),
            lambda: self._blobs.get_input(input_root, size_bytes, should_stop=should_stop),
            should_stop,
        )

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output in the other store."""
        self._blobs.put_output(output_root, content, size_bytes, should_stop=should_stop)

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """An output from the other store."""
        return self._blobs.get_output(output_root, size_bytes, should_stop=should_stop)

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the other store has it."""
        return self._blobs.has_output(output_root, size_bytes, should_stop=should_stop)

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content in the other store."""
        self._blobs.put_named(name, content, should_stop=should_stop)

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name, the copy if there is one."""
        return self._get(
            name, limit_of(name), lambda: self._blobs.get_named(name, should_stop=should_stop), should_stop
        )

    def _get(self, name: str, limit_bytes: int, fetch: Callable[[], bytes], should_stop: ShouldStop) -> bytes:
        with self._alone(name, should_stop):
            # No copy, or a damaged one: ask the other store.
            with suppress(Unavailable, Rejected):
                content = check_named(name, self._copies.read_named(name, limit_bytes))
                with suppress(OSError):
                    os.utime(self._copies.path_of(name))
                return content
            content = fetch()
            self._keep(name, content)
            return content

    @contextmanager
    def _alone(self, name: str, should_stop: ShouldStop) -> Generator[None]:
        """Hold the right to fetch `name`. Raises `Stopped` if asked to stop before it is free."""
        with self._lock:
            fetch = self._fetches.setdefault(name, _Fetch())
            fetch.wanted_by += 1
        try:
            while not fetch.lock.acquire(timeout=WAIT_SECONDS):
                if should_stop():
                    raise Stopped
            try:
                yield
            finally:
                fetch.lock.release()
        finally:
            with self._lock:
                fetch.wanted_by -= 1
                if not fetch.wanted_by:
                    del self._fetches[name]

    def _keep(self, name: str, content: bytes) -> None:
        """Write a copy. A full disk must not keep a node from working."""
        try:
            self._copies.write_named(name, content)
        except Unavailable as error:
            self._say_failing(str(error))
            return
        self._is_failing = False
        self._drop_oldest(self._copies.path_of(name))

    def _say_failing(self, why: str) -> None:
        """Report a failure once, until a copy succeeds again."""
        if not self._is_failing and self._reporter is not None:
            self._reporter.report("cache_failed", f"goes on without copies of blobs: {why}")
        self._is_failing = True

    def _drop_oldest(self, newest: Path) -> None:
        with self._lock:
            files = _listing(self._folder)
            size_bytes = sum(status.st_size for status, _ in files)
            for status, path in files:
                if size_bytes <= self._limit_bytes:
                    return
                if path != newest:
                    with suppress(OSError):
                        path.unlink()
                    size_bytes -= status.st_size


def _listing(folder: Path) -> list[tuple[os.stat_result, Path]]:
    """The copies, least recently used first, without files that other threads are writing."""
    files: list[tuple[os.stat_result, Path]] = []
    for directory, _, names in os.walk(folder):
        for path in (Path(directory, name) for name in names):
            with suppress(FileNotFoundError):
                status = path.stat()
                is_being_written = time.time() - status.st_mtime < UNFINISHED_SECONDS
                if not (path.name.endswith(UNFINISHED_SUFFIX) and is_being_written):
                    files.append((status, path))
    return sorted(files, key=lambda file: file[0].st_mtime_ns)
