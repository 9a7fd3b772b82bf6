"""KZG in processes of their own: one call holds the interpreter for half a second, and a keeper serves."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Unavailable
from truestep.commitments.kzg import Extended

Answer = TypeVar("Answer")


class KzgProcesses:
    """Safe to use from several threads. Its processes begin with the first call and end with this one."""

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def commit(self, blob: bytes) -> bytes:
        """The commitment to a blob."""
        return self._done(_commit, blob)

    def extend(self, blob: bytes) -> Extended:
        """The cells of a blob and their proofs."""
        return self._done(_extend, blob)

    def recover(self, cells: dict[int, bytes]) -> Extended:
        """All cells and proofs, from 64 or more right cells."""
        return self._done(_recover, cells)

    def open(self, blob: bytes, z: bytes) -> tuple[bytes, bytes]:
        """The value of a blob's polynomial at `z`, and the proof of it."""
        return self._done(_open, blob, z)

    def _done(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        try:
            return self._started().submit(work, *arguments).result()
        except (BrokenProcessPool, RuntimeError) as error:  # it was killed, or is being closed
            with self._lock:
                self._pool = None
            raise Unavailable("a process that computes proofs was killed; it is started again") from error

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                spawn = get_context("spawn")
                self._pool = ProcessPoolExecutor(self._count, mp_context=spawn, initializer=_follow_parent)
            return self._pool


def _follow_parent() -> None:
    """End as soon as the keeper has ended, not before: Ctrl-C reaches all processes of a terminal.

    A keeper that is killed cannot tell its processes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _commit(blob: bytes) -> bytes:
    return open_kzg().commit(blob)


def _extend(blob: bytes) -> Extended:
    return open_kzg().extend(blob)


def _recover(cells: dict[int, bytes]) -> Extended:
    return open_kzg().recover(cells)


def _open(blob: bytes, z: bytes) -> tuple[bytes, bytes]:
    return open_kzg().open(blob, z)
