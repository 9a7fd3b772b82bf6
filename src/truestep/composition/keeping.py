"""Opens everything that a keeper needs: chain, state, store of cells, service, processes, threads."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.cells.s3 import SCHEME, S3Cells, open_bucket
from truestep.adapters.chain.availability import AvailabilityContracts, Web3KeeperChain
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.sender import Signer
from truestep.adapters.clock import SystemClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.keepers.deletion import DeletionFolder
from truestep.adapters.keepers.hands import KeeperHands
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.workers import KzgProcesses
from truestep.adapters.store.scoped import Scope, open_scope
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.composition.daemons import answering, keep_owner
from truestep.composition.network import other_networks, others_in_words, watched_consensus
from truestep.composition.state import opened_state
from truestep.composition.watching import published_blobs
from truestep.node.chain.outbox import Courier
from truestep.node.keeping.agent import KeeperBench, KeeperWorld
from truestep.ports.cells import CellStore
from truestep.ports.keeping import Hands
from truestep.ports.reporter import Reporter
from truestep.roles.estimates import SENDS_AT_ONCE

WORKS_AT_ONCE = 4
"""Items and answers under way: each waits for others most of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    """A keeper's network, and the resources it may use."""

    rpc: Sequence[str]
    contracts: AvailabilityContracts
    state_dir: Path
    signer: Signer
    store: str | CellStore
    """A directory, s3://BUCKET/PREFIX, or one that is open."""
    store_limit_bytes: int
    listen: tuple[str, int]
    """Host and port of its service."""
    policy: TransactionPolicy = field(default_factory=TransactionPolicy)
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    processes: int = 1
    """That compute proofs."""
    shared: KzgProcesses | None = None
    """Those of several keepers in one program, instead of its own."""
    may_be_private: bool = False
    """Whether registrants and keepers may serve at private addresses."""
    beacon: Sequence[str] = ()
    """URLs of consensus nodes, to answer for items in blobs of transactions too."""
    state_store: str | None = None
    """The URI of its state in PostgreSQL; None for a file in the state directory."""


@contextmanager
def opened_keeper(
    settings: KeeperSettings, reporter: Reporter, *, changed: Callable[[Hands], Hands] = lambda hands: hands
) -> Generator[KeeperWorld]:
    """Everything that a keeper needs; it serves until the end. `changed` makes other hands of its own."""
    with ExitStack() as stack:
        whole = stack.enter_context(opened_state(settings.state_dir, settings.state_store))
        contracts = settings.contracts
        scope = Scope(chain_id=contracts.chain_id, jobs=contracts.items)
        store, clock = open_scope(whole, scope, [contracts.keepers, contracts.challenges]), SystemClock()
        keep_owner(store, Address(settings.signer.address))
        if others := other_networks(whole, scope):
            reporter.report("deployment", others_in_words(others), others=len(others))
        chain = Web3KeeperChain(
            settings.rpc, contracts, settings.signer, store, settings.policy, reporter=reporter
        )
        shelf = Shelf(_opened_store(settings, stack))
        host, port = settings.listen
        deletions = DeletionFolder(
            settings.state_dir / "deletions", settings.signer, contracts.chain_id, contracts.items
        )
        server = KeeperServer(
            shelf, host, port, limits=settings.limits, keeper=chain.account, deletions=deletions.of_item
        )
        stack.callback(server.close)
        processes = settings.shared or KzgProcesses(settings.processes)
        if settings.shared is None:
            stack.callback(processes.close)
        watched = watched_consensus(contracts.chain_id, settings.rpc, settings.beacon, reporter)
        stack.enter_context(watched)
        may_be_private, published = settings.may_be_private, published_blobs(settings, reporter)
        hands = changed(KeeperHands(shelf, open_kzg(), processes, reporter, may_be_private=may_be_private))
        items = len(shelf.items())
        reporter.report(
            "serving",
            f"serves {counted(items, 'item')}, {counted(shelf.used_bytes, 'byte')}, at {server.url}",
            items=items,
        )
        yield KeeperWorld(
            chain=chain,
            hands=hands,
            deletions=deletions,
            store=store,
            executor=ThreadExecutor(WORKS_AT_ONCE, KeeperBench(hands).perform, clock.nudge),
            sends=ThreadExecutor(SENDS_AT_ONCE, Courier(chain).perform, clock.nudge),
            clock=clock,
            reporter=reporter,
            answering=answering(published, chain, clock) if published is not None else None,
        )


def _opened_store(settings: KeeperSettings, stack: ExitStack) -> CellStore:
    if not isinstance(settings.store, str):
        return settings.store
    if settings.store.startswith(SCHEME):
        name = settings.store.partition("?")[0]
        return S3Cells(open_bucket(settings.store), limit_bytes=settings.store_limit_bytes, name=name)
    store = DirectoryCells(Path(settings.store), limit_bytes=settings.store_limit_bytes)
    stack.callback(store.close)
    return store
