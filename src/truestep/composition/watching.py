"""Opens everything that a watcher of data needs: chain, state, eyes, threads."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Protocol

from truestep.adapters.chain.availability import AvailabilityContracts, AvailabilityReader, Web3KeeperChain
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.payloads import Payloads
from truestep.adapters.chain.published import PublishedBlobs
from truestep.adapters.chain.sender import Signer
from truestep.adapters.clock import SystemClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.store.scoped import Scope, open_scope
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.ids import Address
from truestep.composition.daemons import LOOKS_AT_ONCE, answering, keep_owner
from truestep.composition.network import other_networks, others_in_words, watched_consensus
from truestep.composition.state import opened_state
from truestep.node.availability.watch_desk import WatchBench
from truestep.node.availability.watcher import WatcherWorld
from truestep.node.chain.outbox import Courier
from truestep.node.tasks.commitments import kept_secret
from truestep.ports.reporter import Reporter
from truestep.roles.estimates import SENDS_AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherSettings:
    """A watcher's network and account."""

    rpc: Sequence[str]
    contracts: AvailabilityContracts
    state_dir: Path
    signer: Signer
    policy: TransactionPolicy = field(default_factory=TransactionPolicy)
    may_be_private: bool = False
    """Whether keepers may serve at private addresses."""
    beacon: Sequence[str] = ()
    """URLs of consensus nodes, for items in blobs of transactions."""
    store: str | None = None
    """The URI of its state in PostgreSQL; None for a file in the state directory."""


@contextmanager
def opened_watcher(settings: WatcherSettings, reporter: Reporter) -> Generator[WatcherWorld]:
    """Everything that a watcher needs; its store is closed at the end."""
    with ExitStack() as stack:
        whole = stack.enter_context(opened_state(settings.state_dir, settings.store))
        contracts = settings.contracts
        scope = Scope(chain_id=contracts.chain_id, jobs=contracts.items)
        store, clock = open_scope(whole, scope, [contracts.keepers, contracts.challenges]), SystemClock()
        keep_owner(store, Address(settings.signer.address))
        if others := other_networks(whole, scope):
            reporter.report("deployment", others_in_words(others), others=len(others))
        chain = Web3KeeperChain(
            settings.rpc, contracts, settings.signer, store, settings.policy, reporter=reporter
        )
        watched = watched_consensus(contracts.chain_id, settings.rpc, settings.beacon, reporter)
        stack.enter_context(watched)
        published = published_blobs(settings, reporter)
        eyes = KeeperEyes(
            open_kzg(),
            reporter,
            may_be_private=settings.may_be_private,
            published=published,
            payload=Payloads(settings.rpc, settings.contracts, reporter).payload,
        )
        yield WatcherWorld(
            chain=chain,
            store=store,
            executor=ThreadExecutor(LOOKS_AT_ONCE, WatchBench(eyes).perform, clock.nudge),
            sends=ThreadExecutor(SENDS_AT_ONCE, Courier(chain).perform, clock.nudge),
            clock=clock,
            reporter=reporter,
            secret=kept_secret(store, token_bytes),
            answering=answering(published, chain, clock) if published is not None else None,
        )


class ReadsBlobs(Protocol):
    """Settings of a daemon that may read blobs of transactions."""

    @property
    def rpc(self) -> Sequence[str]:
        """URLs of nodes that replace each other."""
        ...

    @property
    def contracts(self) -> AvailabilityContracts:
        """Of the network."""
        ...

    @property
    def state_dir(self) -> Path:
        """Where its state is."""
        ...

    @property
    def beacon(self) -> Sequence[str]:
        """URLs of consensus nodes."""
        ...


def published_blobs(settings: ReadsBlobs, reporter: Reporter) -> PublishedBlobs | None:
    """Blobs of transactions, if a consensus node is named."""
    if not settings.beacon:
        return None
    reader = AvailabilityReader(settings.rpc, settings.contracts, reporter)
    return PublishedBlobs(reader, BeaconBlobs(settings.beacon, open_kzg()), settings.state_dir / "published")
