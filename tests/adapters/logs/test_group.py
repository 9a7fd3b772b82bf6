"""A log among the others of its group: it asks all of them, and keeps the rows that were anchored."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from eth_account import Account

from truestep.adapters.chain.anchors_desk import RegisteredLog
from truestep.adapters.logs.anchoring import GroupAnchoring
from truestep.adapters.logs.epoch_file import EPOCH_PATH, EpochFile, EpochFolder, RowPart
from truestep.adapters.logs.epochs import ask_each
from truestep.adapters.logs.keys import LogKeys
from truestep.protocol.logs.contracts.anchors import GROUP_SIZE, Anchor, LogNumber
from truestep.roles.anchoring import LOOKED_BACK_EPOCHS

KEYS = LogKeys(cast(Any, Account.from_key(b"k" * 32)))


def test_slow_logs_hold_up_nobody_whatever_their_numbers() -> None:
    """All but the last one answer only when that one has been asked."""
    last, heard = LogNumber(GROUP_SIZE), threading.Event()
    logs = {
        LogNumber(number): cast(RegisteredLog, SimpleNamespace(number=LogNumber(number)))
        for number in range(1, GROUP_SIZE + 1)
    }

    def ask(log: RegisteredLog) -> int:
        if log.number == last:
            heard.set()
        assert heard.wait(60)
        return log.number

    answers, failed = ask_each(logs, ask, seconds=30)
    assert (len(answers), failed) == (GROUP_SIZE, {})


class Desk:
    """What a group is asked: the anchors of this group, from an epoch on."""

    def __init__(self, anchors: list[Anchor]) -> None:
        self.terms, self.epoch, self._anchors = SimpleNamespace(epoch_seconds=10), 0, anchors
        self.asked: list[int] = []

    def log_of(self, signer: object) -> object:
        return SimpleNamespace(number=LogNumber(1))

    def now(self) -> int:
        return 10 * self.epoch

    def live(self, group: int) -> int:
        return 1

    def recent_anchors(self, epoch: int) -> list[Anchor]:
        self.asked.append(epoch)
        return [each for each in self._anchors if each.epoch >= epoch]


def test_rows_of_before_a_long_downtime_are_dropped_unless_they_were_anchored(tmp_path: Path) -> None:
    files = {
        epoch: EpochFile(
            chain_id=1,
            anchors="0x" + "11" * 20,
            group=0,
            epoch=epoch,
            rows=(RowPart(number=1, size=epoch, root=f"{epoch:064x}"),),
            signatures={},
        )
        for epoch in (3, 7, 8, 9, 1_000)
    }
    for file in files.values():
        EpochFolder(tmp_path).keep(file)
    kept = {epoch: Anchor(group=0, epoch=epoch, root=files[epoch].tree().root, bitmap=1) for epoch in (3, 8)}
    desk = Desk([*kept.values()])
    group = cast(Any, SimpleNamespace(desk=desk))
    desk.epoch = 1_001
    anchoring = GroupAnchoring(tmp_path, KEYS, group, lambda: 1, is_stranger=False)
    for _ in range(2):
        assert anchoring.look() is not None
    assert {int(path.name) for path in (tmp_path / EPOCH_PATH).iterdir()} == {3, 8, 1_000}
    assert desk.asked == [3, 1_001 - LOOKED_BACK_EPOCHS], "so far back only once"
