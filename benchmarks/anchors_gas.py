"""Gas of Anchors, on anvil under Osaka rules; writes docs/anchors-gas.md."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from _anvil import REPOSITORY
from _gas_command import Measured, run
from _gas_network import ADMISSION
from _gas_page import Bar, bars_table, gas_table, table
from eth_account import Account
from web3 import Web3
from web3.contract import Contract
from web3.types import RPCEndpoint

from truestep.base.ids import Address, Bytes32
from truestep.commitments import bls
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.logs.contracts.anchors import Anchor, LogNumber
from truestep.protocol.logs.epochs import Row, Rows, epoch_message, place_of, possession_message, rows_of
from truestep.protocol.logs.notes import Checkpoint
from truestep.protocol.logs.statements import checkpoint_digest
from truestep.protocol.logs.tree import consistency_proof, leaf_hash, peaks_of

PAGE = REPOSITORY / "docs" / "anchors-gas.md"
COMMAND = "python benchmarks/anchors_gas.py"
GAS_LIMIT = 16_000_000
LOGS = 100
EPOCH_SECONDS = 86_400
BOND_WEI = 10**18
ABSENT_COUNTS = (0, 1, 10, 33, 50, 67, 99)
LONG_SIZE = 2**20
HEADING = f"""\
# Gas of anchors

