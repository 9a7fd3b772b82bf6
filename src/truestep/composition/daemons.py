"""Opens everything that a daemon needs: chain, store, blobs, engine, threads, clock."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from truestep.adapters.blobs.cache import BlobCache
from truestep.adapters.chain.deployment import read_deployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.sender import Signer
from truestep.adapters.clock import SystemClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.store.sqlite import SqliteStore
from truestep.composition.network import deployment_store, open_blobs, open_chain
from truestep.node.loop.loop import World
from truestep.node.tasks.queue import FETCHES_LIMIT
from truestep.ports.engine import Engine
from truestep.ports.reporter import Reporter

ROOM_FOR_MOVES = 2
"""Moves in disputes never wait for a run, a check or a fetch to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSettings:
    """A daemon's network, and the resources it may use."""

    rpc: Sequence[str]
    """URLs of nodes that replace each other."""
    deployment: Path
    blobs: Sequence[str]
    """URLs or directories."""
    state_dir: Path
    signer: Signer
    engine: Engine
    parallel: int
    """Runs or checks at the same time."""
    policy: TransactionPolicy = field(default_factory=TransactionPolicy)
    """What gas may cost."""


@contextmanager
def opened_world(settings: DaemonSettings, reporter: Reporter) -> Generator[World]:
    """Everything that a daemon needs; its store is closed at the end."""
    deployment = read_deployment(settings.deployment)
    with SqliteStore(settings.state_dir / "state.sqlite") as whole:
        store = deployment_store(whole, deployment, reporter)
        yield World(
            chain=open_chain(
                settings.rpc, deployment, settings.signer, store, settings.policy, reporter=reporter
            ),
            store=store,
            blobs=BlobCache(open_blobs(settings.blobs), settings.state_dir / "blobs", reporter=reporter),
            engine=settings.engine,
            executor=ThreadExecutor(settings.parallel + ROOM_FOR_MOVES + FETCHES_LIMIT),
            clock=SystemClock(),
            reporter=reporter,
        )
