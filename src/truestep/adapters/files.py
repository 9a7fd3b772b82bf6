"""Writes files atomically and durably. All adapters write files this way."""

import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

UNFINISHED_SUFFIX = ".unfinished"
"""The suffix of a file that is being written, or was when its writer was killed. Listings may have some."""
OPEN_TO_ALL, OPEN_TO_OWNER = 0o666, 0o600
"""File modes, before the process's umask is applied."""
_NAME_LENGTH = 100
"""Characters of the target's name in the unfinished file's name; names may have 255 bytes."""


def write_file(
    path: Path,
    content: bytes | str | Iterable[bytes],
    *,
    mode: int = OPEN_TO_ALL,
    may_replace: bool = True,
) -> None:
    """Write `path` atomically and durably: readers see all of it or nothing, and it survives a crash.

    Missing directories are made. A link is followed; anything but a regular file (a pipe, a device) is just
    written to. Raises OSError, FileExistsError among them unless it `may_replace`.
    """
    if may_replace and _is_stream(path):
        with path.open("wb") as file:
            file.writelines(_pieces(content))
        return
    target = Path(os.path.realpath(path))
    with unfinished(target, mode=mode) as file:
        file.writelines(_pieces(content))
        finish(file, target, may_replace=may_replace)


@contextmanager
def unfinished(target: Path, *, mode: int = OPEN_TO_ALL) -> Generator[IO[bytes]]:
    """A new file next to `target`, to write and then to `finish`. Otherwise it is deleted at the end."""
    make_folder(target.parent)
    path = target.with_name(f".{target.name[:_NAME_LENGTH]}.{secrets.token_hex(8)}{UNFINISHED_SUFFIX}")
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def finish(file: IO[bytes], target: Path, *, may_replace: bool = True) -> None:
    """Give an `unfinished` file its name, durably."""
    file.flush()
    os.fsync(file.fileno())
    if may_replace:
        Path(file.name).replace(target)
    else:
        os.link(file.name, target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a directory and its missing parents, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _is_stream(path: Path) -> bool:
    """Whether something is there that a file must not replace, such as what `/dev/stdout` stands for."""
    return path.exists() and (not path.is_file() or path.absolute().parts[1:2] == ("dev",))


def sync_folder(folder: Path) -> None:
    """Have the names in a directory on the medium, after files were made or deleted."""
    with suppress(OSError):  # some file systems do not support this, and do not need it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _pieces(content: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return [content.encode()]
    return [content] if isinstance(content, bytes) else content