Written by `{COMMAND}`: every figure is the `gasUsed` of a transaction on anvil 1.7.1
under Osaka rules, with real keys and signatures ([logs](logs.md)). `tests/benchmarks/test_gas.py` measures
again; `--json` prints the figures that have a bar.
"""
EPOCH_NOTE = f"""\
A group of {LOGS} logs. Those who sign or those who do not are listed with their keys, whichever are fewer, so
half of a group is the dearest. Every key that is listed costs its bytes, a look at its hash, and an addition.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An operator with a log."""

    account: Any
    secret: int
    key: bls.PublicKey

    @property
    def words(self) -> list[int]:
        """The key as a call takes it."""
        return [int.from_bytes(self.key[at : at + 32], "big") for at in range(0, len(self.key), 32)]


@dataclass(slots=True)
class Chain:
    """A chain with Operators and Anchors, and its operators."""

    web3: Web3
    anchors: Contract = field(init=False)
    operators: Contract = field(init=False)
    members: list[Member] = field(default_factory=list[Member])
    deployment: int = 0

    def __post_init__(self) -> None:
        deployer = self.web3.eth.accounts[0]
        owner, _ = self._deploy("Timelock", deployer, deployer, 0, 86_400)
        self.operators, _ = self._deploy("Operators", owner.address, *ADMISSION)
        terms = (BOND_WEI, 30 * EPOCH_SECONDS, EPOCH_SECONDS)
        self.anchors, self.deployment = self._deploy("Anchors", self.operators.address, *terms)
        self.sent(self.operators.functions.add_module(self.anchors.address))
        self.sent(self.operators.functions.seal())

    def _deploy(self, name: str, *arguments: Any) -> tuple[Contract, int]:
        artifact = load_artifact(name)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self._mined(factory.constructor(*arguments), self.web3.eth.accounts[0], 0)
        return self.web3.eth.contract(abi=artifact.abi)(receipt["contractAddress"]), receipt["gasUsed"]

    def _mined(self, call: Any, sender: str, value: int) -> Any:
        sent = call.transact({"from": sender, "gas": GAS_LIMIT, "value": value})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.005)
        assert receipt["status"] == 1
        return receipt

    def sent(self, call: Any, sender: str | None = None, value: int = 0) -> int:
        """The gas of a transaction."""
        return self._mined(call, sender or self.web3.eth.accounts[0], value)["gasUsed"]

    @property
    def place(self) -> tuple[int, Address]:
        """The chain and the contract, as messages name them."""
        return self.web3.eth.chain_id, Address(self.anchors.address)

    def enter(self, index: int) -> int:
        """One more operator with a log; the gas of its registration."""
        account = Account.from_key(hashlib.sha256(b"operator %d" % index).digest())
        secret = bls.secret_key(hashlib.sha512(b"log %d" % index).digest())
        member = Member(account=account, secret=secret, key=bls.public_key(secret))
        self.members.append(member)
        for method in ("anvil_impersonateAccount", "anvil_setBalance"):
            more = [hex(10**20)] if method == "anvil_setBalance" else []
            self.web3.provider.make_request(RPCEndpoint(method), [account.address, *more])
        self.sent(self.operators.functions.deposit_for(account.address), account.address, BOND_WEI)
        message = possession_message(*self.place, account.address, member.key)
        possession = bls.sign(secret, message, bls.POSSESSES)
        note_key = hashlib.sha256(b"note %d" % index).digest()
        named = (f"log-{index:03}.example/operator", f"https://log-{index:03}.example/operator")
        call = self.anchors.functions.register(member.words, possession, note_key, account.address, *named)
        return self.sent(call, account.address)

    def attest(self, rows: Rows, absent: Sequence[int]) -> tuple[int, Anchor]:
        """The gas of anchoring rows that all but these places have signed, and the anchor."""
        now = self.web3.eth.get_block("latest").get("timestamp", 0)
        epoch = now // EPOCH_SECONDS
        signing = [place for place in range(1, len(self.members) + 1) if place not in absent]
        order = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
        total = sum(self.members[place - 1].secret for place in signing) % order
        signature = bls.sign(total, epoch_message(*self.place, 0, epoch, rows.root))
        listed = absent if len(absent) <= len(signing) else signing
        keys = [self.members[place - 1].words for place in listed]
        arguments = (0, epoch, rows.root, listed is absent, listed, keys, signature)
        gas = self.sent(self.anchors.functions.attest(*arguments))
        bitmap = sum(1 << place for place in signing)
        return gas, Anchor(group=0, epoch=epoch, root=rows.root, bitmap=bitmap)

    def signed(self, index: int, size: int, root: Bytes32) -> tuple[Any, ...]:
        """A statement that an operator has signed."""
        origin = f"log-{index:03}.example/operator"
        digest = checkpoint_digest(*self.place, Checkpoint(origin=origin, size=size, root=root))
        found = self.members[index].account.unsafe_sign_hash(digest)
        return (size, root, found.v, found.r, found.s, 0, (0, 0, bytes(32), 0), [bytes(32)] * 8)


def row_of(index: int, content: bytes = b"") -> Row:
    """The row of a log in the epochs here."""
    root = Bytes32(hashlib.sha256(b"root %d" % index + content).digest())
    return Row(number=LogNumber(index + 1), size=1_000 + index, root=root)


def measure(chain: Chain) -> tuple[dict[str, int], dict[int, int]]:
    """Every call, and epochs with some who do not sign."""
    registrations = [chain.enter(index) for index in range(LOGS)]
    rows = rows_of([row_of(index) for index in range(LOGS)])
    epochs: dict[int, int] = {}
    anchored: list[Anchor] = []
    for count in ABSENT_COUNTS:
        epochs[count], anchor = chain.attest(rows, list(range(LOGS - count + 1, LOGS + 1)))
        anchored.append(anchor)
    call = chain.anchors.functions
    gas = {"`register`, the first": registrations[0], "`register`, another": registrations[-1]}
    gas |= _measure_reports(chain, rows, anchored[0])
    member = chain.members[5]
    gas["`retire`"] = chain.sent(call.retire(6, member.words), member.account.address)
    return gas, epochs


def _measure_reports(chain: Chain, rows: Rows, anchor: Anchor) -> dict[str, int]:
    call = chain.anchors.functions
    words = [member.words for member in chain.members]
    first = [chain.signed(0, 7, Bytes32(hashlib.sha256(name).digest())) for name in (b"a", b"b")]
    gas = {"`report`, two checkpoints of one size": chain.sent(call.report(1, words[0], *first, []))}
    row = row_of(1)
    shown = (row.size, row.root, 0, 0, 0, 1, _fields(anchor), list(rows.path(row.number)))
    assert anchor.bitmap >> place_of(row.number) & 1
    other = chain.signed(1, row.size, Bytes32(b"x" * 32))
    against = chain.sent(call.report(2, words[1], shown, other, []))
    gas["`report`, a checkpoint against an anchor"] = against
    leaf = leaf_hash(b"entry")
    whole = [leaf]
    for _ in range(LONG_SIZE.bit_length()):
        whole.append(peaks_of([whole[-1]] * 2).root)
    path = consistency_proof(lambda level, _: whole[level], LONG_SIZE - 1, LONG_SIZE)
    statements = (
        chain.signed(2, LONG_SIZE - 1, Bytes32(b"y" * 32)),
        chain.signed(2, LONG_SIZE, whole[LONG_SIZE.bit_length() - 1]),
    )
    gas[f"`report`, a proof of {len(path)} nodes"] = chain.sent(call.report(3, words[2], *statements, path))
    return gas


def _fields(anchor: Anchor) -> tuple[Any, ...]:
    return anchor.group, anchor.epoch, anchor.root, anchor.bitmap


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    chain = Chain(web3)
    gas, epochs = measure(chain)
    what = f"an epoch of {LOGS} logs, all of which sign"
    judged = [Bar(name="epoch_attestation_100", what=what, limit=500_000, measured=epochs[0])]
    return judged, page(chain.deployment, gas, epochs, judged)


def page(deployment: int, gas: dict[str, int], epochs: dict[int, int], judged: Sequence[Bar]) -> str:
    """The whole page."""
    signed = [(f"{LOGS - count}", f"{amount:,}") for count, amount in epochs.items()]
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            bars_table(judged),
            "## Epochs\n\n" + EPOCH_NOTE,
            table(("logs that sign", "gas"), signed),
            "## Other calls\n",
            gas_table("call", gas | {"deployment": deployment}),
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, COMMAND, measured, arguments)


if __name__ == "__main__":
    sys.exit(main())
