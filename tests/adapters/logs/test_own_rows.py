"""A log signs an epoch only if its row is what it was lately."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_account import Account

from truestep.adapters.chain.anchors_desk import RegisteredLog
from truestep.adapters.logs.epoch_file import EpochFile, RowPart
from truestep.adapters.logs.epochs import check_own_row
from truestep.adapters.logs.folder import LogFolder, LogNames, root_at
from truestep.adapters.logs.keys import LogKeys
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.protocol.logs.contracts.anchors import LogNumber
from truestep.protocol.logs.entries import DeletedEntry, entry_bytes

KEYS = LogKeys(cast(Any, Account.from_key(b"k" * 32)))
EPOCH_SECONDS = 600


def entry(logged_at: int) -> bytes:
    return entry_bytes(
        DeletedEntry(what="output", root=Bytes32(bytes(32)), size=1, reason="old", logged_at=logged_at)
    )


def test_a_true_row_that_is_old_is_not_signed(tmp_path: Path) -> None:
    names = LogNames(prefix="truestep/1/", suffix="7")
    log = LogFolder(tmp_path, names, KEYS, SqliteStore(None))
    log.append([entry(3 * EPOCH_SECONDS)])
    log.append([entry(4 * EPOCH_SECONDS)])
    registered = cast(
        RegisteredLog,
        SimpleNamespace(number=LogNumber(1), verifier_key=KEYS.verifier_key(log.checkpoint.origin)),
    )

    def check(size: int, epoch: int) -> None:
        row = RowPart(number=1, size=size, root=root_at(tmp_path, size).hex())
        file = EpochFile(
            chain_id=1, anchors="0x" + "11" * 20, group=0, epoch=epoch, rows=(row,), signatures={}
        )
        check_own_row(file, registered, tmp_path, EPOCH_SECONDS)

    for size, epoch in ((2, 4), (2, 99), (1, 4), (1, 5), (0, 4)):
        check(size, epoch)
    for size, epoch in ((1, 6), (0, 5), (0, 99)):
        with pytest.raises(Rejected, match="which was long before epoch"):
            check(size, epoch)
