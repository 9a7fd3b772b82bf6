"""Jobs under the policy *kept*, and workers for them: the SDK and the daemon of `truestep worker`."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TypeVar

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import BatchId
from truestep.client import Client, Job, Order
from truestep.client.keeping import KeepingTerms
from truestep.client.orders import Availability
from truestep.client.sending import raise_stake
from truestep.composition.daemons import DaemonSettings, opened_world
from truestep.composition.network import open_chain, open_kept_blobs
from truestep.drills.guest import INPUT, MAX_CYCLES, PROGRAM, expected_output
from truestep.drills.reports import Reports
from truestep.drills.stage import COIN_WEI, POLICY, POLL_SECONDS, WINDOW_SECONDS, Stage
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.world import World
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.events import TaskClaimed
from truestep.roles.availability.delivery import DeliveryPolicy
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.withholding import Idle

REQUESTER, WORKER, CHALLENGER = "requester", "worker", "challenger"
REWARD_WEI = COIN_WEI // 100
STAKE_WEI = 10 * COIN_WEI
LIFETIME_SECONDS = 7 * WINDOW_SECONDS
"""A shard can be done a second time, when its first window is over."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A job on the stage, that was posted and whose data is kept."""

    stage: Stage
    client: Client
    job: Job
    item_id: ItemId
    """Of its program and input."""

    def events(self, kind: type[Kind]) -> list[Kind]:
        """Those of a kind, in the chain's order."""
        return [event for event in self.job.events() if isinstance(event, kind)]

    def has_right_result(self) -> bool:
        """Whether it is final, can be had, and is what an honest run gives."""
        [result] = self.job.outputs()
        return result.is_accepted and result.output == expected_output()

    def refund(self) -> int:
        """Take the reward back once the deadline is over; how much it was, in wei."""
        self.stage.skip(max(self.job.record().deadline + 1 - self.stage.now(), 1))
        return self.job.reclaim(self.client.chain)


def order(stage: Stage, *, name: str = REQUESTER, seat_count: int | None = None) -> Ordered:
    """Have program and input kept, post a job of one shard, and name the data."""
    chain = open_chain(stage.url, stage.deployment, stage.key(name), SqliteStore(), POLICY)
    blobs = open_kept_blobs([stage.store_url], chain, stage.deployment, stage.url)
    client = Client(chain, blobs, stage.deployment, places=[stage.store_url])
    terms = Order(
        reward_wei=REWARD_WEI,
        max_cycles=MAX_CYCLES,
        lifetime_seconds=LIFETIME_SECONDS,
        availability=Availability.KEEPERS,
        keeping=KeepingTerms(url=stage.store_url, seat_count=seat_count, rent_bps=0),
    )
    job = client.submit(PROGRAM, INPUT, order=terms)
    account = stage.accounts[name]
    [item_id] = [
        item_id for item_id, item in stage.facts().items.items() if item.record.registrant == account
    ]
    stage.say(f"{name} posts a job, whose program and input are kept")
    return Ordered(stage=stage, client=client, job=job, item_id=item_id)


# --- workers and challengers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A worker or a challenger."""

    reports: Reports
    leave: Callable[[], None]
    """Its process ends."""


def _as_it_is(world: World) -> World:
    return world


def delivers_nothing(world: World) -> World:
    """The world of a worker that could have its outputs kept, and does not."""
    return replace(world, delivering=Idle())


def worker(
    stage: Stage,
    name: str = WORKER,
    *,
    engine: Engine | None = None,
    changed: Callable[[World], World] = _as_it_is,
    stores: Sequence[str] = (),
) -> Running:
    """Start one with a store of its own, whose outputs go to keepers, however small they are.

    What is not in these other `stores` it has to get from keepers.
    """
    own = BlobServer(DirectoryBlobs(stage.folder / f"store of {name}"))
    stage.stay(closing(own))
    delivery = DeliveryPolicy(url=own.url, seat_count=2, rent_bps=0, writes_small=False)
    policy = WorkerPolicy(is_keeper=True, delivery=delivery, withdraw_above_wei=0)
    settings = _settings(stage, name, [own.url, *stores], engine or ReferenceEngine())

    def node(world: World) -> Daemon:
        raise_stake(world.chain, STAKE_WEI)
        return worker_node(changed(world), policy)

    return _running(stage, replace(settings, items_url=own.url), node)


def challenger(stage: Stage) -> Running:
    """Start one, which can ask nobody but keepers."""
    settings = _settings(stage, CHALLENGER, [str(stage.folder / "nothing")], ReferenceEngine())
    return _running(stage, settings, lambda world: challenger_node(world, ChallengerPolicy()))


def _settings(stage: Stage, name: str, blobs: list[str], engine: Engine) -> DaemonSettings:
    path = stage.folder / "deployment.json"
    if not path.exists():
        stage.deployment.write(path)
    return DaemonSettings(
        rpc=[stage.url],
        deployment=path,
        blobs=blobs,
        state_dir=stage.folder / name,
        signer=stage.key(name),
        engine=engine,
        parallel=1,
        policy=POLICY,
    )


def _running(stage: Stage, settings: DaemonSettings, node: Callable[[World], Daemon]) -> Running:
    stack = ExitStack()
    stage.stay(stack)
    reports = stack.enter_context(closing(Reports(settings.state_dir / "log.jsonl")))
    loop = node(stack.enter_context(opened_world(settings, reports)))
    stack.enter_context(stage.running(lambda should_stop: loop.run(should_stop, POLL_SECONDS)))
    return Running(reports=reports, leave=stack.close)


# --- what becomes of a job ------------------------------------------------------------------------


def until_claimed(ordered: Ordered, count: int = 1) -> None:
    """Wait until so many claims were made on the job."""
    ordered.stage.until("a worker claims a result", lambda: len(ordered.events(TaskClaimed)) >= count)


def until_delivered(ordered: Ordered) -> ItemId:
    """Wait until the outputs of the newest batch are kept and delivered; the number of their item."""
    stage, facts = ordered.stage, ordered.client.chain.facts

    def delivered() -> ItemId:
        return facts().kept.batch(max(facts().batches, default=BatchId(0))).item_id

    def is_kept() -> bool:
        item = facts().data.items.get(delivered())
        return item is not None and item.state is ItemState.KEPT

    stage.until("keepers take the outputs, and the worker delivers them", is_kept)
    stage.say("a worker has claimed the result; keepers have the outputs, and it has delivered them")
    return delivered()


def until_final(ordered: Ordered, seconds: int = WINDOW_SECONDS + 1) -> None:
    """Let so much time pass, and wait for the result."""
    ordered.stage.skip(seconds)
    ordered.stage.until("the result is final", ordered.job.is_complete)
    ordered.stage.say("the result is final, and the worker is paid")
