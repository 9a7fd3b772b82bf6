"""A command that says nothing for a while says what it waits for; interrupted, what it leaves behind."""

from __future__ import annotations

import threading

import pytest
import typer

from truestep.adapters.chain.web3_chain import LANDED, SENT, call_in_words
from truestep.cli.connection import Waits
from truestep.cli.screen import Screen, guarded
from truestep.cli.silence import Silence, begin_silence
from truestep.protocol.calls import Deposit, PostJob


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_silent_command_says_what_it_waits_for() -> None:
    time = Time()
    silence = Silence(time)
    time.now = 30.0
    assert silence.due() == "", "it has said of nothing that it does it"
    silence.doing("reading events")
    assert silence.due() == "reading events"
    time.now = 39.0
    assert silence.due() == ""
    silence.progress("reading events: 3 of 4")
    time.now = 40.0
    assert silence.due() == "reading events: 3 of 4 (10 s)"
    silence.has_spoken()
    time.now = 49.0
    assert silence.due() == ""
    silence.doing("waiting")
    time.now = 54.0
    silence.draw(1)
    time.now = 90.0
    assert silence.due() == "", "a bar is drawn"
    silence.draw(-1)
    time.now = 95.0
    assert silence.due() == "waiting (46 s)"
    silence.doing("")
    time.now = 200.0
    assert silence.due() == ""


def test_it_is_printed_until_the_result_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = iter(["waiting for keepers (10 s)"])
    said = threading.Event()
    silence = begin_silence()

    def due(_: Silence) -> str:
        line = next(lines, "")
        if not line:
            said.set()  # the line before was printed
        return line

    monkeypatch.setattr(Silence, "due", due)
    screen = Screen(as_json=True)
    assert said.wait(10)
    screen.result({"job_id": 7})
    silence.end()
    captured = capsys.readouterr()
    assert captured.out == '{"job_id": 7}\n'
    assert "… waiting for keepers (10 s)" in captured.err


def test_ctrl_c_says_what_is_left_behind(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        screen = Screen(as_json=False)
        screen.leave_behind("item 3 is registered; run the same command again")
        screen.in_flight("post job")
        screen.in_flight("")
        screen.in_flight("supply job")
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err.splitlines() == [
        "interrupted",
        "a transaction was sent and may still take place: supply job",
        "item 3 is registered; run the same command again",
    ]


def test_a_sender_says_which_transaction_is_under_way(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        waits = Waits(Screen(as_json=False))
        waits.report("endpoint_failed", "what nodes do is not told")
        waits.report(SENT, call_in_words(Deposit(amount_wei=1)))
        waits.report(LANDED, "deposit")
        waits.report(SENT, call_in_words(PostJob.__new__(PostJob)))
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit):
        command()
    assert capsys.readouterr().err.splitlines() == [
        "interrupted",
        "a transaction was sent and may still take place: post job",
    ]
