"""One scenario's world: chain, contracts, blob store, proxies, processes, and what is true of every task."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from web3 import Account, Web3

from tests.lab.accounting import losses_of
from tests.lab.anvil import COIN_WEI, Anvil, Contracts, address_of, private_key
from tests.lab.guests import SMALL_INPUT, Guest, task_of_job, true_claim
from tests.lab.history import History
from tests.lab.processes import Line, Process, run_command
from tests.lab.proxy import FaultyProxy
from tests.lab.stores import HostileStore
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, GameId, JobId, ProgramId, TaskId, job_of_task, shard_of_task, task_of
from truestep.client.files import program_of
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.network import open_blobs
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import Blobs
from truestep.protocol.calls import PostJob, RegisterProgram
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import GameOpened, GameSettled, TaskFinalized
from truestep.protocol.records import GameRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.parameters import Parameters

PASSWORD = "lab"
LOOK_SECONDS = 0.25
"""How often attackers look at the chain, and conditions are asked."""
REWARD_WEI = COIN_WEI // 20
LEASE_SECONDS = 60
LIFETIME_SECONDS = 100_000
SEND_SECONDS = 2
"""As on a devnet: a transaction lands within two blocks, and clocks are short."""
CRASHES_LIMIT = 20
"""A daemon that ends at every start is not started for ever."""


class Attacker(Protocol):
    """Somebody who looks at the chain again and again."""

    def tick(self) -> None:
        """Do what there is to do now."""
        ...


@dataclass
class World:
    """Everything in one place. `until` lets attackers act while it waits."""

    name: str
    seed: int
    folder: Path
    parameters: Parameters
    random: random.Random = field(init=False)
    processes: dict[str, Process] = field(default_factory=dict)
    attackers: list[Attacker] = field(default_factory=list)
    honest: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    """What went wrong besides lost coins and final lies; empty if the scenario is passed."""
    left: list[Contracts] = field(default_factory=list)
    """Deployments that were moved away from."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Figures for the report."""
    _inputs: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    _guests: dict[ProgramId, Guest] = field(default_factory=dict)
    _truths: dict[tuple[Any, ...], ClaimedState | None] = field(default_factory=dict)
    _given_truths: dict[TaskId, ClaimedState] = field(default_factory=dict)
    _times: dict[int, int] = field(default_factory=dict)
    _proxies: list[FaultyProxy] = field(default_factory=list)
    _stores: list[HostileStore] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the chain, deploy, and open a blob store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.random = random.Random(f"{self.name}/{self.seed}")
        self.web3 = Web3()
        self.anvil = Anvil(self.folder, free_port())
        try:
            self.contracts = Contracts(self.anvil, self.parameters, self.folder)
            self.store = self.open_store()
            self.blobs: Blobs = open_blobs(self.store.url)
            self.anvil.fund("requester", 1_000 * COIN_WEI)
            self.honest.add("requester")
            (self.folder / "password").write_text(f"{PASSWORD}\n")
        except BaseException:
            self.close()
            raise
        self.history = History(self.reader, self.contracts.deployment.block_number)

    @property
    def reader(self) -> Web3Chain:
        """The chain without a proxy."""
        return self.contracts.reader

    # --- places -----------------------------------------------------------------------------------

    def proxy(self) -> FaultyProxy:
        """An endpoint of its own, without faults so far."""
        self._proxies.append(FaultyProxy(self.anvil.url, self.random.getrandbits(32)))
        return self._proxies[-1]

    def open_store(self) -> HostileStore:
        """Another blob store."""
        self._stores.append(HostileStore())
        return self._stores[-1]

    def move_to(self, contracts: Contracts) -> None:
        """Look at another deployment from now on; the coins in the present one are still counted."""
        self.left = [*self.left, self.contracts]
        self.left.remove(contracts) if contracts in self.left else None
        self.contracts = contracts
        self.history = History(self.reader, contracts.deployment.block_number)
        self._guests.clear()
        self._truths.clear()
        self._given_truths.clear()

    # --- honest people ----------------------------------------------------------------------------

    def keystore(self, name: str, coins: int = 100) -> Path:
        """The key file of an honest account, which gets its coins with it."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            sealed: Any = Account.encrypt(private_key(name), PASSWORD, kdf="pbkdf2", iterations=1)
            path.write_text(json.dumps(sealed))
        if name not in self.anvil.funded_wei:
            self.anvil.fund(name, coins * COIN_WEI)
        self.honest.add(name)
        return path

    def environment(
        self, rpc: Sequence[FaultyProxy] = (), blobs: Sequence[HostileStore] = ()
    ) -> dict[str, str]:
        """The variables that `truestep devnet` writes, for these endpoints and stores."""
        return os.environ | {
            "TRUESTEP_RPC": " ".join(proxy.url for proxy in rpc) or self.anvil.url,
            "TRUESTEP_DEPLOYMENT": str(self.contracts.file),
            "TRUESTEP_BLOBS": " ".join(store.url for store in blobs) or self.store.url,
            "TRUESTEP_PASSWORD_FILE": str(self.folder / "password"),
            "TRUESTEP_SEND_SECONDS": f"{SEND_SECONDS}",
            "TRUESTEP_HASHED_PAGES_PER_SECOND": "1e9",
        }

    def daemon(
        self,
        role: str,
        name: str,
        *options: str,
        rpc: Sequence[FaultyProxy] = (),
        blobs: Sequence[HostileStore] = (),
        is_started: bool = True,
    ) -> Process:
        """`truestep worker` or `truestep challenger` for an honest account, started."""
        keystore = self.keystore(name)
        arguments = [role, "--keystore", str(keystore), "--state-dir", str(self.folder / f"state-{name}")]
        arguments += ["--json", *options]
        process = Process(name, arguments, self.environment(rpc, blobs), self.folder)
        self.processes[name] = process
        if is_started:
            process.start()
        return process

    def command(self, *arguments: str, rpc: Sequence[FaultyProxy] = (), seconds: float = 300.0) -> Any:
        """Run a command of `truestep` to its end; its JSON, or None if it failed."""
        done = run_command(arguments, self.environment(rpc), self.folder, seconds)
        log = self.folder / f"{arguments[0]}.log"
        with log.open("a") as file:
            file.write(f"$ truestep {' '.join(arguments)}\n{done.stdout}{done.stderr}")
            file.write(f"exit {done.returncode}\n")
        with suppress(ValueError, IndexError):
            return json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
        return None

    def submit_job(self, *, rpc: Sequence[FaultyProxy]) -> BackgroundCommand:
        """`truestep submit` of the files `guest.elf` and `input` in the folder, in the background."""
        arguments = ("submit", "guest.elf", "--input", "input", "--max-cycles", "4096", "--json")
        return BackgroundCommand(self, (*arguments, "--keystore", str(self.keystore("customer"))), rpc)

    # --- jobs -------------------------------------------------------------------------------------

    def know(self, content: bytes) -> None:
        """Remember an input, so that the truth about its tasks can be told."""
        self._inputs[bytes(root_of_bytes(content, RANGE_LEVEL, hash_many_pairs)), len(content)] = content

    def publish(self, guest: Guest, content: bytes) -> tuple[str, str]:
        """Put program and input into the store, as the client does; their URIs."""
        self.know(content)
        publish_by_root(self.blobs, guest, content)
        return self.blobs.put(guest.elf), self.blobs.put(content)

    def register(
        self, guest: Guest, *, by: str = "requester", max_cycles: int | None = None, uri: str | None = None
    ) -> ProgramId:
        """Register a guest; its number."""
        call = RegisterProgram(
            image_root=guest.root,
            entry=guest.program.entry,
            max_cycles=max_cycles or guest.max_cycles,
            digest=program_of(guest.elf).digest,
            uri=uri or self.blobs.put(guest.elf),
        )
        self.contracts.do(by, call)
        program_id = ProgramId(len(self.reader.newest_facts()[0].programs))
        self._guests[program_id] = guest
        return program_id

    def post(
        self,
        program_id: ProgramId,
        content: bytes = SMALL_INPUT,
        *,
        by: str = "requester",
        shard_count: int = 1,
        reward_wei: int = REWARD_WEI,
        lease_seconds: int = LEASE_SECONDS,
        exact_seed: bytes | None = None,
        input_size: int | None = None,
        uri: str | None = None,
        bond_multiple: int = 1,
        window_seconds: int = 0,
        is_awaited: bool = True,
    ) -> JobId:
        """Publish the input and post a job; the number of the newest job, which is this if it is awaited."""
        _, input_uri = self.publish(self._guests[program_id], content)
        call = PostJob(
            program_id=program_id,
            input_root=root_of_bytes(content, RANGE_LEVEL, hash_many_pairs),
            input_size=len(content) if input_size is None else input_size,
            input_uri=input_uri if uri is None else uri,
            seed=Bytes32(exact_seed or self.random.randbytes(32)),
            shard_count=shard_count,
            reward=reward_wei,
            lease_seconds=lease_seconds,
            deadline=self.anvil.time_seconds() + LIFETIME_SECONDS,
            bond_multiple=bond_multiple,
            window_seconds=window_seconds,
        )
        if is_awaited:
            self.contracts.do(by, call)
        else:
            self.contracts.send(by, call)
        return JobId(self.reader.newest_facts()[0].job_count)

    def is_guest_of(self, program_id: ProgramId, guest: Guest) -> None:
        """Say which guest a program is that somebody else has registered."""
        self._guests[program_id] = guest

    def task(self, job_id: JobId, shard_index: int = 0) -> TaskRecord:
        """A task as it stands."""
        return self.reader.task(task_of(job_id, shard_index))

    def truth(self, task_id: TaskId) -> ClaimedState | None:
        """What a claim must say; None if nobody can know, for want of the input."""
        if task_id in self._given_truths:
            return self._given_truths[task_id]
        job = self.reader.job(job_of_task(task_id))
        key = (task_id, job.program_id, bytes(job.input_root), job.input_size, bytes(job.seed))
        if key not in self._truths:  # a reorganisation may have put another job under the same number
            content = self._inputs.get((bytes(job.input_root), job.input_size))
            guest = self._guests.get(job.program_id)
            if guest is None or content is None:
                self._truths[key] = None
            else:
                task = task_of_job(job, shard_of_task(task_id), content)
                self._truths[key] = true_claim(guest, task, job.max_cycles)
        return self._truths[key]

    def know_truth(self, task_id: TaskId, claimed: ClaimedState) -> None:
        """Remember what is true of a task, where it was computed already."""
        self._given_truths[task_id] = claimed

    def lies_final(self) -> list[TaskId]:
        """The tasks whose final result is false."""
        return [
            event.task_id
            for event in self.history.all(TaskFinalized)
            if (truth := self.truth(event.task_id)) is not None and truth != event.claimed
        ]

    # --- time -------------------------------------------------------------------------------------

    def go(self) -> None:
        """From now on blocks come by the clock."""
        self.anvil.mine_by_the_clock()

    def tick(self) -> None:
        """Everybody looks once: attackers act, daemons that ended are noticed."""
        with suppress(OSError, Unavailable):  # the node may be down: that is part of a scenario
            self.history.sync()
            for attacker in self.attackers:
                attacker.tick()
        for process in self.processes.values():
            if len(process.crashes) < CRASHES_LIMIT:
                process.watch()

    def until(
        self, condition: Callable[[], bool], seconds: float, what: str, *, is_needed: bool = True
    ) -> bool:
        """Let everybody act until the condition holds; a complaint if it does not in time.

        Once an honest bond is lost the scenario has failed, and nothing is waited for any more.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tick()
            with suppress(OSError, Unavailable):
                if condition():
                    return True
                if self.has_honest_loss():
                    return False
            time.sleep(LOOK_SECONDS)
        if is_needed:
            self.complaints.append(f"waited {seconds:.0f} s in vain: {what}")
        return False

    def spend(self, seconds: float) -> None:
        """Let everybody act for so long."""
        self.until(lambda: False, seconds, "", is_needed=False)

    def are_games_over(self) -> bool:
        """Whether every game was settled."""
        settled = {event.game_id for event in self.history.all(GameSettled)}
        return all(opened.game_id in settled for opened in self.history.all(GameOpened))

    def has_honest_loss(self) -> bool:
        """Whether an honest bond is lost: then nothing more needs to be waited for."""
        return losses_of(self, self.honest).bonds > 0

    def slowest_move_share(self) -> float:
        """The largest part of its clock that an honest side used for one move."""
        honest = {address_of(name) for name in self.honest}
        games = {opened.game_id: opened for opened in self.history.all(GameOpened)}
        sides = {"operator": lambda game: game.operator, "challenger": lambda game: game.challenger}
        shares = [
            seconds / self.parameters.clock_seconds
            for who, game_id, seconds in self.history.waits(self._block_time)
            if sides[who](games[game_id]) in honest
        ]
        return max(shares, default=0.0)

    def _block_time(self, number: int) -> int:
        if number not in self._times:
            block = self.anvil.ask("eth_getBlockByNumber", hex(number), False)
            self._times[number] = int(block["timestamp"], 16)
        return self._times[number]

    def games(self, game_ids: Iterable[GameId]) -> dict[GameId, GameRecord]:
        """Those of these games that are not over, as they stand now."""
        return self.reader.games(tuple(game_ids), self.anvil.time_seconds())

    def is_final(self, task_id: TaskId) -> bool:
        """Whether the task has its result."""
        return self.reader.task(task_id).stage is TaskStage.FINAL

    def check(self, is_right: bool, complaint: str) -> None:
        """Complain unless it is right."""
        if not is_right:
            self.complaints.append(complaint)

    # --- words ------------------------------------------------------------------------------------

    def line(self, pattern: str) -> Line | None:
        """The first log line of an honest daemon whose kind and message match."""
        for process in self.processes.values():
            for line in process.lines():
                if re.search(pattern, f"{line['kind']} {line.get('message', '')}", re.IGNORECASE):
                    return line | {"process": process.name}
        return None

    # --- the end ----------------------------------------------------------------------------------

    def freeze(self) -> None:
        """End the daemons and stop the blocks, so that coins can be counted."""
        for process in self.processes.values():
            if process.is_wanted:
                process.stop()
        self.anvil.ask("evm_setIntervalMining", 0)
        self.anvil.mine(1)
        self.history.sync()

    def close(self) -> None:
        """End everything that was started."""
        for process in self.processes.values():
            process.kill()
        for proxy in self._proxies:
            proxy.close()
        for store in self._stores:
            store.close()
        self.anvil.stop()


class BackgroundCommand:
    """A command that runs while the world goes on."""

    def __init__(self, world: World, arguments: Sequence[str], rpc: Sequence[FaultyProxy]) -> None:
        self.answer: Any = None
        self._thread = threading.Thread(target=self._run, args=(world, arguments, rpc), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Any:
        """Its JSON; None if it failed."""
        self._thread.join(seconds)
        return self.answer

    def _run(self, world: World, arguments: Sequence[str], rpc: Sequence[FaultyProxy]) -> None:
        self.answer = world.command(*arguments, rpc=rpc)


def publish_by_root(blobs: Any, guest: Guest, content: bytes) -> None:
    """Put program and input under their roots, so that nobody depends on one job's URIs."""
    if hasattr(blobs, "put_input"):
        blobs.put_input(root_of_bytes(content, RANGE_LEVEL, hash_many_pairs), content)
        blobs.put_program(guest.root, guest.program.entry, guest.elf)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
