"""Verifiers of other systems' proofs: what is genuine holds, all else is refused (docs/receipts.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import SENDER, Evm, EvmContract, Reverted, rejects
from tests.contracts.foreign import deploy_verifiers, own_risc_zero, own_sp1
from tests.proofs.fixtures import flips, names, receipt
from tests.proofs.test_bn254 import a_point_outside_the_subgroup
from truestep.base.errors import Reject
from truestep.proofs import risc_zero
from truestep.proofs.constructors import constructor_arguments, contract_of
from truestep.proofs.fields import FIELD, ORDER
from truestep.proofs.groth16 import second_words
from truestep.proofs.receipts import ForeignReceipt
from truestep.proofs.versions import Kind, Version, live_versions

LIVE = names("live")
SET = "RISC Zero set inclusion 0.9"
STATEMENT = hashlib.sha256(b"a statement").digest()
IMAGE = hashlib.sha256(b"an image").digest()
EVERY = 11
"""Of the bits of a fixture, which are some 2,500."""


@pytest.fixture(scope="module")
def evm() -> Evm:
    return Evm()


@pytest.fixture(scope="module")
def verifiers(evm: Evm) -> dict[str, EvmContract]:
    return deploy_verifiers(evm)


def answer(contract: EvmContract, each: ForeignReceipt) -> bool:
    """What the contract says; a revert is raised."""
    return contract.call("verify_digest", each.image, hashlib.sha256(each.journal).digest(), each.proof)


def is_refused(contract: EvmContract, each: ForeignReceipt) -> bool:
    try:
        return not answer(contract, each)
    except Reverted:
        return True


@pytest.mark.parametrize("name", LIVE)
def test_genuine_proofs_hold(verifiers: dict[str, EvmContract], name: str) -> None:
    assert answer(verifiers[name], receipt(name)) is True
    assert verifiers[name].call("selector") == receipt(name).proof[:4]


@pytest.mark.parametrize("name", LIVE)
def test_a_journal_is_not_a_statement_unless_it_is_one(verifiers: dict[str, EvmContract], name: str) -> None:
    original = receipt(name)
    assert verifiers[name].call("verify", original.image, STATEMENT, original.proof) is False


@pytest.mark.parametrize("name", LIVE)
def test_flipped_bits_are_refused(verifiers: dict[str, EvmContract], name: str) -> None:
    chosen = flips(receipt(name), every=EVERY, start=3)
    assert [what for what, each in chosen if not is_refused(verifiers[name], each)] == []


@pytest.mark.long
@pytest.mark.parametrize("name", LIVE)
def test_every_flipped_bit_is_refused(verifiers: dict[str, EvmContract], name: str) -> None:
    assert [what for what, each in flips(receipt(name)) if not is_refused(verifiers[name], each)] == []


@pytest.mark.parametrize("name", [*LIVE, *names("broken")])
def test_a_proof_is_refused_by_the_verifiers_of_other_versions(
    verifiers: dict[str, EvmContract], name: str
) -> None:
    others = {other: each for other, each in verifiers.items() if other != name}
    assert all(is_refused(contract, receipt(name)) for contract in others.values())


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize(
    "change", [lambda p: p[:-1], lambda p: p + b"\0", lambda p: p[:100], lambda p: p[:3], lambda p: b""]
)
def test_other_lengths_are_refused(
    verifiers: dict[str, EvmContract], name: str, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(Reverted):
        answer(verifiers[name], replace(receipt(name), proof=change(receipt(name).proof)))


@pytest.mark.parametrize("name", [name for name in LIVE if name != SET])
def test_what_is_no_point_is_not_decided(verifiers: dict[str, EvmContract], name: str) -> None:
    original = receipt(name)
    head, points = original.proof[:-256], original.proof[-256:]
    outside = encode(["uint256[4]"], [second_words(a_point_outside_the_subgroup())])
    above = (int.from_bytes(points[:32], "big") + FIELD).to_bytes(32, "big")
    for changed in (outside_of(points, outside), above + points[32:], points[:224] + bytes(32)):
        with rejects(Reject.PROOF_POINT):
            answer(verifiers[name], replace(original, proof=head + changed))
    assert answer(verifiers[name], replace(original, proof=head + bytes(256))) is False


def outside_of(points: bytes, second: bytes) -> bytes:
    return points[:64] + second + points[192:]


def test_sp1_refuses_numbers_above_the_order_and_runs_that_failed(verifiers: dict[str, EvmContract]) -> None:
    original, contract = receipt("SP1 6.1.0"), verifiers["SP1 6.1.0"]
    image = (int.from_bytes(original.image, "big") + ORDER).to_bytes(32, "big")
    with rejects(Reject.PROOF_SCALAR):
        answer(contract, replace(original, image=image))
    nonce = original.proof[:68] + ORDER.to_bytes(32, "big") + original.proof[100:]
    with rejects(Reject.PROOF_SCALAR):
        answer(contract, replace(original, proof=nonce))
    with rejects(Reject.PROOF_EXIT):
        answer(contract, replace(original, proof=original.proof[:35] + b"\1" + original.proof[36:]))
    with rejects(Reject.PROOF_ROOT):
        answer(contract, replace(original, proof=original.proof[:67] + b"\1" + original.proof[68:]))


@pytest.mark.parametrize("name", LIVE)
def test_too_little_gas_is_never_an_answer(verifiers: dict[str, EvmContract], name: str) -> None:
    """A caller that starves the precompiles must not make a good proof look bad (R2.4)."""
    original, contract = receipt(name), verifiers[name]
    arguments = encode(
        ["bytes32", "bytes32", "bytes"],
        [original.image, hashlib.sha256(original.journal).digest(), original.proof],
    )
    types = "verify_digest(bytes32,bytes32,bytes)"
    payload = selector_of(types) + arguments
    answers = {outcome(contract, payload, gas) for gas in range(22_000, 420_000, 3_989)}
    assert answers == {None, True}


def selector_of(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def outcome(contract: EvmContract, payload: bytes, gas: int) -> bool | None:
    """What a call with so much gas returns; None if it fails."""
    try:
        output = contract.evm.chain.message_call(SENDER, contract.address, payload, gas=gas, is_static=True)
    except RuntimeError:
        return None
    return bool(int.from_bytes(bytes(output), "big"))


# --- deployment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", live_versions(), ids=lambda version: version.name)
def test_a_wrong_constant_cannot_be_deployed(evm: Evm, version: Version) -> None:
    prover = deploy_compiled(evm, double("RootsDouble"), True).address
    right = constructor_arguments(version, prover)
    skipped = 1 if version.kind is Kind.SET else 0  # which contract proves roots is said by its address
    free = {3} if contract_of(version) == "Sp1Groth16" else set()  # the root of keys is no part of the key
    for place in range(skipped, len(right)):
        if place in free:
            continue
        for wrong in spoilt(right[place]):
            arguments = [*right[:place], wrong, *right[place + 1 :]]
            with rejects(Reject.KEY_OTHER):
                evm.deploy(contract_of(version), *arguments)


def spoilt(value: Any) -> list[Any]:
    """The value with one bit of each of its words changed."""
    if isinstance(value, bytes):
        return [bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 1])]
    if isinstance(value, int):
        return [value ^ 1]
    return [(*value[:n], wrong, *value[n + 1 :]) for n in range(len(value)) for wrong in spoilt(value[n])]


def test_a_set_needs_a_verifier_of_roots(evm: Evm) -> None:
    version = next(each for each in live_versions() if each.kind is Kind.SET)
    with rejects(Reject.NO_CONTRACT):
        evm.deploy("RiscZeroSet", *constructor_arguments(version, "0x" + "77" * 20))


# --- statements, on keys whose secrets are known ----------------------------------------------------------


def test_a_statement_is_proven_by_a_journal_that_is_the_statement(evm: Evm) -> None:
    contract, prove = own_risc_zero(evm)
    digest = hashlib.sha256(STATEMENT).digest()
    seal = prove(risc_zero.claim_digest(IMAGE, digest))
    assert contract.call("verify", IMAGE, STATEMENT, seal) is True
    assert contract.call("verify_digest", IMAGE, digest, seal) is True
    assert contract.call("verify", IMAGE[::-1], STATEMENT, seal) is False
    assert contract.call("verify", IMAGE, STATEMENT[::-1], seal) is False
    longer = prove(risc_zero.claim_digest(IMAGE, hashlib.sha256(STATEMENT + b"\0").digest()))
    assert contract.call("verify", IMAGE, STATEMENT, longer) is False


@pytest.mark.parametrize("nonce", [0, 5, ORDER - 1])
def test_sp1_proves_statements_with_any_nonce(evm: Evm, nonce: int) -> None:
    contract, version, trapdoor = own_sp1(evm)
    program = 3
    digest = int.from_bytes(hashlib.sha256(STATEMENT).digest(), "big") & (1 << 253) - 1
    points = trapdoor.prove([program, digest, 0, 99, nonce])
    proof = version + encode(["uint256", "uint256", "uint256"], [0, 99, nonce]) + points
    assert contract.call("verify", program.to_bytes(32, "big"), STATEMENT, proof) is True
    assert contract.call("verify", (4).to_bytes(32, "big"), STATEMENT, proof) is False
    assert contract.call("verify", program.to_bytes(32, "big"), IMAGE, proof) is False


# --- sets -------------------------------------------------------------------------------------------------


def double(name: str) -> Any:
    return compile_folder(Path(__file__).parent / "doubles")[name]


@pytest.fixture
def claim() -> bytes:
    original = receipt(SET)
    return risc_zero.claim_digest(original.image, hashlib.sha256(original.journal).digest())


def test_a_root_is_proven_once_for_all_claims_below(evm: Evm, claim: bytes) -> None:
    contract = deploy_verifiers(evm)[SET]
    original = receipt(SET)
    root_seal = risc_zero.parse_set_seal(original.proof[4:]).root_seal
    root = risc_zero.set_root(claim, ())
    bare = replace(original, proof=original.proof[:4])
    short = replace(original, proof=original.proof[:4] + risc_zero.encode_set_seal(empty_seal()))
    for each in (bare, short):
        with rejects(Reject.ROOT_UNPROVEN):
            answer(contract, each)
    done = contract.transact("prove_root", root, root_seal)
    assert [(event.name, event.fields) for event in done.events] == [("RootProven", {"root": root})]
    assert contract.call("is_proven", root) is True
    assert answer(contract, bare) is answer(contract, short) is True
    for each in (bare, short):
        with rejects(Reject.ROOT_UNPROVEN):
            answer(contract, replace(each, image=IMAGE))


def empty_seal(*path: bytes) -> risc_zero.SetSeal:
    return risc_zero.SetSeal(path=path, root_seal=b"")


def test_a_root_that_is_not_proven_is_not_kept(evm: Evm, claim: bytes) -> None:
    contract = deploy_verifiers(evm)[SET]
    root_seal = risc_zero.parse_set_seal(receipt(SET).proof[4:]).root_seal
    with rejects(Reject.ROOT_FALSE):
        contract.transact("prove_root", IMAGE, root_seal)
    with rejects(Reject.PROOF_LENGTH):
        contract.transact("prove_root", risc_zero.set_root(claim, ()), root_seal[:-1])
    with rejects(Reject.PROOF_SELECTOR):
        contract.transact("prove_root", risc_zero.set_root(claim, ()), b"\0" + root_seal[1:])
    assert (
        contract.call("is_proven", IMAGE)
        is contract.call("is_proven", risc_zero.set_root(claim, ()))
        is False
    )


@pytest.mark.parametrize("depth", [0, 1, 5, 32])
def test_claims_are_found_at_any_depth(evm: Evm, claim: bytes, depth: int) -> None:
    version = next(each for each in live_versions() if each.kind is Kind.SET)
    roots = deploy_compiled(evm, double("RootsDouble"), True)
    contract = evm.deploy("RiscZeroSet", *constructor_arguments(version, roots.address))
    path = tuple(hashlib.sha256(bytes([level])).digest() for level in range(depth))
    contract.transact("prove_root", risc_zero.set_root(claim, path), bytes(260))
    found = replace(receipt(SET), proof=version.selector + risc_zero.encode_set_seal(empty_seal(*path)))
    assert answer(contract, found) is True
    for level in range(depth):
        other = [*path]
        other[level] = other[level][::-1]
        changed = version.selector + risc_zero.encode_set_seal(empty_seal(*other))
        with rejects(Reject.ROOT_UNPROVEN):
            answer(contract, replace(found, proof=changed))


def test_a_false_proof_of_a_root_is_a_no(evm: Evm) -> None:
    version = next(each for each in live_versions() if each.kind is Kind.SET)
    roots = deploy_compiled(evm, double("RootsDouble"), False)
    contract = evm.deploy("RiscZeroSet", *constructor_arguments(version, roots.address))
    assert answer(contract, receipt(SET)) is False


def test_other_encodings_of_a_seal_are_refused(verifiers: dict[str, EvmContract]) -> None:
    original, contract = receipt(SET), verifiers[SET]
    body = bytearray(original.proof[4:])
    seal = risc_zero.parse_set_seal(bytes(body))
    moved = [0x20, 0x60, 0x80, 0, 0, 260]  # a word that nobody needs in between
    longer = b"".join(number.to_bytes(32, "big") for number in moved) + seal.root_seal + bytes(28)
    dirty = bytes(body[:-1]) + b"\1"
    for other in (longer, dirty, bytes(body) + bytes(32)):
        with pytest.raises(Reverted):
            answer(contract, replace(original, proof=original.proof[:4] + other))
