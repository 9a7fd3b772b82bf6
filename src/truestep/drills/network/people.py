"""Who takes part: workers and a challenger as processes, liars in threads, requesters by the SDK."""

import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, JobId, job_of_task, shard_of_task
from truestep.client import Client, Order
from truestep.client.sending import raise_stake
from truestep.composition.daemons import DaemonSettings, opened_world
from truestep.composition.network import open_chain
from truestep.drills.guest import MAX_CYCLES, PROGRAM
from truestep.drills.network.daemons import DaemonProcess
from truestep.drills.network.place import CHALLENGER, Place
from truestep.drills.network.plan import Plan, PlannedJob
from truestep.drills.reports import Reports
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Task
from truestep.node.loop.loop import Loop
from truestep.node.worker import worker_node
from truestep.protocol.calls import TakeTasks
from truestep.roles.actions import Action, Send
from truestep.roles.views import View
from truestep.roles.worker_policy import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, LyingSometimes
from truestep.simulation.withholding import Withholding

COIN_WEI = 10**18
WALLET_WEI = 1_000 * COIN_WEI
"""For gas, and for the challenger's bonds."""
REWARD_WEI = COIN_WEI // 1_000
LIE_REWARD_WEI = 2 * REWARD_WEI
"""Of jobs that are lied about: a liar takes no others."""
LIE_CYCLE = 500
"""From which a false run is false."""
POLICY = TransactionPolicy(poll_seconds=0.1)
POLL_SECONDS = 0.25
"""Interval at which liars look at the chain: a quarter of a block, as the daemons do."""
STOP_SECONDS = 60.0


def names(kind: str, count: int) -> tuple[str, ...]:
    """`worker-1`, `worker-2`, …"""
    return tuple(f"{kind}-{number}" for number in range(1, count + 1))


def worker_names(plan: Plan) -> tuple[str, ...]:
    """The honest workers."""
    return names("worker", plan.terms.workers)


def liar_names(plan: Plan) -> tuple[str, ...]:
    """Those who lie."""
    return names("liar", plan.liars)


def requester_names(plan: Plan) -> tuple[str, ...]:
    """Those who post jobs."""
    return names("requester", plan.requesters)


def reward_of(job: PlannedJob) -> int:
    """What each shard of a job pays, in wei."""
    return LIE_REWARD_WEI if job.lie is not None else REWARD_WEI


def enter_all(place: Place, plan: Plan) -> None:
    """Accounts with coins, and stake enough for all tasks at once: the drill is not about stake."""
    stake_wei = _stake_wei(place, plan)
    for name in (*worker_names(plan), *liar_names(plan)):
        place.enter(name, WALLET_WEI + stake_wei)
    for name in (*requester_names(plan), CHALLENGER):
        place.enter(name, WALLET_WEI)


def _stake_wei(place: Place, plan: Plan) -> int:
    return plan.task_count * place.parameters.operator_bond_wei


def daemons(place: Place, plan: Plan) -> list[DaemonProcess]:
    """The workers and the challenger, not yet started."""
    stake = f"{_stake_wei(place, plan) // COIN_WEI}"
    work: tuple[str, ...] = ("worker", "run", "--stake", stake)
    commands: dict[str, tuple[str, ...]] = dict.fromkeys(worker_names(plan), work)
    commands[CHALLENGER] = ("challenger", "run", "--max-bonds", "1000")
    return [
        DaemonProcess(
            name=name,
            arguments=[*command, "--keystore", str(place.keystore(name))],
            environment=place.environment,
            folder=place.folder,
        )
        for name, command in commands.items()
    ]


# --- liars ----------------------------------------------------------------------------------------


def private_store(place: Place, liar: str) -> DirectoryBlobs:
    """Where a liar has the inputs of its jobs before anybody else has them."""
    return DirectoryBlobs(_store_folder(place, liar))


def _store_folder(place: Place, liar: str) -> Path:
    return place.folder / f"{liar} store"


