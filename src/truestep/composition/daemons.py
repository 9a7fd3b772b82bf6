"""Opens everything that a daemon needs: chain, store, blobs, engine, threads, clock."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_bytes
from typing import Protocol

from truestep.adapters.blobs.cache import BlobCache
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.chain.availability import AvailabilityReader, availability_of
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deployment import Deployment, read_deployment
from truestep.adapters.chain.draws import DrawsReader
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.payloads import Payloads
from truestep.adapters.chain.published import PublishedBlobs
from truestep.adapters.chain.round_draws import RoundDraws
from truestep.adapters.chain.sender import Signer
from truestep.adapters.chain.web3_chain import Memory
from truestep.adapters.clock import SystemClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.keepers.answering import BlobAnswerer
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.keepers.delivering import OutputPublisher
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.composition.logs import LogOwner, LogSettings, OpenedLog, opened_log
from truestep.composition.members import MemberSettings, opened_handing
from truestep.composition.network import (
    DEVNET_CHAINS,
    OnUnknownCode,
    consensus_urls,
    deployment_store,
    open_blobs,
    open_chain,
    watched_consensus,
)
from truestep.composition.state import opened_state
from truestep.node.anchoring.desk import AnchoringBench
from truestep.node.availability.answer_desk import AnswerBench
from truestep.node.availability.delivery_desk import DeliveryBench
from truestep.node.availability.watch_desk import WatchBench
from truestep.node.chain.outbox import Courier
from truestep.node.proving.bench import ProvingBench
from truestep.node.tasks.bench import Bench
from truestep.node.tasks.commitments import kept_secret
from truestep.node.tasks.offers import OFFERS_AT_ONCE
from truestep.node.tasks.queue import FETCHES_LIMIT
from truestep.node.tasks.self_check import SelfCheck
from truestep.node.tasks.world import EpochWork, World
from truestep.ports.blobs import Blobs, OutputFolder
from truestep.ports.chain import Chain
from truestep.ports.delivering import Publisher
from truestep.ports.engine import Engine
from truestep.ports.proving import Prover
from truestep.ports.reporter import Reporter
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store
from truestep.roles.estimates import SENDS_AT_ONCE

OWNERS, OWNER = "owners", "owner"
_OWNER_ROWS = RowCodec[str]({"owner": str})

DELIVERIES_AT_ONCE = 2
"""Items that are made at a time: commitments take most of a core."""
LOOKS_AT_ONCE = 4
"""A survey, a check of roots, and room for looks and for moves in demands."""
ANSWERS_AT_ONCE = 3
"""Two demands, and the price of gas."""
EPOCH_WORK_AT_ONCE = 1
"""What was seen of a group must be newer than what was collected from it."""
PROOFS_AT_ONCE = 1
"""A prover takes all cores and gigabytes of memory."""
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
    store: str | None = None
    """The URI of a store in PostgreSQL; None for a file in the state directory."""
    policy: TransactionPolicy = field(default_factory=TransactionPolicy)
    """What gas may cost."""
    trusts_unknown_code: bool = False
    """Whether to work with contracts whose code this version does not know."""
    self_check: SelfCheck | None = None
    """How each run is checked before it is claimed."""
    operator: Address | None = None
    """Whose stake and claims the signer looks after as a delegate; None for its own."""
    is_keeper: bool = False
    """Whether results are written out for everybody, not only for the signer."""
    beacon: Sequence[str] = ()
    """URLs of consensus nodes, for blobs that transactions publish."""
    items_url: str | None = None
    """From where keepers fetch the outputs of a worker; None if it has none kept."""
    prover: Prover | None = None
    """What proves a worker's claims."""
    log: LogSettings | None = None
    """Where a worker logs its claims; None if it does not."""
    member: MemberSettings | None = None
    """How it reaches other members of committees; None for what is no member."""
    is_drawn: bool = False
    """Whether it serves an operator that is drawn by its pledge."""
    gives_entropy: bool = False
    """Whether it gives secrets for the seeds of draws (docs/assignment.md)."""


