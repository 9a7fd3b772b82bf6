"""A whole network for a test: a chain, its contracts, blobs, and the people on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from web3 import Account, Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.machine.elves import Elf, Row
from tests.machine.encode import encode
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import AnvilDevnet, Devnet
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.web3_chain import EVERYTHING, Memory, Web3Chain
from truestep.adapters.keepers.answering import BlobAnswerer
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.keepers.item_blobs import Published
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.ids import Address, JobId, ProgramId, TaskId, task_of
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.daemons import daemon_memory
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.availability.answer_desk import AnswerBench
from truestep.node.availability.watch_desk import WatchBench
from truestep.node.chain.outbox import Courier
from truestep.node.challenger import challenger_node
from truestep.node.proving.bench import ProvingBench
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.bench import Bench
from truestep.node.tasks.self_check import SelfCheck
from truestep.node.tasks.world import World
from truestep.node.worker import worker_node
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.engine import Engine
from truestep.ports.executor import Finished, Perform
from truestep.ports.proving import Prover
from truestep.ports.store import Store
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.calls import Deposit, PostJob, RegisterProgram
from truestep.protocol.settlement.parameters import Parameters
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.estimates import Speed
from truestep.roles.worker import WorkerPolicy

Event = TypeVar("Event")
COIN_WEI = 10**18
PARAMETERS = Parameters(
    operator_bond_wei=COIN_WEI,
    challenger_bond_wei=COIN_WEI // 25,
    window_seconds=4_020,
    cycles_per_second=10**8,
    clock_seconds=500,
    rescue_seconds=250,
    reveal_seconds=500,
    arity=16,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=5 * 10**9,
)
POLICY = TransactionPolicy(poll_seconds=0.01, bump_after_seconds=1e9, rebroadcast_after_seconds=0.0)
SPEED = Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1)
MAX_CYCLES = 10_000
INPUT = bytes(range(100))
REWARD_WEI = COIN_WEI // 20
IDLE_ROUNDS = 4
SETTLE_SECONDS = 0.1
"""How long anvil may work on one block before time is moved on: a move in it must not be late."""

A0, A1, T0, T1, T2, T3, A7 = 10, 11, 5, 6, 7, 28, 17

OUTPUT_AND_EXIT = (
    encode("lui", rd=T0, immediate=0xE000_0000),
    encode("sd", rs1=T0, rs2=T1),
    encode("lui", rd=T0, immediate=0xC000_0000),
    encode("addi", rd=T2, immediate=8),
    encode("sd", rs1=T0, rs2=T2),
    encode("addi", rd=A0),
    encode("addi", rd=A7, immediate=93),
    encode("ecall"),
)
"""Writes t1 as the output, and exits with 0."""

# A polynomial hash of the input, begun with the shard index; 8 bytes of output.
GUEST = (
    encode("lui", rd=T0, immediate=0x8000_0000),
    encode("ld", rd=T1, rs1=T0, immediate=40),  # shard index
    encode("ld", rd=T2, rs1=T0, immediate=32),  # input size
    encode("lui", rd=A0, immediate=0xA000_0000),
    encode("addi", rd=T3, immediate=31),
    encode("lbu", rd=A1, rs1=A0),
    encode("mul", rd=T1, rs1=T1, rs2=T3),
    encode("add", rd=T1, rs1=T1, rs2=A1),
    encode("addi", rd=A0, rs1=A0, immediate=1),
    encode("addi", rd=T2, rs1=T2, immediate=-1),
    encode("bne", rs1=T2, immediate=-20),
    *OUTPUT_AND_EXIT,
)
CYCLES = len(GUEST) + (len(INPUT) - 1) * 6
ENDLESS = (encode("addi", rd=T0, rs1=T0, immediate=1), encode("jal", immediate=-4))
FAILING = (encode("addi", rd=A0, immediate=3), *GUEST[-2:])
TRAPPING = (encode("addi", rd=T0, immediate=1), encode("ebreak"))


def elf_of(words: Sequence[int]) -> bytes:
    """An ELF file of these instructions."""
    return Elf(rows=[Row(content=b"".join(word.to_bytes(4, "little") for word in words))]).pack()


ELF = elf_of(GUEST)


def expected_output(shard_index: int, content: bytes = INPUT) -> bytes:
    """What the guest should have written."""
    value = shard_index
    for byte in content:
        value = (value * 31 + byte) % 2**64
    return value.to_bytes(8, "little")


class Ticking(Protocol):
    """A daemon, or something like one."""

    def tick(self) -> object: ...


class WatchedProvider(BaseProvider):
    """A connection with somebody on the line: `before` and `after` see each method's name, and may raise."""

    def __init__(
        self,
        node: str | BaseProvider,
        before: Callable[[str], None] = lambda _: None,
        after: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._provider = connect(node).provider
        self._before = before
        self._after = after

    def request_func(self, w3: Web3, middleware_onion: Any) -> Callable[..., RPCResponse]:
        request: Any = self._provider.request_func(w3, middleware_onion)

        def watched(method: RPCEndpoint, params: Any) -> RPCResponse:
            self._before(method)
            response = request(method, params)
            self._after(method)
            return response

        return watched


@dataclass
class ManualClock:
    """Satisfies `Clock`: time passes when the test says so, or by sleeping."""

    seconds: float = 0.0
    slices: list[float] = field(default_factory=list)
    """How long the next sleeps last at most: somebody wakes the sleeper."""

    def monotonic_seconds(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += min(seconds, self.slices.pop(0)) if self.slices else seconds


@dataclass
class InlineExecutor:
    """Satisfies `Executor`: performs each item at once, so that a test decides what happens when."""

    perform: Perform
    finished: list[Finished] = field(default_factory=list)

    def has_room(self) -> bool:
        return True

    def start(self, key: Hashable, item: object) -> bool:
        try:
            self.finished.append(Finished(key=key, value=self.perform(item, lambda: False)))
        except Exception as error:  # handed over, as by threads
            self.finished.append(Finished(key=key, error=error))
        return True

    def running(self) -> frozenset[Hashable]:
        return frozenset(ended.key for ended in self.finished)

    def ask_to_stop(self, key: Hashable) -> None:
        del key

    def collect(self) -> list[Finished]:
        finished, self.finished = self.finished, []
        return finished

    def stop(self, deadline_seconds: float) -> None:
        del deadline_seconds


@dataclass
class Log:
    """Satisfies `Reporter`."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        self.lines.append((kind, f"{message} {fields}"))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.lines]


@dataclass
class Network:
    """Everybody shares a chain and a blob directory; each has its own store."""

    devnet: Devnet
    deployment: Deployment
    blobs: Blobs
    folder: Path
    requester: Chain
    stores: dict[str, SqliteStore] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    funded: set[str] = field(default_factory=set)
    staked: set[str] = field(default_factory=set)
    policy: TransactionPolicy = POLICY
    node: str | BaseProvider | None = None
    """How accounts opened from now on reach the chain; None for the plain way."""
    published: Published | None = None
    """Gives blobs that transactions have published."""

    def chain(
        self, name: str, store: Store, funds_wei: int = 10 * COIN_WEI, memory: Memory = EVERYTHING
    ) -> Web3Chain:
        """The chain as `name`'s account sees it; the first time it gets coins."""
        account = Account.from_key(keccak256(name.encode()))
        if name not in self.funded:
            self.funded.add(name)
            self.devnet.fund(account.address, funds_wei)
        node = self.node or self.devnet.node
        return Web3Chain(node, self.deployment, account, store, self.policy, memory=memory)

    def account(self, name: str) -> Address:
        return Address(Account.from_key(keccak256(name.encode())).address)

    def store(self, name: str) -> SqliteStore:
        """The store of a daemon; asked for again, it is opened anew, as by a restarted process."""
        self.close(name)
        self.stores[name] = SqliteStore(self.folder / f"{name}.db")
        return self.stores[name]

    def close(self, *names: str) -> None:
        """Close these stores, all if none is named."""
        for name in names or list(self.stores):
            if name in self.stores:
                self.stores.pop(name).close()

    def world(
        self,
        name: str,
        store: Store,
        log: Log,
        engine: Engine,
        *,
        chain: Chain | None = None,
        self_check: SelfCheck | None = None,
        blobs: Blobs | None = None,
    ) -> World:
        chain = chain or self.chain(name, store, memory=daemon_memory(self.account(name)))
        bench = Bench(
            engine=engine,
            blobs=blobs or self.blobs,
            outputs=OutputDirectory(self.folder / f"{name} outputs"),
            clock=self.clock,
            self_check=self_check,
        )
        return World(
            chain=chain,
            store=store,
            executor=InlineExecutor(bench.perform),
            sends=InlineExecutor(Courier(chain).perform),
            offers=InlineExecutor(bench.perform),
            outputs=bench.outputs,
            clock=self.clock,
            reporter=log,
            secret=keccak256(f"secret of {name}".encode()),
            watching=self._watching(log),
            answering=self._answering(chain),
        )

    def _answering(self, chain: Chain) -> InlineExecutor | None:
        """What answers for items in blobs, if these can be read."""
        if self.published is None:
            return None
        return InlineExecutor(AnswerBench(BlobAnswerer(self.published, chain.gas_price_wei)).perform)

    def _watching(self, log: Log) -> InlineExecutor | None:
        """Eyes on keepers, which may be on this computer."""
        if self.deployment.availability is None:
            return None
        eyes = KeeperEyes(open_kzg(), log, may_be_private=True, published=self.published)
        return InlineExecutor(WatchBench(eyes).perform)

    def worker(
        self,
        name: str,
        store: Store,
        log: Log,
        engine: Engine | None = None,
        prover: Prover | None = None,
        **policy: Any,
    ) -> Daemon:
        """A worker with stake for three tasks. With a prover, it proves its claims."""
        world = self.world(name, store, log, engine or ReferenceEngine())
        self.stake(name, world.chain)
        if prover is not None:
            proving = InlineExecutor(ProvingBench(prover, self.blobs, log).perform)
            world, policy = replace(world, proving=proving), policy | {"circuits": prover.circuits}
        return worker_node(world, replace(WorkerPolicy(speed=SPEED), **policy))

    def stake(self, name: str, chain: Chain) -> None:
        """Deposit a stake for three tasks, once for each name."""
        if name not in self.staked:
            self.staked.add(name)
            chain.transact(Deposit(amount_wei=3 * COIN_WEI), intent="stake")

    def challenger(self, name: str, store: Store, log: Log, engine: Engine | None = None) -> Daemon:
        world = self.world(name, store, log, engine or ReferenceEngine())
        return challenger_node(world, ChallengerPolicy())

    def post(self, shard_count: int = 1, content: bytes = INPUT, elf: bytes = ELF, **terms: int) -> JobId:
        """Register the guest and post a job; the id of a network's first job."""
        program = load_elf(elf)
        uri = self.blobs.put(elf)
        self.requester.transact(
            RegisterProgram(
                image_root=program.root(),
                entry=program.entry,
                max_cycles=terms.get("max_cycles", MAX_CYCLES),
                digest=keccak256(elf),
                uri=uri,
            ),
            intent=f"register/{uri}",
        )
        now = self.requester.head().time_seconds
        order = PostJob(
            program_id=ProgramId(1),
            input_root=root_of_bytes(content, 24),
            input_size=terms.get("input_size", len(content)),
            input_uri=self.blobs.put(content),
            seed=keccak256(b"seed"),
            shard_count=shard_count,
            reward=REWARD_WEI,
            lease_seconds=terms.get("lease_seconds", 300),
            deadline=now + terms.get("deadline_seconds", 100_000),
            policy=terms.get("policy", 1),
        )
        self.requester.transact(order, intent=f"post/{now}")
        return JobId(1)

    def drive(
        self,
        daemons: Sequence[Ticking],
        is_over: Callable[[], bool],
        rounds: int = 200,
        idle_limit: int = IDLE_ROUNDS,
        pause_seconds: int | None = None,
    ) -> None:
        """Let everybody act in turn; move time on, by half a window, when nobody has anything to do."""
        idle = 0
        for _ in range(rounds):
            if is_over():
                return
            before = self.requester.head().number
            for daemon in daemons:
                daemon.tick()
            idle = idle + 1 if self._is_still(before) else 0
            if idle > idle_limit and self._is_settled(before):
                self.devnet.advance(pause_seconds or self.deployment.rules.window_seconds // 2 + 1)
                idle = 0
        raise AssertionError(f"not over after {rounds} rounds")

    def _is_still(self, head: int) -> bool:
        return self.requester.head().number == head and not self._is_mining()

    def _is_settled(self, head: int) -> bool:
        """Whether nothing is on its way to a block. What anvil works on is neither in the pool nor seen."""
        if isinstance(self.devnet, AnvilDevnet):
            time.sleep(SETTLE_SECONDS)
        return self._is_still(head)

    def _is_mining(self) -> bool:
        """Whether anvil has yet to put a transaction into a block: it does so in a thread of its own."""
        if not isinstance(self.devnet, AnvilDevnet):
            return False
        web3 = connect(self.devnet.node)
        answer: Any = web3.provider.make_request(RPCEndpoint("txpool_status"), [])
        return int(answer["result"]["pending"], 16) > 0

    def told(self, kind: type[Event]) -> list[Event]:
        """All events of a kind."""
        chain = self.requester
        history = chain.events(chain.first_block, chain.head().number)
        return [event for event in history if isinstance(event, kind)]

    def is_final(self, job_id: JobId, shard_index: int = 0) -> bool:
        return self.requester.result(task_of(job_id, shard_index)).is_final

    def output(self, task_id: TaskId) -> bytes:
        """The task's published output."""
        result = self.requester.result(task_id)
        return self.blobs.get_output(result.output_root, result.output_size)


def open_network(
    devnet: Devnet,
    folder: Path,
    parameters: Parameters = PARAMETERS,
    *,
    kept_by: Rules | None = None,
    has_proofs: bool = False,
) -> Network:
    """Deploy everything; with availability if there are rules for it, and then perhaps with Verifiers."""
    deployer, requester = (Account.from_key(keccak256(name)) for name in (b"deployer", b"requester"))
    for account in (deployer, requester):
        devnet.fund(account.address, 100 * COIN_WEI)
    deployment = deploy(
        connect(devnet.node),
        deployer,
        SqliteStore(),
        parameters,
        kept_by=kept_by,
        has_proofs=has_proofs,
        policy=POLICY,
    )
    chain = Web3Chain(devnet.node, deployment, requester, SqliteStore(), POLICY)
    blobs = DirectoryBlobs(folder / "blobs")
    return Network(devnet=devnet, deployment=deployment, blobs=blobs, folder=folder, requester=chain)