@contextmanager
def lying(place: Place, plan: Plan, name: str) -> Generator[None]:
    """A worker that lies about the tasks of the plan, and defends its lies, until the block ends.

    It is the daemon of `truestep worker`, with an engine that lies, that goes on after it was caught.
    """
    lies = {
        (job.seed, job.lie.shard_index)
        for job in plan.lies
        if job.lie is not None and liar_names(plan)[job.lie.liar] == name
    }

    told = set[tuple[Bytes32 | bytes, int]]()

    def lies_about(task: Task) -> bool:
        named = (task.seed, task.shard_index)
        told.update({named} & lies)
        return named in lies

    folder, stopping = place.folder / f"{name}.state", threading.Event()
    settings = DaemonSettings(
        rpc=[place.url],
        deployment=place.deployment_file,
        blobs=[str(_store_folder(place, name)), place.store_url],
        state_dir=folder,
        signer=place.signer(name),
        engine=LyingSometimes(ReferenceEngine(), Fault(cycle=LIE_CYCLE), lies_about),
        parallel=1,
        policy=POLICY,
    )
    policy = WorkerPolicy(active_limit=1, reward_min_wei=LIE_REWARD_WEI, struck_tolerated=len(plan.lies))
    with ExitStack() as stack:
        reports = stack.enter_context(closing(Reports(place.folder / f"{name}.log")))
        world = stack.enter_context(opened_world(settings, reports))
        raise_stake(world.chain, _stake_wei(place, plan))
        chain = world.chain

        def never(action: Action) -> bool:
            """Take a task again that it has lied about: one lie a task, and it was caught."""
            return (
                isinstance(action, Send)
                and isinstance(action.call, TakeTasks)
                and any(
                    (chain.job(job_of_task(task_id)).seed, shard_of_task(task_id)) in told
                    for task_id in action.call.tasks
                )
            )

        site = Withholding[View, Action](worker_node(world, policy).site, never)
        loop = Loop(site, world.clock, world.reporter)
        thread = threading.Thread(target=loop.run, args=(stopping.is_set, POLL_SECONDS), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(STOP_SECONDS)


# --- requesters -----------------------------------------------------------------------------------


class Requester:
    """Posts its jobs one after the other, by the SDK, in a thread of its own."""

    def __init__(self, place: Place, plan: Plan, name: str) -> None:
        chain = open_chain(place.url, place.deployment, place.signer(name), SqliteStore(), POLICY)
        self._jobs = [job for job in plan.jobs if requester_names(plan)[job.requester] == name]
        self._public = Client(chain, place.blobs, place.deployment)
        self._private = [
            Client(chain, private_store(place, liar), place.deployment) for liar in liar_names(plan)
        ]
        self.trouble = ""
        """Why it gave up; empty if it did not."""
        self._thread = threading.Thread(target=self._post_all, name=name, daemon=True)

    def register(self) -> None:
        """Publish the program, and register it if nobody has done so."""
        for client in (self._public, *self._private):
            client.register(PROGRAM, max_cycles=MAX_CYCLES)

    def start(self) -> None:
        """Begin to post."""
        self._thread.start()

    def is_done(self) -> bool:
        """Whether it has posted all, or given up."""
        return not self._thread.is_alive()

    def _post_all(self) -> None:
        try:
            for job in self._jobs:
                self._post(job)
        except Exception as error:
            self.trouble = f"{error}" or type(error).__name__

    def _post(self, job: PlannedJob) -> None:
        """Post one. What a liar is to take first, only that liar can run at first."""
        client = self._public if job.lie is None else self._private[job.lie.liar]
        order = Order(
            shard_count=job.shard_count,
            reward_wei=reward_of(job),
            seed=job.seed,
            max_cycles=MAX_CYCLES,
            name=job.seed.hex(),
        )
        client.submit(PROGRAM, job.content, order=order)


def wrong_outputs(place: Place, plan: Plan, expected: Sequence[tuple[JobId, list[bytes]]]) -> list[JobId]:
    """The jobs, by number, whose outputs a requester does not get as expected, one for each shard."""
    chain = open_chain(
        place.url, place.deployment, place.signer(requester_names(plan)[0]), SqliteStore(), POLICY
    )
    client, wrong = Client(chain, place.blobs, place.deployment), list[JobId]()
    for job_id, contents in expected:
        try:
            found = [each.output for each in client.job(job_id).outputs()]
        except Unavailable:
            found = []
        if found != contents:
            wrong.append(job_id)
    return wrong
