"""The contracts of availability on anvil, and items that are registered, kept and challenged there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from random import Random
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from web3 import Web3
from web3.contract import Contract
from web3.logs import DISCARD
from web3.types import RPCEndpoint

from truestep.adapters.chain.sidecars import SentBlob, with_blobs
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.parts import BLOB_UNITS, UNIT_LEAVES, Part
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.kzg import ELEMENTS_PER_BLOB, element_point, versioned_hash
from truestep.commitments.merkle import climb, parent, root_of_bytes
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.layout import place_of

GWEI = 10**9
RULES = Rules(
    share_wei=10**17,
    registrant_bond_wei=10**17,
    element_bond_wei=150_000 * 20 * GWEI,
    blob_bond_wei=10**16,
    tree_bond_wei=10**6 * 10 * GWEI,
    gas_price_cap_wei=10 * GWEI,
    blob_gas_price_cap_wei=30 * GWEI,
    answer_seconds=3_600,
    acknowledge_seconds=3_600,
    winner_share_bps=5_000,
)
FEE_WEI = 10**15
SEATS = 4
YEAR_SECONDS = 365 * 86_400
BLOB_SECONDS = 10 * 86_400
GAS_LIMIT = 16_000_000
URL = "https://registrant.example/items/0f5c2a71"
ELEMENT = 0b1111_1111_1110
"""All bits but one are set: z takes nearly the most factors, and the next element exists."""
DEPTH = 24
ELEMENT_KIND, BLOB_KIND = 1, 2

Gas = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blobs:
    """Random blobs, and the part that they hold."""

    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    leaf_index: int
    """A leaf of which the root says something else."""
    leaf: Bytes32
    path: tuple[Bytes32, ...]
    part: Part

    @property
    def hashes(self) -> list[Bytes32]:
        """The versioned hashes."""
        return list(map(versioned_hash, self.commitments))

    def hash_path(self, blob: int) -> list[Bytes32]:
        """From a versioned hash to the root of all; their number is a power of two."""
        level, path = self.hashes, list[Bytes32]()
        while len(level) > 1:
            path.append(level[blob ^ 1])
            level = [parent(level[at], level[at + 1]) for at in range(0, len(level), 2)]
            blob >>= 1
        return path


KZG = open_kzg()


@cache
def some_blobs(count: int) -> Blobs:
    """So many random blobs, whose root is made up."""
    rng = Random(count)
    blobs = tuple(b"".join(b"\0" + rng.randbytes(31) for _ in range(ELEMENTS_PER_BLOB)) for _ in range(count))
    leaf_count = count * BLOB_UNITS * UNIT_LEAVES
    leaf, path = Bytes32(rng.randbytes(32)), tuple(Bytes32(rng.randbytes(32)) for _ in range(DEPTH))
    leaf_index = leaf_count - 2
    return Blobs(
        blobs=blobs,
        commitments=tuple(map(KZG.commit, blobs)),
        leaf_index=leaf_index,
        leaf=leaf,
        path=path,
        part=Part(root=climb(leaf, leaf_index, path), depth=DEPTH, first_leaf=0, leaf_count=leaf_count),
    )


@dataclass(slots=True)
class Shelf:
    """The contracts, on a chain of their own, with keepers."""

    web3: Web3
    keepers: Contract = field(init=False)
    items: Contract = field(init=False)
    challenges: Contract = field(init=False)
    bindings: Contract = field(init=False)
    people: list[LocalAccount] = field(init=False)
    """Those with a number below SEATS are keepers."""
    gas: Gas = field(default_factory=Gas)
    """Of each kind of call, the last time."""

    def __post_init__(self) -> None:
        self.people = [Account.from_key(keccak256(bytes([number]))) for number in range(SEATS + 2)]
        for person in self.people:
            self.web3.provider.make_request(RPCEndpoint("anvil_setBalance"), [person.address, hex(10**24)])
        self.keepers = self._deploy("Keepers", astuple(RULES))
        self.items = self._deploy("Items", self.keepers.address)
        self.challenges = self._deploy("Challenges", self.items.address)
        self.bindings = self._deploy("Bindings", self.items.address)
        self.send("connect", self.keepers.functions.connect(self.items.address), 0)
        linked = (self.challenges.address, self.bindings.address)
        self.send("connect", self.items.functions.connect(*linked), 0)
        for number in range(SEATS):
            enrol = self.keepers.functions.enrol(16, URL)
            self.send("`enrol` with 16 shares", enrol, number, 16 * RULES.share_wei)

    def _deploy(self, name: str, *arguments: Any) -> Contract:
        artifact = load_artifact(name)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self._mined(factory.constructor(*arguments), 0, 0, ())
        return self.web3.eth.contract(abi=artifact.abi)(receipt["contractAddress"])

    def send(
        self, name: str, call: Any, sender: int = SEATS, value_wei: int = 0, blobs: Sequence[bytes] = ()
    ) -> Any:
        """Send a call and keep its gas under `name`. Raises if it reverts."""
        receipt = self._mined(call, sender, value_wei, blobs)
        self.gas[name] = receipt["gasUsed"]
        return receipt

    def _mined(self, call: Any, sender: int, value_wei: int, blobs: Sequence[bytes]) -> Any:
        person = self.people[sender]
        terms: Any = {
            "from": person.address,
            "value": value_wei,
            "gas": GAS_LIMIT,
            "nonce": self.web3.eth.get_transaction_count(person.address),
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "chainId": self.web3.eth.chain_id,
        }
        sidecar = [
            SentBlob(blob=blob, commitment=KZG.commit(blob), cell_proofs=KZG.extend(blob).proofs)
            for blob in blobs
        ]
        built = call.build_transaction(terms)
        if blobs:
            hashes = [versioned_hash(each.commitment) for each in sidecar]
            built |= {"type": 3, "maxFeePerBlobGas": GWEI, "blobVersionedHashes": hashes}
        raw = bytes(person.sign_transaction(built).raw_transaction)
        sent = self.web3.eth.send_raw_transaction(with_blobs(raw, sidecar) if blobs else raw)
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        if receipt["status"] != 1:
            raise RuntimeError(f"{getattr(call, 'fn_name', 'a constructor')} reverted")
        return receipt

    def pass_time(self, seconds: int) -> None:
        """Let the chain's clock jump."""
        then = self.web3.eth.get_block("latest").get("timestamp", 0) + seconds
        self.web3.provider.make_request(RPCEndpoint("evm_setNextBlockTimestamp"), [then])
        self.web3.provider.make_request(RPCEndpoint("evm_mine"), [])

    def event(self, contract: Contract, name: str, receipt: Any) -> Any:
        """The fields of the only such event."""
        (log,) = contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return log["args"]

    # --- the life of an item ----------------------------------------------------------------------

    def registered(self, content: Blobs, parts: Sequence[Part] = ()) -> Shelved:
        """An item of these blobs; its parts are said to be others if some are given."""
        until = self.web3.eth.get_block("latest").get("timestamp", 0) + YEAR_SECONDS
        call = self.items.functions.register(
            list(map(astuple, parts or [content.part])), content.hashes, SEATS, until, FEE_WEI, URL
        )
        value_wei = RULES.registrant_bond_wei + SEATS * FEE_WEI
        of_parts = f", {len(parts)} parts" if len(parts) > 1 else ""
        name = f"`register` of {len(content.blobs)} blob{'s' * (len(content.blobs) > 1)}{of_parts}"
        receipt = self.send(name, call, SEATS, value_wei)
        fields = self.event(self.items, "Registered", receipt)
        return Shelved(
            shelf=self, content=content, item_id=fields["item_id"], record=Record(**fields["record"])
        )

    def register_blobs(self, content: Blobs) -> None:
        """An item whose blobs are in the transaction."""
        until = self.web3.eth.get_block("latest").get("timestamp", 0) + BLOB_SECONDS
        call = self.items.functions.register_blobs([astuple(content.part)], until, URL)
        name = f"`register_blobs` of {_blobs(content)}, beside the blob gas"
        self.send(name, call, SEATS, RULES.registrant_bond_wei, content.blobs)

    def register_calldata(self, what: str, leaf_counts: Sequence[int]) -> None:
        """An item of trees with so many random leaves each."""
        rng = Random(1)
        trees = [rng.randbytes(32 * count) for count in leaf_counts]
        parts = [(root_of_bytes(leaves, DEPTH), DEPTH, 0, len(leaves) // 32) for leaves in trees]
        call = self.items.functions.register_calldata(parts, b"".join(trees))
        self.send(f"`register_calldata` of {what}", call)

    def kept(self, content: Blobs, parts: Sequence[Part] = ()) -> Shelved:
        """An item that all its keepers have acknowledged."""
        item = self.registered(content, parts)
        stated = (item.item_id, astuple(item.record))
        while len(item.seats) < SEATS:
            self.send("`assign` of four seats", self.items.functions.assign(*stated))
        signatures: list[bytes] = []
        for index, (keeper, drawn_at) in enumerate(item.seats):
            receipt = self.items.functions.receipt_hash(*stated, index, drawn_at).call()
            signature = self.people[keeper - 1].unsafe_sign_hash(Hash32(receipt)).signature
            signatures.append(bytes(signature))
        call = self.items.functions.acknowledge(*stated, list(range(SEATS)), signatures)
        self.send("`acknowledge` of four seats", call)
        return item


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """An item on chain."""

    shelf: Shelf
    content: Blobs
    item_id: ItemId
    record: Record

    @property
    def seats(self) -> list[tuple[int, int]]:
        """Keeper and draw of each seat that has one."""
        read = self.shelf.items.functions.seat
        words = [read(self.item_id, index).call() for index in range(SEATS)]
        return [(keeper, drawn_at) for keeper, drawn_at, *_ in words if keeper]

    def challenged(self, kind: int, seat: int = 0) -> tuple[int, Challenge]:
        """A challenge that is open now, of the last blob."""
        blob = len(self.content.blobs) - 1
        element = ELEMENT if kind == ELEMENT_KIND else 0
        bond_wei = RULES.element_bond_wei if kind == ELEMENT_KIND else RULES.blob_bond_wei
        functions, what = self.shelf.challenges.functions, ("an element", "a blob")[kind - 1]
        call = functions.open_challenge(self.item_id, astuple(self.record), seat, kind, blob, element)
        name = f"`open_challenge` to {'open' if kind == ELEMENT_KIND else 'publish'} {what}"
        receipt = self.shelf.send(name, call, SEATS + 1, bond_wei)
        fields = self.shelf.event(self.shelf.challenges, "Challenged", receipt)
        return fields["challenge_id"], Challenge(**fields["challenge"])

    def answer_element(self) -> None:
        """Open an element of the last blob, which a stranger asks for."""
        challenge_id, challenge = self.challenged(ELEMENT_KIND)
        blob = len(self.content.blobs) - 1
        y, proof = KZG.open(self.content.blobs[blob], element_point(ELEMENT))
        opened = (int.from_bytes(y, "big"), self.content.commitments[blob], proof)
        call = self.shelf.challenges.functions.answer_element(
            challenge_id, astuple(challenge), *opened, self.content.hash_path(blob)
        )
        self.shelf.send(f"`answer_element`, item of {_blobs(self.content)}", call, 0)

    def answer_blob(self, seats: int = 1) -> None:
        """Publish the last blob, for challenges of so many seats."""
        opened = [self.challenged(BLOB_KIND, seat) for seat in range(seats)]
        blob = len(self.content.blobs) - 1
        ids, records = [one for one, _ in opened], [astuple(one) for _, one in opened]
        call = self.shelf.challenges.functions.answer_blob(ids, records, 0, self.content.hash_path(blob))
        of_seats = f", {seats} seats" if seats > 1 else ""
        name = f"`answer_blob`, item of {_blobs(self.content)}{of_seats}, beside the blob gas"
        self.shelf.send(name, call, 0, blobs=[self.content.blobs[blob]])

    def settle(self) -> None:
        """Slash a keeper that has not answered."""
        challenge_id, challenge = self.challenged(ELEMENT_KIND, 3)
        self.shelf.pass_time(RULES.answer_seconds + 1)
        stated = (challenge_id, astuple(challenge), astuple(self.record))
        self.shelf.send("`settle`, which slashes", self.shelf.challenges.functions.settle(*stated))

    def strike_mismatch(self) -> None:
        """Show that the root says something else, with four keepers."""
        content = self.content
        blob, element, _ = place_of([content.part], 0, content.leaf_index)
        (first, first_proof), (second, second_proof) = (
            KZG.open(content.blobs[blob], element_point(each)) for each in (element, element + 1)
        )
        opening = (content.commitments[blob], content.hash_path(blob), int.from_bytes(first, "big"))
        opening += (first_proof, int.from_bytes(second, "big"), second_proof)
        stated = (self.item_id, astuple(self.record), [astuple(content.part)], 0)
        shown = (content.leaf_index, content.leaf, list(content.path), opening)
        call = self.shelf.bindings.functions.strike_mismatch(*stated, *shown)
        self.shelf.send("`strike_mismatch`", call, SEATS + 1)

    def open_demand(self) -> tuple[int, Demand]:
        """A demand for the only part."""
        stated = (self.item_id, astuple(self.record), [astuple(self.content.part)], 0, 0)
        call = self.shelf.bindings.functions.open_demand(*stated)
        receipt = self.shelf.send("`open_demand`", call, SEATS + 1, RULES.tree_bond_wei)
        fields = self.shelf.event(self.shelf.bindings, "Demanded", receipt)
        return fields["demand_id"], Demand(**fields["demand"])


def _blobs(content: Blobs) -> str:
    return "one blob" if len(content.blobs) == 1 else f"{len(content.blobs)} blobs"
