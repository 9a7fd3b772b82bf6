"""What was computed survives a restart, and is never what another run gave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32, ClaimId
from truestep.machine.state import Status
from truestep.node.tasks.items import Found, FoundReveal
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import RunKey
from truestep.ports.store import Change
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.state_numbers import micro_number
from truestep.roles.views import OwnRun, Reveal

CLAIMED = ClaimedState(
    status=Status.EXITED,
    code=0,
    cycle=7,
    output_size=8,
    output_root=Bytes32(b"o" * 32),
    left_root=ZERO_HASH,
    inner_root=ZERO_HASH,
    running_state=ZERO_HASH,
)
MICRO = micro_number(2**48, 0)
REVEAL = Reveal(after=b"a" * 305, cycles=77, memory_root=Bytes32(b"m" * 32))
A, B = (RunKey(initial_hash=Bytes32(name * 32), max_cycles=1_000) for name in (b"a", b"b"))


def found(
    hashes: dict[int, Bytes32] | None = None,
    witnesses: dict[int, bytes] | None = None,
    reveals: dict[int, FoundReveal] | None = None,
) -> Found:
    return Found(hashes=hashes or {}, witnesses=witnesses or {}, reveals=reveals or {})


def test_results_survive_a_restart_and_contradictions_are_bugs(tmp_path: Path) -> None:
    own_run = OwnRun(claimed=CLAIMED, running_state=b"packed")
    reveal = FoundReveal(reveal=REVEAL, witness=b"float")
    with SqliteStore(tmp_path / "results.db") as store:
        results = Results(store)
        results.keep_run(A, own_run)
        results.keep(A, found({5: Bytes32(b"5" * 32)}))
        results.keep(A, found({6: Bytes32(b"6" * 32), MICRO + 3: Bytes32(b"m" * 32)}, {5: b"w5"}))
        results.keep(B, found({1: ZERO_HASH}))
        results.keep(A, found(witnesses={MICRO + 3: b"wm"}, reveals={MICRO: reveal}))
        again = Results(store)
        assert again.own_run(A) == own_run
        assert again.hashes(A) == {5: b"5" * 32, 6: b"6" * 32, MICRO + 3: b"m" * 32}
        assert again.witnesses(A) == {5: b"w5", MICRO + 3: b"wm", 2**48: b"float"}
        assert again.reveals(A) == {MICRO: REVEAL}
        with pytest.raises(Bug):
            again.keep_run(A, OwnRun(claimed=CLAIMED))
        with pytest.raises(Bug):
            again.keep(A, found({6: Bytes32(b"7" * 32)}))
        with pytest.raises(Bug):
            again.keep(A, found(reveals={MICRO: replace(reveal, reveal=replace(REVEAL, cycles=78))}))
        again.forget_except({B})
        rest = Results(store)
        assert (rest.own_run(A), rest.hashes(B)) == (None, {1: ZERO_HASH})
        assert (rest.reveals(A), rest.witnesses(A), rest.hashes(A)) == ({}, {}, {})


def test_the_end_that_a_look_came_to_is_kept_with_its_hashes() -> None:
    """With it a claim is refuted that says of this state that it runs."""
    store = SqliteStore()
    results = Results(store)
    results.keep(A, found({5: ZERO_HASH}))
    assert results.halted_state(A) == b""
    results.keep(A, replace(found({1_000: ZERO_HASH}), halted_state=b"end"))
    again = Results(store)
    assert again.halted_state(A) == b"end"
    with pytest.raises(Bug):
        again.keep(A, replace(found({999: ZERO_HASH}), halted_state=b"another"))
    again.forget_except([])
    assert (Results(store).halted_state(A), store.rows("halted")) == (b"", [])


def test_a_smaller_maximum_has_an_end_of_its_own() -> None:
    """A twin of a program, registered with a smaller maximum, starts in the same state and is cut off."""
    twin = replace(A, max_cycles=3)
    results = Results(SqliteStore())
    results.keep_run(A, OwnRun(claimed=CLAIMED))
    assert results.own_run(twin) is None
    cut = replace(CLAIMED, status=Status.RUNNING, cycle=3)
    results.keep_run(twin, OwnRun(claimed=cut, running_state=b"state"))
    assert results.own_run(A) == OwnRun(claimed=CLAIMED)
    results.keep(A, found({2: ZERO_HASH}))
    assert results.hashes(twin) == {2: ZERO_HASH}, "states are the same whatever the maximum"
    results.forget_except({twin})
    assert (results.own_run(A), results.hashes(A)) == (None, {2: ZERO_HASH})


class FullDisk(SqliteStore):
    """It writes nothing any more."""

    def write(self, changes: object) -> None:
        del changes
        raise Unavailable("disk is full")


def test_what_is_not_on_the_disk_is_not_known() -> None:
    results = Results(FullDisk())
    for keep in (
        lambda: results.keep_run(A, OwnRun(claimed=CLAIMED)),
        lambda: results.keep(A, found({5: ZERO_HASH})),
    ):
        with pytest.raises(Unavailable):
            keep()
    assert (results.own_run(A), results.hashes(A)) == (None, {})


def test_rows_are_named_by_run() -> None:
    store = SqliteStore()
    results = Results(store)
    results.keep_run(A, OwnRun(claimed=CLAIMED))
    results.keep(A, found({5: ZERO_HASH}))
    assert [key for key, _ in store.rows("runs")] == [f"{A.initial_hash.hex()}-1000"]
    assert [key for key, _ in store.rows("hashes")] == [A.initial_hash.hex()]
    store.write([Change(table="runs", key=A.end, value=None)])
    assert Results(store).own_run(A) is None


def test_a_row_is_read_when_it_is_asked_for() -> None:
    store = SqliteStore()
    results = Results(store)
    results.keep(A, found({5: ZERO_HASH}))
    results.keep(B, found({5: ZERO_HASH}))
    store.write([Change(table="hashes", key=A.states, value="damaged")])
    again = Results(store)
    assert again.hashes(B) == {5: ZERO_HASH}
    with pytest.raises(Rejected, match="damaged"):
        again.hashes(A)


def test_a_claim_that_was_found_true_is_known_after_a_restart_as_long_as_it_says_the_same() -> None:
    store = SqliteStore()
    results = Results(store)
    results.keep(A, found({5: ZERO_HASH}))
    results.agree(ClaimId(7), "what it says", A)
    results.forget_except([], [ClaimId(7)])
    again = Results(store)
    assert again.agreed_mark(ClaimId(7)) == "what it says"
    assert again.hashes(A) == {5: ZERO_HASH}, "another claim on this run need not be computed"
    again.forget_except([])
    assert Results(store).agreed_mark(ClaimId(7)) == ""
    assert (store.rows("agreed"), store.rows("hashes")) == ([], [])
