"""A network in this process, and an operator that does tasks by hand: take, run, claim, make final."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from web3 import Account

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import BatchId, shard_of_task, task_of
from truestep.client import Client, Job
from truestep.client.files import program_of
from truestep.composition.engines import EngineName, open_engine
from truestep.composition.network import open_chain
from truestep.devnet.network import devnet_parameters
from truestep.guest import build_c
from truestep.machine.program import Task
from truestep.ports.chain import Chain
from truestep.protocol.calls import CancelTasks, Deposit, FinalizeBatch, SubmitClaims, TakeTasks
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.records import TaskStage

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WINDOW_SECONDS = 240
POLICY = TransactionPolicy(poll_seconds=0.01)
CYCLES_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    devnet: EmbeddedDevnet
    deployment: Deployment
    client: Client
    operator: Chain
    elf: bytes

    def chain(self, funds_wei: int) -> Chain:
        """The chain as a new account with these coins sees it."""
        account = Account.create()
        if funds_wei:
            self.devnet.fund(account.address, funds_wei)
        return open_chain(self.devnet.node, self.deployment, account, policy=POLICY)

    def take(self, job: Job, *shards: int) -> BatchId:
        """Take shards as one batch."""
        tasks = tuple(task_of(job.job_id, shard) for shard in shards)
        self.operator.transact(TakeTasks(tasks=tasks), intent=f"take {tasks}")
        return self.operator.task(tasks[0]).batch_id

    def do(self, job: Job, *shards: int) -> None:
        """Take shards as one batch, run them and claim what came of them."""
        batch_id = self.take(job, *shards)
        claims = tuple((task_of(job.job_id, shard), self.run(job, shard)) for shard in shards)
        self.operator.transact(SubmitClaims(batch_id=batch_id, claims=claims), intent=f"claim {batch_id}")

    def run(self, job: Job, shard: int) -> ClaimedState:
        """What a shard ends in; its output is published."""
        record = self.operator.job(job.job_id)
        program = self.operator.program(record.program_id)
        task = Task(
            seed=record.seed,
            shard_index=shard,
            shard_count=record.shard_count,
            input=self.client.blobs.get_input(record.input_root, record.input_size),
        )
        loaded = program_of(self.client.blobs.get(program.uri, 1 << 20)).program
        machine = open_engine(EngineName.REFERENCE).start(loaded, task)
        machine.advance(record.max_cycles)
        claimed = claim_state(machine.state(), machine.node, machine.read_memory)
        if claimed.is_accepted:
            output = machine.read_memory(0xE000_0000, claimed.output_size)
            self.client.blobs.put_output(claimed.output_root, output)
        return claimed

    def output(self, job: Job, shard: int) -> bytes:
        """What a shard writes."""
        claimed = self.run(job, shard)
        return self.client.blobs.get_output(claimed.output_root, claimed.output_size)

    def finish(self, job: Job) -> None:
        """Let the windows pass and make every claim final."""
        tasks = job.status().tasks
        claimed = (shard_of_task(task.task_id) for task in tasks if task.stage is TaskStage.CLAIMED)
        self.finish_some(job, *claimed)

    def finish_some(self, job: Job, *shards: int) -> None:
        """The same of the batches of these shards."""
        self.devnet.advance(WINDOW_SECONDS + 1)
        tasks = self.operator.tasks([task_of(job.job_id, shard) for shard in shards])
        for batch_id in sorted({task.batch_id for task in tasks.values()}):
            self.operator.transact(FinalizeBatch(batch_id=batch_id), intent=f"finalize {batch_id}")

    def cancel(self, job: Job) -> None:
        """Have a stranger refund all shards of a job, after its deadline."""
        record = job.record()
        self.devnet.advance(max(0, record.deadline - self.operator.head().time_seconds))
        call = CancelTasks(job_id=job.job_id, shards=tuple(range(record.shard_count)))
        self.operator.transact(call, intent=f"cancel {job.job_id}")


@pytest.fixture(scope="session")
def elf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The input in capitals."""
    target = tmp_path_factory.mktemp("guests") / "hello.elf"
    return build_c([EXAMPLES / "hello" / "hello.c"], target).path.read_bytes()


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory, elf: bytes) -> Network:
    devnet = EmbeddedDevnet()
    deployer, requester, operator = (Account.create() for _ in range(3))
    for account in (deployer, requester, operator):
        devnet.fund(account.address, 100 * 10**18)
    deployment = deploy(
        connect(devnet.node), deployer, SqliteStore(), devnet_parameters(WINDOW_SECONDS), policy=POLICY
    )
    blobs = DirectoryBlobs(tmp_path_factory.mktemp("blobs"))
    chain = open_chain(devnet.node, deployment, operator, policy=POLICY)
    chain.transact(Deposit(amount_wei=50 * 10**18), intent="deposit")
    return Network(
        devnet=devnet,
        deployment=deployment,
        client=Client(open_chain(devnet.node, deployment, requester, policy=POLICY), blobs, deployment),
        operator=chain,
        elf=elf,
    )


Settle = Callable[[bytes, int], Job]


@pytest.fixture(scope="session")
def settle(network: Network) -> Settle:
    """A job over some input, done and final."""
    from truestep.client import Order

    def post_and_settle(content: bytes, shard_count: int) -> Job:
        order = Order(shard_count=shard_count, reward_wei=1000, max_cycles=CYCLES_LIMIT)
        job = network.client.submit(network.elf, content, order=order)
        network.do(job, *range(shard_count))
        network.finish(job)
        return job

    return post_and_settle
