"""Keepers on the stage: the daemon of `truestep keeper`, in a thread."""

import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from truestep.adapters.cells.directory import DirectoryCells
from truestep.base.ids import Address
from truestep.composition.keeping import KeeperSettings, opened_keeper
from truestep.drills.reports import Reports
from truestep.drills.stage import POLL_SECONDS, Stage
from truestep.node.keeping.agent import KeeperAgent
from truestep.node.loop.loop import Loop
from truestep.ports.cells import CellStore
from truestep.ports.keeping import Hands
from truestep.roles.keeper import Action, KeeperPolicy, View
from truestep.simulation.withholding import Withholding

SHARES = 4
"""A seat each of a job's data and of its outputs, and more."""
STORE_LIMIT_BYTES = 1 << 30


def _nothing(_: Action) -> bool:
    return False


def _honest_hands(hands: Hands) -> Hands:
    return hands


def _honest_store(store: CellStore) -> CellStore:
    return store


@dataclass(frozen=True, slots=True, kw_only=True)
class Vice:
    """What is wrong with a hostile keeper."""

    never: Callable[[Action], bool] = _nothing
    """Whether it leaves an action undone."""
    hands: Callable[[Hands], Hands] = _honest_hands
    store: Callable[[CellStore], CellStore] = _honest_store
    """What it has in place of its disk."""


HONEST = Vice()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """One that runs."""

    name: str
    account: Address
    url: str
    reports: Reports
    vanish: Callable[[], None]
    """Its process ends, and nothing answers any more."""


def keepers(stage: Stage, names: Sequence[str], *, shares: int = SHARES) -> list[Keeper]:
    """Several honest ones, once all of them are enrolled."""
    found = [keeper(stage, name, shares=shares) for name in names]
    enrolled(stage, found)
    return found


def enrolled(stage: Stage, expected: Sequence[Keeper]) -> None:
    """Wait until the chain knows them."""
    accounts = {each.account for each in expected}
    stage.until(
        "keepers enrol", lambda: accounts <= {each.account for each in stage.facts().keepers.values()}
    )


def keeper(stage: Stage, name: str, *, rpc: str = "", vice: Vice = HONEST, shares: int = SHARES) -> Keeper:
    """Start one. It buys its shares by itself."""
    key, folder, stack = stage.key(name), stage.folder / name, ExitStack()
    stage.stay(stack)
    reports = stack.enter_context(closing(Reports(folder / "log.jsonl")))
    store = stack.enter_context(closing(DirectoryCells(folder / "cells", limit_bytes=STORE_LIMIT_BYTES)))
    port = _free_port()
    settings = KeeperSettings(
        rpc=[rpc or stage.url],
        contracts=stage.contracts,
        state_dir=folder,
        signer=key,
        store=vice.store(store),
        store_limit_bytes=STORE_LIMIT_BYTES,
        listen=("127.0.0.1", port),
        shared=stage.kzg,
        may_be_private=True,
    )
    policy = KeeperPolicy(shares=shares, url=f"http://127.0.0.1:{port}")
    world = stack.enter_context(opened_keeper(settings, reports, changed=vice.hands))
    site = Withholding[View, Action](KeeperAgent(world, policy), vice.never)
    loop = Loop(site, world.clock, world.reporter)
    stack.enter_context(stage.running(lambda should_stop: loop.run(should_stop, POLL_SECONDS)))
    return Keeper(
        name=name, account=Address(key.address), url=policy.url, reports=reports, vanish=stack.close
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
