"""A network whose operators are drawn: they pledge, and somebody gives it randomness."""

from __future__ import annotations

import atexit
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from web3 import Account, Web3
from web3.types import RPCEndpoint

from tests.chains import undone
from tests.conftest import find_anvil
from tests.contracts.compiled import call_bytes
from tests.e2e.keepers import RULES as KEPT_BY
from tests.e2e.network import COIN_WEI, PARAMETERS, POLICY, Network, Ticking
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import carry_out, deployment_of, owned_by
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import AnvilDevnet, Devnet, EmbeddedDevnet
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.client import Client
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.audits.contracts.audits import Rules as AuditRules
from truestep.protocol.deployment.judges import Judges
from truestep.protocol.deployment.plans import network_plan
from truestep.protocol.lots.contracts.lots import Rules as LotRules
from truestep.protocol.quorum.contracts.quorums import Rules as QuorumRules
from truestep.protocol.settlement.encoding import encode

PLEDGE_WEI = COIN_WEI
DRAWS = DrawRules(
    commit_seconds=60,
    reveal_seconds=60,
    draw_seconds=1_200,
    entropy_bond_wei=COIN_WEI // 100,
    least_pledge_wei=COIN_WEI // 10,
    exit_seconds=500_000,
)
QUORUM = QuorumRules(
    needed=3,
    seats=5,
    pool=0,
    leader_seconds=100_000,
    member_seconds=100_000,
    commit_seconds=600,
    fee_wei=COIN_WEI // 1_000,
    cycle_fee_wei=0,
    late_wei=COIN_WEI // 100,
    lie_wei=COIN_WEI // 10,
    stretch_seconds=600,
    full_value_wei=100 * COIN_WEI,
    full_tasks=1_000,
    load_seconds=86_400,
)
AUDITED_BY = AuditRules(
    pool=0,
    rate_bps=10_000,
    trap_bps=1_000,
    fee_wei=COIN_WEI // 1_000,
    cycle_fee_wei=0,
    penalty_factor=30,
    answer_seconds=400,
    draw_seconds=4_000,
    load=4,
)
LOTS = LotRules(pool=0, lot_tasks=1, turn_seconds=2_000, open_seconds=100_000, late_wei=COIN_WEI // 400)
STEP_SECONDS = 10
Opened = TypeVar("Opened", bound="DrawnNetwork")


class DrawnNetwork(Network):
    """A network with all that draws need, and with Quorums and Audits."""

    def transact(self, name: str, contract: str, function: str, *arguments: Any, value_wei: int = 0) -> None:
        """A transaction of somebody's that no node makes."""
        web3, account = connect(self.devnet.node), Account.from_key(keccak256(name.encode()))
        address = self.deployment.address(contract)
        fields: dict[str, Any] = {
            "from": account.address,
            "to": Web3.to_checksum_address(address),
            "nonce": web3.eth.get_transaction_count(account.address),
            "gas": 3_000_000,
            "gasPrice": 10**10,
            "value": value_wei,
            "chainId": self.deployment.chain_id,
            "data": call_bytes(load_artifact(contract), function, *arguments),
        }
        sent = web3.eth.send_raw_transaction(account.sign_transaction(fields).raw_transaction)
        assert web3.eth.wait_for_transaction_receipt(sent, timeout=60)["status"] == 1, function

    @property
    def now(self) -> int:
        """The time of the newest block."""
        return self.requester.head().time_seconds

    def go_to(self, phase: Phase, since: int = 0) -> None:
        """Let time pass until this phase of a round that began to commit after then."""
        phases = DRAWS.phases
        while True:
            number = phases.round_at(self.now)
            is_new = phases.ends(number)[0] >= since + 30
            if phases.phase_at(self.now) is phase and is_new:
                return
            self.devnet.advance(STEP_SECONDS)

    def pledge(self, *names: str) -> None:
        """They stake, and pledge the same, in a commit phase."""
        self.go_to(Phase.COMMIT)
        for name in names:
            self.stake(name, self.chain(name, SqliteStore()))
            self.transact(name, "Sortition", "join", self.account(name), 0, PLEDGE_WEI)

    def randomness(self) -> None:
        """Somebody promises a secret and gives it: then a round draws what has happened until now."""
        since = self.now
        self.go_to(Phase.COMMIT, since)
        if "beacon" not in self.funded:
            self.funded.add("beacon")
            self.devnet.fund(self.account("beacon"), COIN_WEI)
        number, secret = DRAWS.phases.round_at(self.now), keccak256(encode(self.now))
        promise = keccak256(encode(self.account("beacon"), number, secret))
        self.transact("beacon", "Randomness", "commit", number, promise, value_wei=DRAWS.entropy_bond_wei)
        self.go_to(Phase.REVEAL, since)
        self.transact("beacon", "Randomness", "reveal", secret)
        self.go_to(Phase.DRAW, since)

    def calls(self, first_block: int) -> dict[str, list[tuple[int, bool]]]:
        """The gas of each transaction since then, and whether it went through, by contract and call."""
        web3 = connect(self.devnet.node)
        names: dict[tuple[str, str], str] = {}
        for contract in ("Jobs", "Quorums", "Audits", "Sortition", "Randomness", "Operators", "Disputes"):
            address = self.deployment.address(contract).lower()
            for entry in load_artifact(contract).abi:
                if entry["type"] == "function":
                    kinds = ",".join(_canonical(each) for each in entry["inputs"])
                    selector = Web3.keccak(text=f"{entry['name']}({kinds})")[:4].hex().removeprefix("0x")
                    names[address, selector] = f"{contract}.{entry['name']}"
        found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
        for number in range(first_block, self.requester.head().number + 1):
            block: Any = web3.eth.get_block(number, full_transactions=True)
            for sent in block["transactions"]:
                receipt = web3.eth.get_transaction_receipt(sent["hash"])
                key = (str(sent.get("to")).lower(), bytes(sent["input"])[:4].hex())
                found[names.get(key, "other")].append((receipt["gasUsed"], receipt["status"] == 1))
        return dict(found)

    def blocks(
        self, daemons: Sequence[Ticking], is_over: Callable[[], bool], rounds: int = 60, seconds: int = 12
    ) -> None:
        """Let everybody act in every block, as on a chain where several see the same block."""
        web3 = connect(self.devnet.node)

        def ask(method: str, *parameters: object) -> None:
            web3.provider.make_request(RPCEndpoint(method), list(parameters))

        ask("evm_setAutomine", False)
        try:
            for _ in range(rounds):
                if is_over():
                    return
                for daemon in daemons:
                    daemon.tick()
                ask("evm_setNextBlockTimestamp", self.now + seconds)
                ask("evm_mine")
        finally:
            ask("evm_setAutomine", True)
        raise AssertionError(f"not over after {rounds} blocks")

    def reverted(self, first_block: int) -> dict[str, int]:
        """How many calls failed since then, by contract and call."""
        counted = {
            name: sum(not is_done for _, is_done in found) for name, found in self.calls(first_block).items()
        }
        return {name: count for name, count in counted.items() if count}

    def client(self) -> Client:
        """The requester's client."""
        return Client(self.requester, self.blobs, self.deployment)

    def pledge_of(self, name: str) -> int:
        """What is left of a member's pledge."""
        return self.ask("Sortition", "pledge_of", 0, self.account(name))

    def ask(self, contract: str, view: str, *arguments: Any) -> int:
        """What a view of a contract answers."""
        web3 = connect(self.devnet.node)
        address = Web3.to_checksum_address(self.deployment.address(contract))
        own = web3.eth.contract(address=address, abi=load_artifact(contract).abi)
        return own.functions[view](*arguments).call()


def _canonical(kind: Any) -> str:
    """A parameter's type as selectors are made of it."""
    if not kind["type"].startswith("tuple"):
        return str(kind["type"])
    inner = ",".join(_canonical(each) for each in kind["components"])
    return f"({inner}){kind['type'].removeprefix('tuple')}"


def _deployed(devnet: Devnet) -> Deployment:
    """Put everything on a chain."""
    deployer = Account.from_key(keccak256(b"deployer"))
    for account in (deployer, _requester()):
        devnet.fund(account.address, 100 * COIN_WEI)
    timelock = owned_by(Address(deployer.address))
    rules: dict[str, Any] = {
        "drawn_by": DRAWS,
        "judged_by": Judges(quorum=QUORUM, audits=AUDITED_BY, drawn=LOTS),
    }
    plan = network_plan(PARAMETERS, timelock, KEPT_BY, has_proofs=True, **rules)
    made = carry_out(connect(devnet.node), deployer, SqliteStore(), plan, policy=POLICY)
    return deployment_of(PARAMETERS, timelock, made, KEPT_BY, **rules)


def _requester() -> Any:
    return Account.from_key(keccak256(b"requester"))


@cache
def _anvil(program: Path) -> tuple[AnvilDevnet, Deployment]:
    """One chain for all tests of a process: 34 transactions take longer than most tests."""
    devnet = AnvilDevnet(program)
    atexit.register(devnet.stop)
    return devnet, _deployed(devnet)


@contextmanager
def _opened_chain() -> Iterator[tuple[Devnet, Deployment]]:
    """A chain on which nothing but the deployment has happened: anvil where it is installed."""
    program = find_anvil()
    if program is None:
        embedded = EmbeddedDevnet()
        yield embedded, _deployed(embedded)
        embedded.stop()
        return
    devnet, deployment = _anvil(program)
    with undone(devnet):
        yield devnet, deployment


@contextmanager
def open_drawn(kind: type[Opened], folder: Path) -> Iterator[Opened]:
    """A network of a test's own, with everything deployed."""
    with _opened_chain() as (devnet, deployment):
        chain = Web3Chain(devnet.node, deployment, _requester(), SqliteStore(), POLICY)
        blobs = DirectoryBlobs(folder / "blobs")
        opened = kind(devnet=devnet, deployment=deployment, blobs=blobs, folder=folder, requester=chain)
        try:
            yield opened
        finally:
            opened.close()
