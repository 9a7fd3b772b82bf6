"""Daemons that die at chosen instants between two deeds, and are started again on the store they left."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.e2e.network import POLICY, ManualClock, Network, WatchedProvider
from tests.stores import PassingStore
from truestep.node.tasks.agent import Daemon
from truestep.ports.store import Change, Store

BOUNDARIES = ("before a write", "after a write", "before a send", "after a send")
TICK_SECONDS = 0.2
"""What a tick takes by the daemons' clock: in the idle rounds, all that they wait for comes due."""
TIMELESS = replace(
    POLICY,
    broadcast_wait_seconds=600.0,
    receipt_after_seconds=0.0,
    nonce_grace_seconds=0.0,
    watch_after_seconds=1e9,
    market_seconds=0.0,
)
"""The sender goes by the computer's clock: what it would wait for is due at once, or never. A broadcast is
waited for to its end, so that whoever is killed in it is dead before anything else happens."""


class Killed(BaseException):
    """The process ends here. No `except Exception` on its way can hold it up."""


@dataclass
class Executioner:
    """Kills at every boundary of one kind; before a deed only on the first approach, not on the second."""

    boundary: str = ""
    rng: random.Random | None = None
    kills: int = 0
    is_armed: bool = False
    was_spared: bool = True

    def reach(self, boundary: str) -> None:
        if self.is_armed and self._condemns(boundary):
            self.kills += 1
            raise Killed

    def _condemns(self, boundary: str) -> bool:
        if self.rng is not None:
            return not boundary.endswith("question") and self.rng.random() < 0.2
        if boundary != self.boundary:
            return False
        self.was_spared = boundary.startswith("before") and not self.was_spared
        return not self.was_spared


@dataclass
class MortalStore(PassingStore):
    """Kills whoever writes."""

    executioner: Executioner

    def write(self, changes: Sequence[Change]) -> None:
        self.executioner.reach("before a write")
        super().write(changes)
        self.executioner.reach("after a write")


@dataclass
class Mortal:
    """A daemon that is started again, on the store it left, whenever it was killed."""

    start: Callable[[], Daemon]
    clock: ManualClock
    daemon: Daemon | None = None

    def tick(self) -> object:
        self.clock.seconds += TICK_SECONDS
        try:
            self.daemon = self.daemon or self.start()
            return self.daemon.tick()
        except Killed:
            self.daemon = None
            return None


def deed(method: str) -> str:
    """What a request does, as boundaries are named."""
    return "a send" if method == "eth_sendRawTransaction" else "a question"


def mortal_store(network: Network, name: str, executioner: Executioner) -> Store:
    """A daemon's store, and from here on its way to the chain, under its executioner's eyes."""
    reach = executioner.reach
    network.node = WatchedProvider(
        network.devnet.node,
        before=lambda method: reach(f"before {deed(method)}"),
        after=lambda method: reach(f"after {deed(method)}"),
    )
    return MortalStore(network.store(name), executioner)
