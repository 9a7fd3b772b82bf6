"""The contracts of availability on an anvil, a registrant with its store, and keepers as they run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3

from tests.adapters.cells.s3_server import free_ports
from tests.adapters.keepers.items import Item
from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.chain.availability import AvailabilityContracts, availability_of, availability_types
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.chain.sidecars import SentBlob, with_blobs
from truestep.base.ids import Address
from truestep.composition.keeping import KeeperSettings, opened_keeper
from truestep.contracts.artifacts import load_artifact
from truestep.node.keeping.agent import KeeperWorld, keeper_node
from truestep.protocol.availability.contracts.challenges import OpenChallenge
from truestep.protocol.availability.contracts.items import ItemState, Register, RegisterBlobs
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Facts
from truestep.protocol.availability.ids import ItemId
from truestep.roles.keeper import ASSIGN_SPREAD_SECONDS
from truestep.roles.keeper_policy import KeeperPolicy

RULES = Rules(
    share_wei=10**17,
    registrant_bond_wei=10**16,
    element_bond_wei=10**13,
    blob_bond_wei=10**15,
    tree_bond_wei=10**14,
    gas_price_cap_wei=10**7,
    blob_gas_price_cap_wei=10**6,
    answer_seconds=600,
    acknowledge_seconds=600,
    winner_share_bps=5_000,
)
DAY_SECONDS = 86_400
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Reports:
    """Satisfies `Reporter`: what was said."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def report(self, kind: str, message: str, **_: Any) -> None:
        self.said.append((kind, message))

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.said}


@dataclass(slots=True, kw_only=True)
class RunningKeeper:
    """A keeper whose loop runs in a thread."""

    url: str
    world: KeeperWorld
    reports: Reports
    stop: Callable[[], None]


