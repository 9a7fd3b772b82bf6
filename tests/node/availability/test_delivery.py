"""A worker has its outputs kept, whatever keepers do and whenever it is killed, and gets its bonds back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.availability.kept_work import KeptWork, open_kept_work
from truestep.protocol.availability.contracts.items import ItemState


@pytest.fixture
def work(tmp_path: Path) -> Iterator[KeptWork]:
    opened = open_kept_work(tmp_path)
    yield opened
    opened.close()


def test_outputs_are_kept_and_the_batch_is_final(work: KeptWork) -> None:
    job_id = work.post()
    daemon = work.worker()
    work.drive(daemon, lambda: work.is_final(job_id))
    (item,) = work.items()
    assert item.state is ItemState.KEPT
    assert "register_landed" in work.log.kinds()
    assert "deliver_landed" in work.log.kinds()
    words = next(message for kind, message in work.log.lines if kind == "register_sent")
    assert "by 2 keepers for 63 days: 1 blobs" in words
    assert "a bond of 0.04 ETH that comes back then" in words
