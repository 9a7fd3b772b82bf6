"""Where a log is read: a folder or a URL. Whoever serves it may lie, stall, or send without end."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import Any, Protocol, TypeVar

from truestep.adapters.keepers.client import Busy, KeeperClient
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.protocol.logs.notes import NOTE_LIMIT_BYTES
from truestep.protocol.logs.tiles import BUNDLE_LIMIT_BYTES, CHECKPOINT_PATH, TILE_WIDTH, Tile, parse_bundle

Result = TypeVar("Result")
AT_ONCE = 8
"""Bundles that are fetched at the same time, some megabytes."""
BUSY_SECONDS = 120.0
"""How long one file is asked for again while a server says that it is busy: it may say so for ever."""


class LogSource(Protocol):
    """Files of a log."""

    @property
    def place(self) -> str:
        """Where they are, for messages."""
        ...

    def read(self, paths: Sequence[str], limit_bytes: int) -> list[bytes | None]:
        """Files of at most so many bytes; None for absent ones. Raises `Unavailable`, `Rejected`."""
        ...


class FolderSource:
    """A log in a folder."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder

    def read(self, paths: Sequence[str], limit_bytes: int) -> list[bytes | None]:
        """See `LogSource`."""
        return [self._read(path, limit_bytes) for path in paths]

    def _read(self, path: str, limit_bytes: int) -> bytes | None:
        try:
            with open(self._folder / path, "rb", opener=_without_waiting) as file:
                if not S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Rejected(Reject.LOG_TILE, f"{self.place}/{path} is no plain file")
                content = file.read(limit_bytes + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise Unavailable(f"expected to read {self.place}/{path}, got: {error.strerror}") from error
        if len(content) > limit_bytes:
            raise Rejected(Reject.LOG_TILE, f"{self.place}/{path} has more than {limit_bytes:,} bytes")
        return content


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file, also a named pipe to which nobody writes."""
    return os.open(path, flags | os.O_NONBLOCK)


class HttpSource:
    """A log at a URL. Close it at the end."""

    def __init__(self, url: str, *, is_stranger: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        """`is_stranger`: the URL comes from a stranger, so it must lie in the public internet.

        Raises ValueError for what is no URL.
        """
        self._loop = asyncio.new_event_loop()
        self._client = KeeperClient(url, is_stranger=is_stranger)
        self._busy_seconds = busy_seconds
        self.place = self._client.name

    def close(self) -> None:
        """Close its connections, and end what a failure has left under way."""
        self._loop.run_until_complete(self._end())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()

    def read(self, paths: Sequence[str], limit_bytes: int) -> list[bytes | None]:
        """See `LogSource`."""

        async def all_of_them() -> list[bytes | None]:
            return await asyncio.gather(
                *(self._patiently(partial(self._client.file, path, limit_bytes)) for path in paths)
            )

        return self._run(all_of_them())

    def post(self, path: str, content: bytes, limit_bytes: int, seconds: float) -> bytes | None:
        """What the log answers to a message within so long; None if it takes none there.

        Raises `Unavailable`, `Rejected`.
        """
        return self._run(self._patiently(partial(self._client.posted, path, content, limit_bytes, seconds)))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            return self._loop.run_until_complete(work)
        except Rejected as error:
            said = f"{error}".removeprefix(f"{Reject.KEEPER_ANSWER.value}: ")
            raise Rejected(Reject.LOG_TILE, said) from error

    async def _patiently(self, ask: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        waited_seconds = 0.0
        while waited_seconds < self._busy_seconds:
            try:
                return await ask()
            except Busy as error:
                await asyncio.sleep(error.retry_after_seconds)
                waited_seconds += max(error.retry_after_seconds, 1.0)
        raise Unavailable(f"{self.place} is busy; try again later")


def served_note(source: LogSource) -> bytes:
    """The newest checkpoint that a log shows, unverified. Raises `Unavailable` if there is none."""
    (note,) = source.read([CHECKPOINT_PATH], NOTE_LIMIT_BYTES)
    if note is None:
        raise Unavailable(f"{source.place} has no checkpoint: no log is there")
    return note


def entries_of(source: LogSource, first: int, end: int, size: int) -> Iterator[bytes]:
    """Entries `first` to `end` - 1 of a log that has `size`.

    Raises `Rejected` if some are missing or cut off, `Unavailable` if they cannot be had now.
    """
    bundles = range(first // TILE_WIDTH, -(-end // TILE_WIDTH))
    for start in range(0, len(bundles), AT_ONCE):
        for index, entries in _bundles(source, bundles[start : start + AT_ONCE], size):
            skipped = max(0, first - index * TILE_WIDTH)
            yield from entries[skipped : end - index * TILE_WIDTH]


def _bundles(source: LogSource, indices: Sequence[int], size: int) -> Iterator[tuple[int, list[bytes]]]:
    tiles = [
        Tile(level=None, index=index, width=min(TILE_WIDTH, size - index * TILE_WIDTH)) for index in indices
    ]
    contents = source.read([tile.path for tile in tiles], BUNDLE_LIMIT_BYTES)
    for tile, content in zip(tiles, contents, strict=True):
        if content is not None:
            yield tile.index, parse_bundle(content, tile.width)
        else:
            yield tile.index, _part_of_whole(source, tile)


def _part_of_whole(source: LogSource, tile: Tile) -> list[bytes]:
    """A part is dropped once its bundle is whole, as may have happened since the checkpoint was read."""
    (content,) = source.read([Tile(level=None, index=tile.index).path], BUNDLE_LIMIT_BYTES)
    if content is None:
        raise Rejected(Reject.LOG_TILE, f"{source.place} has no {tile.path}, which its checkpoint covers")
    return parse_bundle(content, TILE_WIDTH)[: tile.width]
