"""A stranger reads logs: honest ones, and those of operators that lie."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from eth_account import Account

from tests.protocol.logs.test_entries import AUDIT, CLAIM, DELETED, OPENED
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.adapters.logs.sources import FolderSource, HttpSource
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.client.log_audit import LogReader, LogReport, OtherPast, SeenLogs, past_in, served_key
from truestep.protocol.logs.audit import KINDS_LIMIT, ChainClaim, EntriesAudit, Fault
from truestep.protocol.logs.entries import ClaimEntry, entry_bytes
from truestep.protocol.logs.notes import Checkpoint, parse_checkpoint, parse_note, parse_verifier_key
from truestep.protocol.logs.tree import consistency_roots, leaf_hash, peaks_of

ACCOUNT: Any = Account.from_key(b"k" * 32)
KEYS = LogKeys(ACCOUNT)
NAMES = LogNames(prefix="truestep/1/", suffix="7")
KEY = KEYS.verifier_key("truestep/1/7")
NETWORK = OPENED.chain_id, OPENED.jobs


def claim(number: int, **fields: Any) -> ClaimEntry:
    return replace(CLAIM, batch_id=8 + number // 2, leaf_index=number % 2, shard_index=number, **fields)


def on_chain(entries: Sequence[ClaimEntry], operator: Address = OPENED.operator) -> dict[Any, ChainClaim]:
    return {
        each.place: ChainClaim(
            operator=operator, job_id=each.job_id, shard_index=each.shard_index, leaf=each.leaf
        )
        for each in entries
    }


CLAIMS = [claim(number) for number in range(6)]
HONEST = [entry_bytes(OPENED), *map(entry_bytes, CLAIMS)]
LATER = b'{"kind":"later","version":1}'


def written(folder: Path, entries: Sequence[bytes], *, anew: bool = False) -> Path:
    """A log with these entries; `anew` by an operator that does not remember what it has signed."""
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    log = LogFolder(folder, NAMES, KEYS, SqliteStore(None))
    log.append(entries[log.size :])
    return folder


def read(folder: Path, others: Sequence[Any] = (), sample: int = 0, **audit: Any) -> LogReport:
    reader = LogReader(source=FolderSource(folder), key=KEY, others=others, entries_limit=10**6)
    entries = EntriesAudit(**{"claims": on_chain(CLAIMS), "network": NETWORK, **audit})
    return reader.read(entries, sample=sample, chance=random.Random(7))


def faults(report: LogReport) -> set[Fault]:
    return {*report.entries.faults}


def test_an_honest_log_is_sound(tmp_path: Path) -> None:
    report = read(written(tmp_path / "log", HONEST), sample=2, operator=OPENED.operator)
    assert report.is_sound
    assert report.entries.counts == {"opened": 1, "claim": 6}
    assert (report.entries.matched_count, report.entries.unsent_count) == (6, 0)
    assert len({each.place for each in report.reproduced}) == 2


def test_over_http_too(tmp_path: Path) -> None:
    folder = written(tmp_path / "log", [*HONEST, *(b'{"kind":"later","version":1}' for _ in range(600))])
    server = LogServer(folder)
    source = HttpSource(server.url)
    try:
        assert parse_verifier_key(served_key(source)) == KEY
        reader = LogReader(source=source, key=KEY, entries_limit=10**6)
        report = reader.read(EntriesAudit(claims=on_chain(CLAIMS), network=NETWORK))
        assert report.is_sound
        assert report.entries.counts["later of version 1"] == 600
        assert source.read(["nothing"], 10) == [None]
        with pytest.raises(Rejected):
            source.read(["tile/entries/000"], 10)
    finally:
        source.close()
        server.close()


def test_claims_that_are_missing_or_other_than_on_the_chain(tmp_path: Path) -> None:
    lied = entry_bytes(claim(3, code=99))
    folder = written(tmp_path / "log", [HONEST[0], *HONEST[2:4], lied, *HONEST[5:]])
    report = read(folder)
    assert faults(report) == {Fault.MISSING, Fault.DENIED}
    messages = [each.message for each in report.entries.findings]
    assert messages == [
        "entry 3 claims something else of leaf 1 of batch 9 than the chain has",
        "leaf 0 of batch 8, shard 0 of job 9, is claimed on the chain and not in the log",
    ]


def test_a_claim_that_was_logged_twice_may_be_right_once(tmp_path: Path) -> None:
    """After a reorganisation a batch has the number of another."""
    report = read(written(tmp_path / "log", [HONEST[0], entry_bytes(claim(3, code=99)), *HONEST[1:]]))
    assert report.is_sound


def test_what_never_came_to_the_chain_is_counted_and_no_fault(tmp_path: Path) -> None:
    other = {claim(9).place: on_chain([claim(9)], Address("0x" + "cc" * 20))[claim(9).place]}
    folder = written(tmp_path / "log", [*HONEST, entry_bytes(claim(7)), entry_bytes(claim(9))])
    report = read(folder, claims=on_chain(CLAIMS) | other)
    assert report.is_sound
    assert report.entries.unsent_count == 2


def test_claims_of_before_the_log_are_not_missed(tmp_path: Path) -> None:
    before = replace(claim(0), batch_id=OPENED.batch_count)
    assert read(written(tmp_path / "log", HONEST), claims=on_chain([before, *CLAIMS])).is_sound


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([HONEST[0], b"junk", b"[1;31m\xff", *HONEST[1:]], {Fault.JUNK}),
        ([*HONEST, HONEST[0]], {Fault.NOT_OPENED}),
        (HONEST[1:], {Fault.NOT_OPENED}),
        ([], {Fault.NOT_OPENED}),
        ([LATER], {Fault.NOT_OPENED}),
        ([LATER, *HONEST[1:]], {Fault.NOT_OPENED}),
        ([*HONEST, b'{"kind":"later","version":%d}' % 10**4000], {Fault.JUNK}),
        ([*HONEST, b'{"kind":"later","version":-1}'], {Fault.JUNK}),
    ],
)
def test_entries_that_do_not_belong(tmp_path: Path, entries: list[bytes], expected: set[Fault]) -> None:
    assert faults(read(written(tmp_path / "log", entries))) == expected


def test_a_log_of_others(tmp_path: Path) -> None:
    folder = written(tmp_path / "log", HONEST)
    assert faults(read(folder, operator=Address("0x" + "01" * 20))) == {Fault.OTHER_LOG}
    assert faults(read(folder, network=(1, OPENED.jobs))) == {Fault.OTHER_LOG}


def test_an_operator_that_writes_its_address_in_another_case(tmp_path: Path) -> None:
    operator = Address("0x" + "aB" * 20)
    for folder, address in ((tmp_path / "lower", operator.lower()), (tmp_path / "upper", "0x" + "AB" * 20)):
        opened = replace(OPENED, operator=Address(address))
        honest = written(folder, [entry_bytes(opened), *HONEST[1:]])
        report = read(honest, claims=on_chain(CLAIMS, operator), operator=operator)
        assert report.is_sound
        assert report.entries.matched_count == len(CLAIMS)
        report = read(written(folder, [entry_bytes(opened)], anew=True), claims=on_chain(CLAIMS, operator))
        assert report.entries.faults == {Fault.MISSING: len(CLAIMS)}


def test_a_log_that_says_it_begins_later_than_it_can(tmp_path: Path) -> None:
    opened = replace(OPENED, batch_count=2**64 - 1)
    report = read(written(tmp_path / "log", [entry_bytes(opened)]))
    assert report.entries.older_count == len(CLAIMS)
    report.entries.check_beginning(2**64 - 1)
    assert report.is_sound
    report.entries.check_beginning(10)
    assert faults(report) == {Fault.NOT_OPENED}


def test_one_claim_many_times_does_not_fill_the_sample(tmp_path: Path) -> None:
    report = read(written(tmp_path / "log", [*HONEST, *[HONEST[1]] * 300]), sample=3)
    assert len({each.place for each in report.reproduced}) == 3


def test_names_that_a_log_makes_up_take_no_memory(tmp_path: Path) -> None:
    names = [b'{"kind":"later","version":%d}' % number for number in range(300)]
    counts = read(written(tmp_path / "log", [*HONEST, *names])).entries.counts
    assert len(counts) == KINDS_LIMIT + 1
    assert sum(counts.values()) == len(HONEST) + 300


def test_many_faults_are_told_up_to_a_limit(tmp_path: Path) -> None:
    report = read(written(tmp_path / "log", [*HONEST, *[b"junk"] * 1_005]))
    assert report.entries.faults == {Fault.JUNK: 1_005}
    assert len(report.entries.findings) == 1_000


# --- two pasts ---------------------------------------------------------------------------------------


def test_a_log_that_goes_on_from_what_was_seen(tmp_path: Path) -> None:
    folder, seen = written(tmp_path / "log", HONEST[:3]), SeenLogs(folder=tmp_path / "seen")
    assert seen.read(KEY) == []
    seen.keep(read(folder), KEY)
    written(folder, HONEST)
    (known,) = seen.read(KEY)
    assert known.checkpoint.size == 3
    assert read(folder, [known]).is_sound


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 7])
def test_two_pasts_are_found_and_can_be_shown(tmp_path: Path, size: int) -> None:
    """To others, and to the contract: what is written down leads to another old root, or is of one size."""
    folder, seen = tmp_path / "log", SeenLogs(folder=tmp_path / "seen")
    other = [b"other", *HONEST[1:size]]
    seen.keep(read(written(folder, other)), KEY)
    (known,) = seen.read(KEY)
    report = read(written(folder, HONEST, anew=True), [known])
    assert faults(report) == {Fault.SPLIT}
    said = json.loads(report.evidence[0].to_json())
    old, new = (parse_checkpoint(parse_note(said[name].encode())) for name in ("first", "second"))
    assert (old.size, new.size) == (size, len(HONEST))
    if old.size < new.size:
        path = [bytes.fromhex(node) for node in said["path"]]
        found = consistency_roots(old.size, new.size, path)
        assert found[0] != old.root
        assert found[1] == new.root
    else:
        assert old.root != new.root


def test_entries_are_asked_for_once(tmp_path: Path) -> None:
    """Who sees that two pasts are found could serve no more, and nobody could show them."""

    class Once(FolderSource):
        def read(self, paths: Sequence[str], limit_bytes: int) -> list[bytes | None]:
            assert not asked & {*paths}
            asked.update(paths)
            return super().read(paths, limit_bytes)

    asked: set[str] = set()
    entries = [*HONEST, *[LATER] * 600]
    notes: list[OtherPast] = []
    for size in (1, 2, 100, 255, 256, 257, 300, 512, 513, 606):
        folder = written(tmp_path / "log", [b"other", *entries[1:size]], anew=True)
        notes.append(past_in((folder / "checkpoint").read_bytes(), KEY, f"of {size}"))
    folder = written(tmp_path / "log", entries, anew=True)
    reader = LogReader(source=Once(folder), key=KEY, others=notes, entries_limit=10**6)
    report = reader.read(EntriesAudit(claims={}))
    assert report.entries.faults == {Fault.SPLIT: len(notes)}
    for other, evidence in zip(notes, report.evidence, strict=True):
        old, new = consistency_roots(other.checkpoint.size, len(entries), evidence.path)
        assert new == report.checkpoint.root
        assert old == peaks_of(map(leaf_hash, entries[: other.checkpoint.size])).root


def test_a_log_of_the_same_name_takes_nobodys_place(tmp_path: Path) -> None:
    folder, evil = tmp_path / "log", LogKeys(Account.from_key(b"e" * 32))
    LogFolder(folder, NAMES, evil, SqliteStore(None)).append(HONEST)
    theirs = evil.verifier_key(KEY.name)
    report = LogReader(source=FolderSource(folder), key=theirs, entries_limit=10**6).read(
        EntriesAudit(claims={})
    )
    unknown, known = SeenLogs(folder=tmp_path), SeenLogs(folder=tmp_path, is_key_known=True)
    unknown.keep(report, theirs)
    assert known.read(KEY) == []
    with pytest.raises(Rejected):
        unknown.read(KEY)
    known.keep(report, theirs)
    assert [len(each.read(theirs)) for each in (known, unknown)] == [2, 2]
    known.keep(read(written(tmp_path / "own", HONEST)), KEY)
    assert [len(known.read(key)) for key in (KEY, theirs)] == [1, 2]


def test_a_log_that_is_shorter_than_it_was(tmp_path: Path) -> None:
    folder, seen = tmp_path / "log", SeenLogs(folder=tmp_path / "seen")
    seen.keep(read(written(folder, HONEST)), KEY)
    (known,) = seen.read(KEY)
    report = read(written(folder, HONEST[:5], anew=True), [known])
    assert Fault.ROLLED_BACK in faults(report)


def test_checkpoints_of_other_logs_are_not_compared(tmp_path: Path) -> None:
    note = KEYS.signed_checkpoint(Checkpoint(origin="else", size=1, root=CLAIM.seed), None)
    with pytest.raises(Rejected) as caught:
        past_in(note.content, KEY, "a friend")
    assert caught.value.reason is Reject.LOG_OTHER
    assert "a friend" in str(caught.value)


# --- what is served ----------------------------------------------------------------------------------


def test_entries_that_are_changed_cut_off_or_gone(tmp_path: Path) -> None:
    folder = written(tmp_path / "log", HONEST)
    bundle = folder / "tile" / "entries" / "000.p" / "7"
    content = bundle.read_bytes()
    for wrong in (content[:-1], content + b"\0", content[:50], b"", content[:-1] + b"x"):
        bundle.write_bytes(wrong)
        with pytest.raises(Rejected) as caught:
            read(folder)
        assert caught.value.reason is Reject.LOG_TILE
    bundle.unlink()
    with pytest.raises(Rejected) as caught:
        read(folder)
    assert caught.value.reason is Reject.LOG_TILE


def test_a_log_that_says_it_is_endless(tmp_path: Path) -> None:
    folder = written(tmp_path / "log", HONEST)
    huge = KEYS.signed_checkpoint(Checkpoint(origin=KEY.name, size=2**62, root=CLAIM.seed), None)
    (folder / "checkpoint").write_bytes(huge.content)
    with pytest.raises(Rejected) as caught:
        read(folder)
    assert "--max-entries" in str(caught.value)


class Evil(BaseHTTPRequestHandler):
    """Says that it is busy for a day, or sends without end."""

    def do_GET(self) -> None:
        if self.path == "/busy":
            self.send_response(503)
            self.send_header("Retry-After", "86400")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b"x" * 65_536)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        del format, args


def test_servers_that_are_busy_for_ever_or_send_without_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    Thread(target=server.serve_forever, daemon=True).start()
    source = HttpSource(f"http://127.0.0.1:{server.server_port}")
    try:
        with pytest.raises(Rejected, match="more than the 100 bytes") as caught:
            source.read(["endless", "endless"], 100)
        assert "keeper" not in str(caught.value)
        with monkeypatch.context() as patched:
            patched.setattr("truestep.adapters.logs.sources.asyncio.sleep", sleep)
            with pytest.raises(Unavailable, match="is busy"):
                source.read(["busy"], 100)
        assert 0 < sum(waited) <= 150
    finally:
        source.close()
        server.shutdown()
        server.server_close()
    assert not caplog.records


def test_a_pipe_is_no_file_of_a_log(tmp_path: Path) -> None:
    folder = written(tmp_path / "log", HONEST)
    (folder / "checkpoint").unlink()
    os.mkfifo(folder / "checkpoint")
    with pytest.raises(Rejected, match="no plain file"):
        read(folder)


def test_a_folder_without_a_log(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        read(tmp_path)
    with pytest.raises(Unavailable):
        served_key(FolderSource(tmp_path))


def test_what_was_shown_in_audits_is_in_the_log(tmp_path: Path) -> None:
    words = {AUDIT.word: OPENED.operator}
    report = read(written(tmp_path / "log", [*HONEST, entry_bytes(AUDIT), entry_bytes(DELETED)]), words=words)
    assert report.is_sound and report.entries.counts["audit"] == report.entries.counts["deleted"] == 1
    assert report.entries.unsent_count == 0
    report = read(written(tmp_path / "silent", HONEST), words=words)
    assert (
        faults(report) == {Fault.MISSING}
        and "audit of leaf 1 of batch 9" in report.entries.findings[0].message
    )
    other = replace(AUDIT, digest=CLAIM.left_root)
    report = read(written(tmp_path / "other", [*HONEST, entry_bytes(other)]), words=words)
    assert faults(report) == {Fault.MISSING} and report.entries.unsent_count == 1
    before = {replace(AUDIT, batch_id=OPENED.batch_count).word: OPENED.operator}
    of_others = {AUDIT.word: Address("0x" + "cC" * 20)}
    for harmless in (before, of_others):
        assert read(written(tmp_path / "log", HONEST, anew=True), words=harmless).is_sound