@contextmanager
def opened_world(settings: DaemonSettings, reporter: Reporter) -> Generator[World]:
    """Everything that a daemon needs; its store is closed at the end."""
    deployment = read_deployment(settings.deployment)
    watched = watched_consensus(deployment.chain_id, settings.rpc, settings.beacon, reporter)
    with opened_state(settings.state_dir, settings.store) as whole, watched, ExitStack() as stack:
        store, clock = deployment_store(whole, deployment, reporter), SystemClock()
        keep_owner(store, settings.operator or Address(settings.signer.address))
        published = _published(settings, deployment, reporter)
        stores = _opened_stores(settings, deployment, published, reporter)
        blobs = BlobCache(stores, settings.state_dir / "blobs", reporter=reporter)
        bench = Bench(
            engine=settings.engine,
            blobs=blobs,
            outputs=OutputDirectory(settings.state_dir / "outputs" / _scope(deployment)),
            clock=clock,
            self_check=settings.self_check,
        )
        world = assembled(
            chain=open_chain(
                settings.rpc,
                deployment,
                settings.signer,
                store,
                settings.policy,
                reporter=reporter,
                on_unknown_code=_warner(reporter) if settings.trusts_unknown_code else None,
                memory=daemon_memory(Address(settings.signer.address), is_keeper=settings.is_keeper),
            ),
            store=store,
            bench=bench,
            parallel=settings.parallel,
            clock=clock,
            reporter=reporter,
            operator=settings.operator,
            publisher=_publisher(settings, deployment, stores, bench.outputs, reporter),
        )
        has_blobs = consensus_urls(deployment, settings.rpc, settings.beacon)
        log = stack.enter_context(_logged(settings, deployment, world)) if settings.log else None
        handing = None
        if settings.member is not None and deployment.quorum is not None:
            opened = opened_handing(settings.member, deployment, settings.signer, clock, reporter)
            handing = stack.enter_context(opened)
        yield replace(
            world,
            claim_log=log.claims if log is not None else None,
            anchoring=_anchoring(log, settings.log, clock),
            handing=handing,
            rounds=DrawsReader(connect(settings.rpc), deployment) if settings.gives_entropy else None,
            pledges=DrawsReader(connect(settings.rpc), deployment) if settings.is_drawn else None,
            watching=_watching(settings, deployment, published, clock, reporter),
            answering=answering(published, world.chain, clock) if published and has_blobs else None,
            proving=_proving(settings.prover, blobs, clock, reporter),
            draws=RoundDraws(settings.rpc, deployment) if deployment.audits else None,
        )


def _logged(
    settings: DaemonSettings, deployment: Deployment, world: World
) -> AbstractContextManager[OpenedLog]:
    """The log of a worker's claims."""
    signer, log = settings.signer, settings.log or LogSettings()
    operator = settings.operator or Address(signer.address)
    owner = LogOwner(signer=signer, operator=operator, deployment=deployment, node=list(settings.rpc))
    return opened_log(log, owner, world.store, world.chain, world.reporter, settings.state_dir)


def _anchoring(log: OpenedLog | None, settings: LogSettings | None, clock: SystemClock) -> EpochWork | None:
    """What anchors the log with its group."""
    cost_wei = settings.anchor_cost_wei if settings is not None else None
    if log is None or log.anchoring is None or cost_wei is None:
        return None
    executor = ThreadExecutor(EPOCH_WORK_AT_ONCE, AnchoringBench(log.anchoring).perform, clock.nudge)
    return EpochWork(executor=executor, cost_limit_wei=cost_wei)


def _published(settings: DaemonSettings, deployment: Deployment, reporter: Reporter) -> PublishedBlobs | None:
    """Blobs that transactions have published. A node of a devnet is its own consensus node."""
    if deployment.availability is None:
        return None
    reader = AvailabilityReader(settings.rpc, availability_of(deployment), reporter)
    urls = consensus_urls(deployment, settings.rpc, settings.beacon)
    return PublishedBlobs(reader, BeaconBlobs(urls, open_kzg()), settings.state_dir / "published")


def _publisher(
    settings: DaemonSettings, deployment: Deployment, stores: Blobs, outputs: OutputFolder, reporter: Reporter
) -> OutputPublisher | None:
    """What makes items of outputs; None if there are no keepers, or they could not fetch from here."""
    if deployment.availability is None or settings.items_url is None:
        return None
    may_be_private = deployment.chain_id in DEVNET_CHAINS
    url = settings.items_url
    publisher = OutputPublisher(stores, outputs, open_kzg(), url, may_be_private=may_be_private)
    try:
        publisher.check()
    except Unavailable as error:
        reporter.report(
            "items_unreachable",
            f"no job is taken whose outputs are to be kept, until the next start: {error}",
        )
        return None
    return publisher


