"""Sends happen off the loop, once, and again with growing waits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from tests.e2e.network import InlineExecutor, Log, ManualClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import BatchId, GameId, JobId, claim_of, task_of
from truestep.node.chain.outbox import TRIES, Courier, Outbox
from truestep.ports.chain import Outcome, Transaction
from truestep.protocol.calls import Call, FinalizeBatch, ShowGame, WithdrawRewards, WithdrawWinnings
from truestep.protocol.claims import ZERO_HASH
from truestep.roles import intents
from truestep.roles.actions import Send

SEND = Send(intent="withdraw/1", call=WithdrawRewards(), message="withdraw")
OTHER = Send(intent="settle/2", call=WithdrawWinnings(), message="settle")


@dataclass
class ScriptedChain:
    """The part of `Chain` that an outbox uses: every transaction ends as the script says."""

    outcome: Outcome = Outcome.PENDING
    trouble: Exception | None = None
    sent: dict[str, Transaction] = field(default_factory=dict)
    hanging: threading.Event | None = None

    def transaction(self, intent: str) -> Transaction | None:
        return self.sent.get(intent)

    def submit(self, call: Call, *, intent: str) -> Transaction:
        if self.hanging and isinstance(call, WithdrawRewards):
            self.hanging.wait(60)
        if self.trouble:
            raise self.trouble
        transaction = Transaction(
            intent=intent, outcome=self.outcome, transaction_hash=ZERO_HASH, reason="no"
        )
        return self.sent.setdefault(intent, transaction)

    def refresh(self) -> tuple[Transaction, ...]:
        if self.trouble:
            raise self.trouble
        pending = [each for each in self.sent.values() if each.outcome is Outcome.PENDING]
        self.sent |= {each.intent: replace(each, outcome=self.outcome) for each in pending}
        return tuple(self.sent[each.intent] for each in pending)


@dataclass
class Scene:
    chain: ScriptedChain
    log: Log = field(default_factory=Log)
    clock: ManualClock = field(default_factory=ManualClock)
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        courier = Courier(self.chain)
        executor = InlineExecutor(courier.perform)
        self.outbox = Outbox(self.chain, executor, self.clock, self.log)

    def turn(self, *sends: Send) -> None:
        self.outbox.collect()
        self.outbox.refresh(is_new_head=True)
        self.outbox.collect()
        self.outbox.send_all(sends)
        self.outbox.collect()


def test_what_is_pending_is_not_sent_again_and_its_end_is_told_once() -> None:
    scene = Scene(ScriptedChain())
    for _ in range(3):
        scene.turn(SEND)
    assert scene.outbox.in_flight == {SEND.intent}
    scene.restart()
    scene.turn(SEND)
    assert list(scene.chain.sent) == ["withdraw/1#0"]
    scene.chain.outcome = Outcome.CONFIRMED
    scene.turn()
    scene.turn()
    assert scene.outbox.in_flight == frozenset()
    assert scene.log.kinds().count("withdraw_landed") == 1


def test_a_lasting_trouble_is_told_once_a_minute() -> None:
    scene = Scene(ScriptedChain(trouble=Unavailable("the node does not answer")))
    for _ in range(20):
        scene.turn(SEND, OTHER)
        scene.clock.sleep(4.0)
    assert scene.log.kinds() == ["unavailable"] * 2


def test_an_outcome_that_a_send_and_a_check_both_find_is_told_once() -> None:
    scene = Scene(ScriptedChain(outcome=Outcome.CONFIRMED))
    scene.turn(SEND)
    (transaction,) = scene.chain.sent.values()
    scene.chain.refresh = lambda: (transaction,)  # began before the send had ended
    scene.turn()
    assert scene.log.kinds() == ["withdraw_sent", "withdraw_landed"]
    scene.chain.refresh = lambda: (replace(transaction, outcome=Outcome.PENDING),)
    scene.turn()
    scene.chain.refresh = lambda: (transaction,)
    scene.turn()
    assert scene.log.kinds() == ["withdraw_sent", "withdraw_landed", "withdraw_landed"], (
        "after a reorganisation"
    )


def test_lines_about_a_send_say_what_it_is_about() -> None:
    scene = Scene(ScriptedChain(outcome=Outcome.CONFIRMED))
    intent = intents.of_claim_id("refute", claim_of(task_of(JobId(3), 1), BatchId(1)))
    scene.turn(Send(intent=intent, call=WithdrawRewards(), message="refute it"))
    assert scene.log.lines[-1][1].startswith("refute of job 3 shard 1 is in a block ")


def test_what_a_clock_runs_for_goes_first() -> None:
    scene = Scene(ScriptedChain())
    show = ShowGame(game_id=GameId(1), state_hash=ZERO_HASH, salt=ZERO_HASH)
    scene.turn(
        SEND,
        Send(intent="finalize/1", call=FinalizeBatch(batch_id=BatchId(1)), message="no hurry"),
        Send(intent="show/1", call=show, message="soon too late"),
    )
    assert list(scene.chain.sent) == ["show/1#0", "withdraw/1#0", "finalize/1#0"]


def test_a_deed_that_is_always_reverted_is_tried_ever_more_slowly_and_that_is_said() -> None:
    scene = Scene(ScriptedChain(outcome=Outcome.REVERTED))
    for _ in range(3 * TRIES):
        scene.turn(SEND)
    assert list(scene.chain.sent) == [f"withdraw/1#{number}" for number in range(TRIES)]
    scene.restart()
    scene.turn(SEND)
    assert len(scene.chain.sent) == TRIES, "a restart is no reason to hurry"
    for number in range(1, 5):
        scene.clock.sleep(2 * 60.0 * 2**number)
        scene.turn(SEND)
        scene.turn(SEND)
        assert len(scene.chain.sent) == TRIES + number
    told = [line for kind, line in scene.log.lines if kind == "keeps_reverting"]
    assert len(told) == 6
    assert "because: no;" in told[0]


def test_a_refusal_is_said_once_and_a_failure_is_tried_again_soon() -> None:
    scene = Scene(ScriptedChain(trouble=Rejected(Reject.FUNDS_TOO_LOW, "send some")))
    scene.chain.trouble = None
    scene.turn()
    scene.chain.trouble = Rejected(Reject.FUNDS_TOO_LOW, "send some")
    for _ in range(3):
        scene.outbox.send_all([SEND])
        scene.outbox.collect()
    assert scene.log.kinds().count("withdraw_refused") == 1
    for trouble in (Unavailable("the node does not answer"), KeyError("hash")):
        scene.chain.trouble = trouble
        scene.outbox.send_all([SEND])
        scene.outbox.collect()
        assert "it is tried again" in scene.log.lines[-1][1]
        scene.clock.sleep(10.0)
    scene.chain.trouble = None
    scene.turn(SEND)
    assert list(scene.chain.sent) == ["withdraw/1#0"]


def test_nothing_is_sent_before_what_an_earlier_process_sent_is_known() -> None:
    scene = Scene(ScriptedChain(trouble=Unavailable("down")))
    scene.turn(SEND)
    assert not scene.outbox.is_ready
    scene.chain.trouble = None
    scene.turn(SEND)
    assert list(scene.chain.sent) == ["withdraw/1#0"]


def test_a_send_that_hangs_delays_no_other() -> None:
    chain, log, clock = ScriptedChain(hanging=threading.Event()), Log(), ManualClock()
    ended = threading.Event()
    executor = ThreadExecutor(4, Courier(chain).perform, ended.set)
    outbox = Outbox(chain, executor, clock, log)
    outbox.refresh(is_new_head=True)
    assert ended.wait(60)
    outbox.collect()
    ended.clear()
    outbox.send_all([SEND, OTHER])
    assert ended.wait(60)
    outbox.collect()
    assert list(chain.sent) == ["settle/2#0"]
    assert outbox.in_flight == {SEND.intent, OTHER.intent}
    assert chain.hanging
    chain.hanging.set()
    executor.stop(60)
    outbox.collect()
    assert set(chain.sent) == {"settle/2#0", "withdraw/1#0"}
