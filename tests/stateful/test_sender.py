"""Whatever a chain and a process go through, every intent lands once on the chain that is left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.adapters.scripted_node import CHAIN_ID, ScriptedNode
from tests.adapters.sending import SWIFT, key_of
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.endpoints import Patience
from truestep.adapters.chain.fees import GWEI
from truestep.adapters.chain.sender import Sender
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address
from truestep.ports.chain import Outcome

POLICY = replace(SWIFT, bump_after_seconds=0.0)
PATIENCE = Patience(budget_seconds=0.0, first_pause_seconds=0.0, pause_limit_seconds=0.0)
KEY = key_of("ann")
TO = Address("0x" + "12" * 20)
SETTLING_ROUNDS = 12


class Sending(RuleBasedStateMachine):
    """One account, one journal, a node that is not to be relied on."""

    def __init__(self) -> None:
        super().__init__()
        self.node = ScriptedNode()
        self.store = SqliteStore()
        self.intents: list[str] = []
        self.restart()

    @rule()
    def restart(self) -> None:
        self.sender = Sender(connect(self.node, patience=PATIENCE), CHAIN_ID, KEY, self.store, POLICY)

    @rule(looks=st.integers(0, 2), blocks=st.integers(0, 2))
    def submit(self, looks: int, blocks: int) -> None:
        """Send, perhaps with time until it lands and is looked at."""
        intent = f"deed/{len(self.intents)}"
        try:
            self.sender.submit(Message(to=TO, payload=intent.encode()), intent)
        except (Rejected, Unavailable):
            return
        self.intents.append(intent)
        for _ in range(blocks):
            self.node.mine()
        for _ in range(looks):
            self.look()

    @rule()
    def look(self) -> None:
        with suppress(Unavailable):
            self.sender.refresh()

    @rule(depth=st.integers(0, 5))
    def change_the_past(self, depth: int) -> None:
        """A new block, or other ones in place of the last."""
        if depth:
            self.node.reorganise(depth)
        else:
            self.node.mine()

    @rule(
        fault=st.sampled_from(["receipts", "silence", "mempool", "price", "none"]), gwei=st.integers(1, 600)
    )
    def fail(self, fault: str, gwei: int) -> None:
        """One fault begins, the others end."""
        self.node.hides_receipts = fault == "receipts"
        self.node.is_silent = fault == "silence"
        self.node.base_fee_wei = (gwei if fault == "price" else 1) * GWEI
        if fault == "mempool":
            self.node.mempool.clear()

    @invariant()
    def nothing_lands_twice(self) -> None:
        payloads = [sent.payload for sent in self.node.landed() if sent.payload]
        assert len(payloads) == len(set(payloads))

    def teardown(self) -> None:
        """When the faults are over, everything lands."""
        self.node.hides_receipts = self.node.is_silent = False
        self.node.base_fee_wei = GWEI
        for _ in range(SETTLING_ROUNDS):
            self.sender.refresh()
            self.node.mine()
        self.nothing_lands_twice()
        payloads = {bytes.fromhex(sent.payload).decode() for sent in self.node.landed()} - {""}
        assert payloads == set(self.intents)
        entries = [self.sender.entry(intent) for intent in self.intents]
        assert all(entry and entry.outcome is Outcome.CONFIRMED for entry in entries)
        self.store.close()


TestSending = Sending.TestCase
TestSending.settings = settings(
    max_examples=settings().max_examples // 3, stateful_step_count=20, deadline=None
)
