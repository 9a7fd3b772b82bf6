"""The demo's cast and stage: a chain, the contracts, one requester, three workers, one challenger."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import Account, Web3

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import Devnet
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.clock import SystemClock
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.client import Client
from truestep.composition.daemons import assembled
from truestep.composition.engines import EngineName, open_engine
from truestep.composition.network import open_chain
from truestep.devnet.network import devnet_parameters
from truestep.machine.decode import decode
from truestep.machine.layout import OUTPUT_START
from truestep.machine.program import Program, Task
from truestep.machine.state import Status
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.bench import Bench
from truestep.node.worker import worker_node
from truestep.ports.chain import Chain
from truestep.ports.engine import Engine, Machine
from truestep.protocol.calls import Deposit
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, LyingSometimes

COIN_WEI = 10**18
WALLET_WEI = 20 * COIN_WEI
STAKE_WEI = 10 * COIN_WEI
REWARD_WEI = COIN_WEI // 100
WINDOW_SECONDS = 86_400
"""The window of a real network; the demo moves the chain's clock instead of waiting."""
RULES = devnet_parameters(WINDOW_SECONDS)
POLICY = TransactionPolicy(poll_seconds=0.02)

REQUESTER, LIAR, CHALLENGER = "Alice", "Mallory", "Victor"
WORKERS = ("Bob", "Carol", LIAR)

WORST_VALUE_OFFSET = 16
"""Offset of the least value in the output record, in 2^-32 of the stake (value_at_risk.c)."""
FALSE_ADDRESS, FALSE_MASK = OUTPUT_START + WORST_VALUE_OFFSET + 4, 1
"""The lie adds the whole stake to the worst year's value, so that no year seems to lose anything."""


class LiarsEngine:
    """An honest engine, except in the first task it runs: part of the way through, the output becomes false.

    The lie begins at the first multiplication after `cycle`, because that is an instruction worth showing.
    """

    def __init__(self, engine: Engine, cycle: int) -> None:
        self._honest = engine
        self._cycle = cycle
        self._lying: LyingSometimes | None = None

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"lying {self._honest.name}"

    def start(
        self, program: Program, task: Task, *, debug_sink: Callable[[bytes], None] | None = None
    ) -> Machine:
        """A machine that lies in the first task and is honest in all others."""
        if self._lying is None:
            shard_index, fault = task.shard_index, self._fault(program, task)
            self._lying = LyingSometimes(self._honest, fault, lambda each: each.shard_index == shard_index)
        return self._lying.start(program, task, debug_sink=debug_sink)

    def _fault(self, program: Program, task: Task) -> Fault:
        machine = self._honest.start(program, task)
        machine.advance(self._cycle)
        while machine.status is Status.RUNNING and not _is_multiplication(machine):
            machine.advance(machine.cycle + 1)
        return Fault(cycle=machine.cycle + 1, address=FALSE_ADDRESS, mask=FALSE_MASK)


def _is_multiplication(machine: Machine) -> bool:
    instruction = decode(int.from_bytes(machine.read_memory(machine.state().pc, 4), "little"))
    return instruction is not None and instruction.name in ("mul", "mulhu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everybody and everything that takes part."""

    devnet: Devnet
    web3: Web3
    deployment: Deployment
    client: Client
    chains: dict[str, Chain]
    """By name; each has its own key and journal."""
    daemons: dict[str, Daemon]
    engine: Engine
    """Shared by all honest parties. It keeps the translated program, but no results."""
    accounts: dict[str, Address]
    wealth_wei: int
    """The coins given to all accounts, including the deployer's."""

    @property
    def names(self) -> dict[Address, str]:
        """The names of the accounts."""
        return {address: name for name, address in self.accounts.items()}

    def stop(self) -> None:
        """Stop the background work."""
        for daemon in self.daemons.values():
            daemon.stop()


def batch_size(worker: str, shards: int) -> int:
    """The shards that a worker takes together: the liar half of them, the others a quarter each."""
    return max(shards // (2 if worker == LIAR else 4), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Satisfies `truestep.ports.reporter.Reporter` but prints nothing: the demo tells the chain's events."""

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Say nothing."""


def build_scene(devnet: Devnet, folder: Path, shards: int, lie_cycle: int) -> Scene:
    """Fund everybody, deploy the contracts, stake the workers, start the daemons."""
    web3 = connect(devnet.node)
    names = ("deployer", REQUESTER, *WORKERS, CHALLENGER)
    keys: dict[str, Any] = {name: Account.create() for name in names}
    for key in keys.values():
        devnet.fund(key.address, WALLET_WEI)
    deployment = deploy(web3, keys["deployer"], SqliteStore(), RULES, policy=POLICY)
    stores = {name: SqliteStore() for name in names[1:]}
    chains = {
        name: open_chain(devnet.node, deployment, keys[name], store, POLICY) for name, store in stores.items()
    }
    for name in WORKERS:
        chains[name].transact(Deposit(amount_wei=STAKE_WEI), intent="deposit")
    blobs = DirectoryBlobs(folder / "blobs")
    engine = open_engine(EngineName.JIT)
    daemons: dict[str, Daemon] = {}
    for name in (*WORKERS, CHALLENGER):
        clock = SystemClock()
        liars = LiarsEngine(engine, lie_cycle) if name == LIAR else engine
        world = assembled(
            chain=chains[name],
            store=stores[name],
            bench=Bench(
                engine=liars, blobs=blobs, outputs=OutputDirectory(folder / f"{name} outputs"), clock=clock
            ),
            parallel=1,
            clock=clock,
            reporter=Mute(),
        )
        if name == CHALLENGER:
            daemons[name] = challenger_node(world, ChallengerPolicy())
        else:
            daemons[name] = worker_node(
                world, WorkerPolicy(active_limit=1, held_factor=batch_size(name, shards))
            )
    return Scene(
        devnet=devnet,
        web3=web3,
        deployment=deployment,
        client=Client(chains[REQUESTER], blobs, deployment),
        chains=chains,
        daemons=daemons,
        engine=engine,
        accounts={name: key.address for name, key in keys.items()},
        wealth_wei=WALLET_WEI * len(keys),
    )