class KeeperNet:
    """One chain with the contracts."""

    def __init__(self, anvil: AnvilDevnet, folder: Path, deployment: Deployment | None = None) -> None:
        """With a network, its contracts of availability; else only those, deployed here."""
        self.anvil = anvil
        self.folder = folder
        self.web3 = Web3(Web3.HTTPProvider(anvil.node))
        accounts = list(self.web3.eth.accounts)
        self.rich, self.registrant = accounts[:2]
        self.contracts = availability_of(deployment) if deployment else self._deployed()
        self.items = self._made("Items", self.contracts.items)
        self.store = BlobServer(DirectoryBlobs(folder / "store"))
        # Seats are drawn in a later block than a registration's: blocks must come by themselves.
        self.web3.provider.make_request("evm_setIntervalMining", [1])  # pyright: ignore[reportArgumentType]

    def close(self) -> None:
        self.store.close()

    # --- people -------------------------------------------------------------------------------------------

    def publish(self, item: Item) -> None:
        """Put an item where its registrant's keepers fetch it."""
        blobs = DirectoryBlobs(self.folder / "store")
        blobs.put_named(manifest_name(item.name), item.manifest.to_json().encode())
        for extended, versioned_hash in zip(item.extended, item.manifest.versioned_hashes, strict=True):
            blobs.put_named(kzg_name(versioned_hash), b"".join(extended.cells[:64]))

    def register(self, item: Item, seat_count: int, *, url: str | None = None, fee_wei: int = 0) -> ItemId:
        """Register an item for thirty days. The time for which keepers leave the draw to others passes."""
        until = self.web3.eth.get_block("latest").get("timestamp", 0) + 30 * DAY_SECONDS
        call = Register(
            parts=item.manifest.parts,
            nodes=item.manifest.versioned_hashes,
            seat_count=seat_count,
            until=until,
            fee_wei=fee_wei,
            url=self.store.url if url is None else url,
        )
        self.send("Items", call, value_wei=RULES.registrant_bond_wei + seat_count * fee_wei)
        self.anvil.advance(ASSIGN_SPREAD_SECONDS)
        return ItemId(self.items.functions.next_item_id().call() - 1)

    def register_blobs(self, item: Item) -> None:
        """Register an item whose blobs are in the transaction."""
        web3, account = self.web3, Account.create()
        self.anvil.fund(account.address, 10**20)
        sent = [
            SentBlob(
                blob=b"".join(each.cells[:64]),
                commitment=commitment,
                cell_proofs=each.proofs,
            )
            for each, commitment in zip(item.extended, item.manifest.commitments, strict=True)
        ]
        until = web3.eth.get_block("latest").get("timestamp", 0) + DAY_SECONDS
        call = RegisterBlobs(parts=item.manifest.parts, until=until, url="")
        terms: Any = {
            "type": 3,
            "chainId": web3.eth.chain_id,
            "nonce": 0,
            "to": Web3.to_checksum_address(self.contracts.items),
            "data": availability_types()["Items"].payload(call),
            "value": RULES.registrant_bond_wei,
            "gas": 1_000_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "maxFeePerBlobGas": 10**10,
            "accessList": [],
            "blobVersionedHashes": list(item.manifest.versioned_hashes),
        }
        raw = with_blobs(bytes(account.sign_transaction(terms).raw_transaction), sent)
        receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(raw))
        assert receipt["status"] == 1

    def challenge(
        self, keeper: RunningKeeper, item_id: ItemId, seat: int, kind: int, blob: int, element: int
    ) -> None:
        """Ask for an element or a blob."""
        record = facts_of(keeper).items[item_id].record
        bond_wei = RULES.element_bond_wei if kind == 1 else RULES.blob_bond_wei
        call = OpenChallenge(item_id=item_id, record=record, seat=seat, kind=kind, blob=blob, element=element)
        self.send("Challenges", call, value_wei=bond_wei)

    def send(self, contract: str, call: object, *, value_wei: int = 0) -> Any:
        """Send a call of the registrant. Raises if it is reverted."""
        payload = availability_types()[contract].payload(call)
        request: Any = {
            "from": self.registrant,
            "to": self.contracts.address(contract),
            "data": payload,
            "value": value_wei,
        }
        receipt = self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_transaction(request))
        assert receipt["status"] == 1, call
        return receipt

    def standing(self, item_id: ItemId) -> dict[str, Any]:
        """What the contract says of an item."""
        names = [
            part["name"]
            for part in self.items.get_function_by_name("standing").abi["outputs"][0]["components"]
        ]
        return dict(zip(names, self.items.functions.standing(item_id).call(), strict=True))

    def shares(self, account: Address) -> int:
        """Those that a keeper has paid for."""
        contract = self._made("Keepers", self.contracts.keepers)
        number = contract.functions.numbers(Web3.to_checksum_address(account)).call()
        return contract.functions.get(number).call()[2]

    def state_of(self, item_id: ItemId) -> ItemState:
        return ItemState(self.standing(item_id)["state"])

    @contextmanager
    def keeper(
        self, name: str, *, shares: int = 2, port: int | None = None, **changes: Any
    ) -> Iterator[RunningKeeper]:
        """A keeper with shares, in a thread."""
        signer = Account.from_key(Web3.keccak(text=name))
        if self.web3.eth.get_balance(signer.address) < 10**18:
            self.anvil.fund(Address(signer.address), 10**19)
        port = port or free_ports(1)[0]
        settings = KeeperSettings(
            rpc=[self.anvil.node],
            contracts=self.contracts,
            state_dir=self.folder / name,
            signer=signer,
            store=str(self.folder / name / "cells"),
            store_limit_bytes=changes.pop("store_limit_bytes", 1 << 30),
            listen=("127.0.0.1", port),
            may_be_private=changes.pop("may_be_private", True),
        )
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        policy = KeeperPolicy(shares=shares, url=f"http://127.0.0.1:{port}", **changes)
        reports, stopping = Reports(), threading.Event()
        with opened_keeper(settings, reports) as world:
            loop = keeper_node(world, policy)
            thread = threading.Thread(target=loop.run, args=(stopping.is_set, 0.1), daemon=True)
            thread.start()
            keeper = RunningKeeper(url=policy.url, world=world, reports=reports, stop=stopping.set)
            keeper_loops[id(keeper)] = loop
            try:
                yield keeper
            finally:
                stopping.set()
                thread.join(30)
                del keeper_loops[id(keeper)]

    @contextmanager
    def keepers(self, count: int) -> Iterator[list[RunningKeeper]]:
        """Several, enrolled."""
        with ExitStack() as stack:
            found = [stack.enter_context(self.keeper(f"keeper {number}")) for number in range(count)]
            listed = self._made("Keepers", self.contracts.keepers).functions.listed_count
            wait(lambda: listed().call() >= count, found)
            yield found

    # --- contracts ----------------------------------------------------------------------------------------

    def _deployed(self) -> AvailabilityContracts:
        block = self.web3.eth.block_number
        keepers = self._deploy("Keepers", astuple(RULES))
        items = self._deploy("Items", keepers)
        challenges, bindings = self._deploy("Challenges", items), self._deploy("Bindings", items)
        self._made("Keepers", keepers).functions.connect(items).transact({"from": self.rich})
        self._made("Items", items).functions.connect(challenges, bindings).transact({"from": self.rich})
        return AvailabilityContracts(
            chain_id=self.web3.eth.chain_id,
            block_number=block,
            keepers=keepers,
            items=items,
            challenges=challenges,
            bindings=bindings,
        )

    def _deploy(self, name: str, *arguments: Any) -> Address:
        artifact = load_artifact(name)
        contract = self.web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
        sent = contract.constructor(*arguments).transact({"from": self.rich})
        return Address(str(self.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]))

    def _made(self, name: str, address: Address) -> Any:
        return self.web3.eth.contract(
            address=Web3.to_checksum_address(address), abi=list(load_artifact(name).abi)
        )


keeper_loops: dict[int, Any] = {}


def facts_of(keeper: RunningKeeper) -> Facts:
    """What a keeper has read."""
    return keeper_loops[id(keeper)].site._chronicle.facts


def wait(is_done: Callable[[], bool], keepers: Sequence[RunningKeeper] = ()) -> None:
    """Until something is so. If it takes too long, what keepers said is shown."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > until:
            said = "\n".join(f"{keeper.url} {each}" for keeper in keepers for each in keeper.reports.said)
            raise AssertionError(f"it does not happen; keepers said:\n{said}")
        time.sleep(0.1)
