"""Operators and Anchors in an EVM without the precompiles of EIP-2537, with stand-ins at their addresses.

`benchmarks/anchors_gas.py` makes the same calls with real keys on a chain that has them.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrevm
from eth_account import Account
from eth_keys.datatypes import Signature as Secp256k1Signature

from tests.contracts.compiled import compile_folder
from tests.contracts.settings import DEPLOYER, FUNDS_WEI, Clock
from tests.contracts.settlement import EVERYBODY
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import POSSESSES, SIGNS, PublicKey, Signature
from truestep.commitments.keccak import keccak256
from truestep.protocol.logs.anchors import Links, Terms
from truestep.protocol.logs.contracts.anchors import (
    Anchor,
    AnchorPath,
    Attest,
    Call,
    MoveTo,
    RecoverableSignature,
    Register,
    Release,
    Report,
    Retire,
    Statement,
    WithdrawTo,
)
from truestep.protocol.logs.epochs import NO_ROW
from truestep.protocol.logs.notes import Checkpoint
from truestep.protocol.logs.statements import checkpoint_digest
from truestep.protocol.settlement.refusals import Refused

STAND_INS = {0x0B: "G1Add", 0x0D: "G2Add", 0x0F: "Pairing", 0x11: "MapToG2"}
FIELD = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
TERMS = Terms(bond_wei=10**18 + 1, exit_seconds=200_000, epoch_seconds=7_200)
ACCOUNTS = [Account.from_key(sha256(b"operator %d" % number).digest()) for number in range(5)]
OPERATORS = [Address(account.address) for account in ACCOUNTS]


def toy_key(secret: int) -> PublicKey:
    """A key for the stand-ins."""
    return PublicKey(bytes(64) + secret.to_bytes(64, "big"))


def toy_signature(keys: tuple[PublicKey, ...], message: bytes, purpose: bytes = SIGNS) -> Signature:
    """What the stand-ins take for a signature of these keys together."""
    total = sum(int.from_bytes(key, "big") for key in keys) % FIELD
    return Signature(toy_key(total) + keccak256(_point_of(message, purpose)) + bytes(96))


def _point_of(message: bytes, purpose: bytes) -> bytes:
    """The numbers of RFC 9380 5.3, which the stand-ins leave as they are."""
    named = purpose + bytes([len(purpose)])
    first = sha256(bytes(64) + message + b"\x01\x00\x00" + named).digest()
    blocks, before = b"", bytes(32)
    for number in range(1, 9):
        mixed = bytes(a ^ b for a, b in zip(first, before, strict=True))
        before = sha256(mixed + bytes([number]) + named).digest()
        blocks += before
    numbers = [int.from_bytes(blocks[at : at + 64], "big") % FIELD for at in range(0, 256, 64)]
    return b"".join(number.to_bytes(64, "big") for number in numbers)


def _holds(keys: tuple[PublicKey, ...], message: bytes, signature: Signature, purpose: bytes) -> bool:
    if any(signature[160:]):
        raise Refused(Reject.BLS_POINT)
    return signature == toy_signature(keys, message, purpose)


def recover(digest: Bytes32, signature: RecoverableSignature) -> Address | None:
    """What `ecrecover` says."""
    try:
        found = Secp256k1Signature(vrs=(signature.v - 27, signature.r, signature.s))
        return checksummed(found.recover_public_key_from_msg_hash(digest).to_address())
    except Exception:  # whatever the library says of numbers that are no signature
        return None


class Anchoring(Clock):
    """A chain with Operators and Anchors."""

    def __init__(self) -> None:
        super().__init__()
        stand_ins = compile_folder(Path(__file__).parent / "precompiles")
        for address, name in STAND_INS.items():
            artifact = stand_ins[name]
            double = self.evm.deploy_code(artifact, artifact.bytecode)
            code = bytes(self.evm.chain.get_code(double.address) or b"")[: artifact.deployed_size_bytes]
            self.evm.chain.insert_account_info(f"0x{address:040x}", pyrevm.AccountInfo(nonce=1, code=code))
        self.operators = self.deploy("Operators", self.timelock().address, *EVERYBODY)
        terms = (TERMS.bond_wei, TERMS.exit_seconds, TERMS.epoch_seconds)
        self.anchors = self.deploy("Anchors", self.operators.address, *terms)
        self.operators.transact("add_module", self.anchors.address, sender=DEPLOYER)
        self.operators.transact("seal", sender=DEPLOYER)
        self.address = checksummed(self.anchors.address)
        for operator in OPERATORS:
            self.evm.chain.set_balance(operator, FUNDS_WEI)

    @property
    def links(self) -> Links:
        """The same for the model."""
        return Links(
            chain_id=1,
            anchors=self.address,
            operators=checksummed(self.operators.address),
            terms=TERMS,
            free_wei=self.free_wei,
            possesses=lambda key, message, signature: _holds((key,), message, signature, POSSESSES),
            signs=lambda keys, message, signature: _holds(keys, message, signature, SIGNS),
            recover=recover,
        )

    def free_wei(self, operator: Address) -> int:
        """An operator's free stake."""
        stake, locked = self.operators.call("accounts", operator)
        return stake - locked

    def stake(self, operator: Address, amount_wei: int) -> None:
        """Add to an operator's stake."""
        self.operators.transact("deposit_for", operator, sender=operator, value=amount_wei)

    def signed(self, index: int, origin: str, size: int, root: Bytes32) -> Statement:
        """A statement that an operator has signed."""
        digest = checkpoint_digest(1, self.address, Checkpoint(origin=origin, size=size, root=root))
        found = ACCOUNTS[index].unsafe_sign_hash(digest)
        return Statement(size=size, root=root, shown_by=RecoverableSignature(v=found.v, r=found.r, s=found.s))

    def make(self, sender: Address, call: Call) -> Any:
        """Make a call of the model."""
        return self.anchors.transact(*arguments_of(call), sender=sender)


def arguments_of(call: Call) -> tuple[Any, ...]:
    """A call of the model as one of the contract."""
    match call:
        case Register():
            named = (call.note_key, call.signer, call.origin, call.url)
            return "register", words_of(call.key), call.possession, *named
        case MoveTo():
            return "move_to", call.number, call.url
        case Retire():
            return "retire", call.number, words_of(call.key)
        case Release():
            return "release", call.number
        case Attest():
            keys = [words_of(key) for key in call.keys]
            named = (call.group, call.epoch, call.root, call.lists_absent)
            return "attest", *named, list(call.places), keys, call.signature
        case Report():
            statements = (_statement(call.first), _statement(call.second))
            return "report", call.number, words_of(call.key), *statements, list(call.path)
        case WithdrawTo():
            return "withdraw_to", call.receiver


def words_of(key: PublicKey) -> list[int]:
    """A key as the contract takes it."""
    return [int.from_bytes(key[at : at + 32], "big") for at in range(0, len(key), 32)]


def fields_of(anchor: Anchor) -> tuple[Any, ...]:
    """An anchor as the contract takes it."""
    return anchor.group, anchor.epoch, anchor.root, anchor.bitmap


def _statement(statement: Statement) -> tuple[Any, ...]:
    shown = statement.shown_by
    if isinstance(shown, AnchorPath):
        place = (shown.number, fields_of(shown.anchor), list(shown.path))
        return statement.size, statement.root, 0, 0, 0, *place
    return statement.size, statement.root, shown.v, shown.r, shown.s, 0, (0, 0, NO_ROW, 0), [NO_ROW] * 8
