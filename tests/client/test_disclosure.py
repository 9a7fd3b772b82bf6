"""Disclosures of a job's output: true ones are confirmed, changed ones are not, the rest stays hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from web3 import Account

from tests.client.conftest import Settle
from truestep.adapters.keepers.deletion import sign_deletion
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.cli.main import app
from truestep.client.disclosure import (
    Disclosure,
    check_disclosure,
    disclose,
    parse_disclosure,
    read_shown,
)
from truestep.client.receipt import Receipt
from truestep.client.verification import check_contents
from truestep.protocol.availability.ids import ItemId

TEXT = b"".join(
    f"record {number:3}, secret {number * 7919 % 1000:3}.......\n".encode() for number in range(50)
)
OUTPUT = TEXT.upper()
Fields = dict[str, Any]


@pytest.fixture(scope="session")
def receipt(settle: Settle) -> Receipt:
    return settle(TEXT, 2).receipt()


def failures(shown: Disclosure) -> list[str]:
    checks = [*check_contents(shown.receipt), *check_disclosure(shown)]
    return [check.name for check in checks if not check.passed]


def run(*words: object) -> tuple[int, str]:
    finished = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return finished.exit_code, finished.stdout + finished.stderr


def test_what_is_shown_is_confirmed_and_the_rest_stays_hidden(receipt: Receipt) -> None:
    shown = disclose(receipt, 1, OUTPUT, [(100, 101), (200, 300), (1300, len(OUTPUT))])
    assert failures(shown) == []
    places = [(part.first_leaf, bytes.fromhex(part.content)) for part in shown.ranges]
    end = -(-len(OUTPUT) // 64) * 64
    assert places == [
        (2, OUTPUT[64:128]),
        (6, OUTPUT[192:320]),
        (40, OUTPUT[1280:].ljust(end - 1280, b"\0")),
    ]
    text = shown.to_json()
    told = OUTPUT[64:128] + OUTPUT[192:320] + OUTPUT[1280:]
    records = OUTPUT.splitlines(keepends=True)
    assert all((record in told) == (record.hex() in text) for record in records)
    assert (shown.receipt.input.content, shown.receipt.program.elf) == (None, None)
    assert {shard.output for shard in shown.receipt.shards} == {None}


def test_another_output_cannot_be_shown(receipt: Receipt) -> None:
    for output, shard in ((OUTPUT[:-1] + b"!", 0), (OUTPUT + b"!", 1)):
        with pytest.raises(Rejected, match="expected the output of shard") as caught:
            disclose(receipt, shard, output, [(0, 5)])
        assert caught.value.reason == Reject.DISCLOSURE_OTHER
    with pytest.raises(Rejected, match="shard 2 in its receipt") as caught:
        disclose(receipt, 2, OUTPUT, [(0, 5)])
    assert caught.value.reason == Reject.DISCLOSURE_MALFORMED
    for start, end in ((5, 5), (-1, 5), (0, len(OUTPUT) + 1)):
        with pytest.raises(Rejected, match="ranges of bytes below"):
            disclose(receipt, 0, OUTPUT, [(start, end)])


def change(*path: str | int, to: Any) -> Callable[[Fields], None]:
    def changed(fields: Fields) -> None:
        place: Any = fields
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return changed


@pytest.mark.parametrize(
    "change",
    [
        change("ranges", 0, "content", to=lambda text: "00" + text[2:]),
        change("ranges", 0, "content", to=lambda text: text[:-64]),
        change("ranges", 0, "first_leaf", to=4),
        change("ranges", 0, "first_leaf", to=3),
        change("ranges", 0, "path", to=lambda path: path[:-1]),
        change("ranges", 0, "path", to=lambda path: [*path, path[0]]),
        change("ranges", 0, "path", to=lambda path: path[::-1]),
        change("receipt", "shards", 1, "output_root", to="11" * 32),
        change("receipt", "job_id", to=77),
    ],
)
def test_a_changed_disclosure_is_noticed(receipt: Receipt, change: Callable[[Fields], None]) -> None:
    fields = json.loads(disclose(receipt, 1, OUTPUT, [(100, 101)]).to_json())
    change(fields)
    assert failures(parse_disclosure(json.dumps(fields)))


@pytest.mark.parametrize(
    "change",
    [
        change("version", to=2),
        change("format", to="truestep receipt"),
        lambda fields: fields.update(extra=1),
        change("ranges", to=[]),
        change("ranges", 0, "content", to="0"),
        change("ranges", 0, "content", to=5),
        change("ranges", 0, "first_leaf", to=-2),
        change("ranges", 0, "first_leaf", to=True),
        change("ranges", 0, "path", to=["00" * 32] * 49),
        change("shard_index", to="1"),
        change("receipt", "job_id", to=-1),
    ],
)
def test_what_is_no_disclosure_is_refused(receipt: Receipt, change: Callable[[Fields], None]) -> None:
    fields = json.loads(disclose(receipt, 1, OUTPUT, [(100, 101)]).to_json())
    change(fields)
    with pytest.raises(Rejected) as caught:
        parse_disclosure(json.dumps(fields))
    assert caught.value.reason == Reject.DISCLOSURE_MALFORMED


def test_a_file_says_what_it_is(receipt: Receipt, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    receipt.write(path)
    assert read_shown(path) == receipt
    shown = disclose(receipt, 0, OUTPUT, [(0, 1)])
    shown.write(path)
    assert read_shown(path) == shown
    items = Address("0x" + "11" * 20)
    deleted = sign_deletion(Account.from_key(b"\1" * 32), 1, items, ItemId(1), Bytes32(bytes(32)), [0], 5)
    path.write_text(deleted.to_json(), "utf-8")
    assert read_shown(path) == deleted
    path.write_text("{}", "utf-8")
    with pytest.raises(Rejected) as caught:
        read_shown(path)
    assert caught.value.reason == Reject.RECEIPT_MALFORMED


def test_commands_disclose_and_verify_offline(receipt: Receipt, tmp_path: Path) -> None:
    held, shown, output = (tmp_path / name for name in ("receipt.json", "shown.json", "output"))
    receipt.write(held)
    code, words = run("disclose", held, "--bytes", "70:80", "--bytes", "200:201", "--output", shown, "--json")
    assert (code, json.loads(words)["shown"]) == (0, [{"start": 64, "end": 128}, {"start": 192, "end": 256}])
    code, words = run("verify", shown, "--offline", "--json")
    assert code == 0
    assert json.loads(words)["verified"] is True
    assert json.loads(words)["executed"] is False
    assert json.loads(words)["disclosed"] == [
        {"shard": 0, "start": 64, "end": 128, "content": OUTPUT[64:128].hex()},
        {"shard": 0, "start": 192, "end": 256, "content": OUTPUT[192:256].hex()},
    ]
    changed = shown.read_text("utf-8").replace(OUTPUT[64:128].hex(), OUTPUT[128:192].hex())
    shown.write_text(changed, "utf-8")
    code, words = run("verify", shown, "--offline", "--json")
    assert (code, json.loads(words)["verified"]) == (1, False)
    output.write_bytes(OUTPUT)
    assert run("disclose", held, "--shard", 1, "--from", output, "--bytes", "0:9", "-o", shown)[0] == 0
    assert run("verify", shown, "--offline")[0] == 0
    for wrong in ("9", "a:b", "-1:5", "5:4", "0:99999"):
        assert run("disclose", held, "--bytes", wrong, "-o", shown)[0] == 1
    assert run("disclose", held, "--shard", 7, "--bytes", "0:1", "-o", shown)[0] == 1
