"""Archives that are compiled once for each user and kept for later links."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from truestep.guest.toolchain import ZIGLANG_VERSION
from truestep.guest.user_cache import user_cache

_DIGEST_SIZE_BYTES = 32


def kept(name: str, flags: Iterable[str], sources: Iterable[Path], make: Callable[[], bytes]) -> bytes:
    """The archive that `make` compiles from our `sources` with `flags`, or the one that it made earlier.

    The sources of the compiler's wheel need not be listed: its version stands for them. A file that was cut
    short or changed since is made again. Processes that need the same archive wait for the first of them.
    """
    path = user_cache() / "archives" / f"{name}-{_digest(flags, sources)}.a"
    content = _read(path)
    if content is None:
        with _alone(path.with_suffix(".lock")):
            content = _read(path)
            if content is None:
                content = make()
                with suppress(OSError):  # without it, links are only slower
                    _write(path, hashlib.sha256(content).digest() + content)
    return content


def _digest(flags: Iterable[str], sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(repr((ZIGLANG_VERSION, *flags)).encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        stored = path.read_bytes()
        digest, content = stored[:_DIGEST_SIZE_BYTES], stored[_DIGEST_SIZE_BYTES:]
        if hashlib.sha256(content).digest() == digest:
            return content
    return None


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Let one process in at a time. If the cache cannot be written, all of them: each works for itself."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