def _opened_stores(
    settings: DaemonSettings,
    deployment: Deployment,
    published: PublishedBlobs | None,
    reporter: Reporter,
) -> Blobs:
    """The blob stores and, in a network that has them, the keepers of items, which race with the stores."""
    if published is None:
        return open_blobs(settings.blobs, reporter)
    payloads = Payloads(settings.rpc, availability_of(deployment), reporter)
    keepers = KeeperBlobs(
        published.reader.facts,
        open_kzg(),
        reporter,
        payload=payloads.payload,
        written=payloads.holding,
        may_be_private=deployment.chain_id in DEVNET_CHAINS,
        published=published,
    )
    return open_blobs(settings.blobs, reporter, keepers=keepers)


def _watching(
    settings: DaemonSettings,
    deployment: Deployment,
    published: PublishedBlobs | None,
    clock: SystemClock,
    reporter: Reporter,
) -> ThreadExecutor | None:
    """What looks at keepers in a network that has them."""
    if published is None:
        return None
    may_be_private = deployment.chain_id in DEVNET_CHAINS
    payload = Payloads(settings.rpc, availability_of(deployment), reporter).payload
    eyes = KeeperEyes(
        open_kzg(), reporter, may_be_private=may_be_private, published=published, payload=payload
    )
    return ThreadExecutor(LOOKS_AT_ONCE, WatchBench(eyes).perform, clock.nudge)


def _proving(
    prover: Prover | None, blobs: Blobs, clock: SystemClock, reporter: Reporter
) -> ThreadExecutor | None:
    """What proves claims, if anything does."""
    if prover is None:
        return None
    return ThreadExecutor(PROOFS_AT_ONCE, ProvingBench(prover, blobs, reporter).perform, clock.nudge)


class Priced(Protocol):
    """What knows the price of gas, such as a chain."""

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        ...


def answering(published: PublishedBlobs, chain: Priced, clock: SystemClock) -> ThreadExecutor:
    """What answers for items in blobs, which it can read."""
    bench = AnswerBench(BlobAnswerer(published, chain.gas_price_wei))
    return ThreadExecutor(ANSWERS_AT_ONCE, bench.perform, clock.nudge)


def keep_owner(store: Store, owner: Address) -> None:
    """Note for whom a state directory is kept. Raises `Rejected` if that is another account.

    An account's own daemon defends its claims. One that is started on its directory for another account does
    not, and nothing else would tell.
    """
    row = store.read(OWNERS, OWNER)
    if row is None:
        store.write([Change(table=OWNERS, key=OWNER, value=_OWNER_ROWS.to_row(owner.lower()))])
    elif (known := _OWNER_ROWS.from_row(row)) != owner.lower():
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected the state of {owner}, got that of {known}; give each account a --state-dir of its own",
        )


def daemon_memory(account: Address, *, is_keeper: bool = False) -> Memory:
    """What the chain of a daemon keeps: its history in the store has everything that is finished."""
    return Memory(keeps_finished=False, wanted_by=None if is_keeper else frozenset({account}))


def assembled(
    *,
    chain: Chain,
    store: Store,
    bench: Bench,
    parallel: int,
    clock: SystemClock,
    reporter: Reporter,
    operator: Address | None = None,
    publisher: Publisher | None = None,
) -> World:
    """A world whose work is done in threads."""
    return World(
        chain=chain,
        store=store,
        executor=ThreadExecutor(parallel + ROOM_FOR_MOVES + FETCHES_LIMIT, bench.perform, clock.nudge),
        offers=ThreadExecutor(OFFERS_AT_ONCE, bench.perform, clock.nudge),
        outputs=bench.outputs,
        sends=ThreadExecutor(SENDS_AT_ONCE, Courier(chain).perform, clock.nudge),
        clock=clock,
        reporter=reporter,
        secret=kept_secret(store, token_bytes),
        operator=operator,
        delivering=(
            ThreadExecutor(DELIVERIES_AT_ONCE, DeliveryBench(publisher).perform, clock.nudge)
            if publisher is not None
            else None
        ),
    )


def _warner(reporter: Reporter) -> OnUnknownCode:
    return lambda sentence: reporter.report("unknown_code", f"{sentence}: it may take every bond")


def _scope(deployment: Deployment) -> str:
    """The name of a deployment's directory: what is final in one may be needed in another."""
    return f"{deployment.chain_id}-{deployment.address('Jobs').lower()}"
