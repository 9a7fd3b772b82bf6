"""`truestep deletions`: collects receipts, keeps them, and says what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.adapters.keepers.test_collecting import Keeper, receipt
from tests.cli.conftest import Invoke
from truestep.adapters.chain import availability, deployment
from truestep.adapters.keepers.collecting import Collector, Deleted, HolderReceipts
from truestep.protocol.availability.contracts.items import ItemState

HISTORY = Keeper().history("http://127.0.0.1:9")
HOLDER = HISTORY.holders[0]
ALL = HolderReceipts(holder=HOLDER, deleted=Deleted.ALL, receipts=(receipt(),))


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    reader = SimpleNamespace(history=lambda item_id: HISTORY if item_id == 7 else None, now=lambda: 10**9)
    monkeypatch.setattr(availability, "AvailabilityReader", lambda *_: reader)
    monkeypatch.setattr(availability, "availability_of", lambda _: SimpleNamespace(chain_id=1, items="0x"))
    monkeypatch.setattr(deployment, "read_deployment", lambda _: SimpleNamespace(chain_id=1))
    return ("--rpc", "http://127.0.0.1:9", "--deployment", tmp_path / "deployment.json")


def test_receipts_are_written_to_files_that_verify_checks(
    truestep: Invoke, tmp_path: Path, network: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collector, "collected", lambda *_: [ALL])
    finished = truestep("deletions", 7, *network, "-o", tmp_path / "receipts", "--json")
    fields = finished.fields()
    assert (finished.exit_code, fields["deleted"]) == (0, True)
    [path] = fields["files"]
    assert truestep("verify", path).exit_code == 0
    words = truestep("deletions", 7, *network)
    assert words.exit_code == 0 and "has signed that all is gone" in words.stdout
    assert "--output DIR keeps the receipts" in words.stdout


def test_what_is_missing_is_said(
    truestep: Invoke, network: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        replace(ALL, deleted=Deleted.SOME, left=(3,)),
        HolderReceipts(holder=HOLDER, deleted=Deleted.NOTHING),
        HolderReceipts(holder=HOLDER, deleted=Deleted.UNKNOWN, why="it is too slow"),
        HolderReceipts(holder=HOLDER, deleted=Deleted.WRONG, why="expected chain 1"),
    ]
    monkeypatch.setattr(Collector, "collected", lambda *_: [ALL, *others])
    finished = truestep("deletions", 7, *network)
    assert finished.exit_code == 1
    for said in (
        "for all but 1 cell,",
        "signed for nothing yet",
        "cannot be asked: it is too slow",
        "chain 1",
    ):
        assert said in finished.stdout
    monkeypatch.setattr(Collector, "collected", lambda *_: [])
    for state, words in (
        (ItemState.KEPT, "it is over since"),
        (ItemState.CLOSED, "keepers drop it once they have had it for 1 d"),
    ):
        reader = SimpleNamespace(
            history=lambda _, state=state: replace(HISTORY, state=state), now=lambda: 10**10
        )
        monkeypatch.setattr(availability, "AvailabilityReader", lambda *_, reader=reader: reader)
        finished = truestep("deletions", 7, *network)
        assert words in finished.stdout and "no keeper has ever signed for it" in finished.stdout


def test_an_unknown_item_is_refused(truestep: Invoke, network: tuple[object, ...]) -> None:
    finished = truestep("deletions", 8, *network)
    assert finished.exit_code == 1 and "the chain has no item 8" in finished.stderr
    assert truestep("deletions", 0, *network).exit_code == 2
