"""Work that ends while the store takes nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.network import CYCLES, ELF, INPUT
from tests.node.tasks.test_queue import PATIENCE_SECONDS, Shop, check
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.node.tasks.queue import Limits
from truestep.node.tasks.results import Results
from truestep.ports.store import Change


class FullDisk(SqliteStore):
    """A store that takes nothing while it is full."""

    is_full = False

    def write(self, changes: Sequence[Change]) -> None:
        if self.is_full:
            raise Unavailable("disk is full")
        super().write(changes)


def test_what_ends_while_the_disk_is_full_is_kept_later(tmp_path: Path) -> None:
    """Nothing that ended at the same time is lost, and nothing is computed again."""
    store = FullDisk()
    shop = Shop(tmp_path, results=Results(store), limits=Limits(runs=3, fetches=2))
    many = [shop.terms(number, ELF, INPUT + bytes([number])) for number in range(1, 4)]
    store.is_full = True
    shop.want(*[check(terms, CYCLES) for terms in many])
    deadline = time.monotonic() + PATIENCE_SECONDS
    refused = 0
    while refused < 3 or shop.executor.running():
        assert time.monotonic() < deadline
        time.sleep(0.005)
        try:
            shop.queue.collect()
        except Unavailable:
            refused += 1
    assert not any(shop.hashes(terms) for terms in many)
    store.is_full = False
    shop.queue.collect()
    assert all(shop.hashes(terms) == {CYCLES} for terms in many)
    assert shop.log.kinds().count("computing") == len(many)
    shop.close()
