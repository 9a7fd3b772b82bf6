"""Genuine proofs hold, broken versions are refused by name, and no bit can be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.proofs.fixtures import fixtures, flips, names, receipt
from truestep.base.errors import Bug, Reject, Rejected
from truestep.proofs import risc_zero
from truestep.proofs.fields import ORDER
from truestep.proofs.receipts import ForeignReceipt, check_receipt
from truestep.proofs.versions import (
    State,
    System,
    known_versions,
    live_version,
    live_versions,
    require_published,
)

LIVE, BROKEN = names("live"), names("broken")
QUICK_FLIPS = 5
"""Of image and journal, each costs a check of four pairings; `long` tries all."""


def is_refused(changed: ForeignReceipt) -> bool:
    try:
        return not check_receipt(changed).holds
    except Rejected:
        return True


@pytest.mark.parametrize("name", LIVE)
def test_a_genuine_proof_of_a_live_version_holds(name: str) -> None:
    verdict = check_receipt(receipt(name))
    assert verdict.holds
    assert verdict.version.name == name


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_version_is_refused_by_name_with_its_advisory(name: str) -> None:
    with pytest.raises(Rejected, match=f"proofs of {name} are refused") as caught:
        check_receipt(receipt(name))
    assert caught.value.reason is Reject.PROOF_VERSION
    assert "GHSA-" in str(caught.value) or "CVE-" in str(caught.value)
    system = fixtures()[name]["system"]
    live = [version.name for version in live_versions() if version.system.value == system]
    assert str(caught.value).endswith(f"prove again with {' or '.join(live)}")


def test_every_live_version_has_a_fixture() -> None:
    assert {version.name for version in live_versions()} == set(LIVE)
    assert set(LIVE) | set(BROKEN) == set(fixtures())


@pytest.mark.parametrize("name", LIVE)
def test_no_bit_of_a_proof_can_be_flipped(name: str) -> None:
    original = receipt(name)
    cheap = [(what, changed) for what, changed in flips(original) if what.startswith("proof")]
    slow = nonce_bits(name)
    assert [what for what, changed in cheap if what not in slow and not is_refused(changed)] == []


@pytest.mark.parametrize("name", LIVE)
def test_no_bit_of_image_and_journal_can_be_flipped(name: str) -> None:
    original = receipt(name)
    bits = 8 * (len(original.image) + len(original.journal))
    chosen = flips(original, every=bits // QUICK_FLIPS, start=5)
    assert [what for what, each in chosen if not what.startswith("proof") and not is_refused(each)] == []


@pytest.mark.long
@pytest.mark.parametrize("name", LIVE)
def test_no_bit_at_all_can_be_flipped(name: str) -> None:
    assert [what for what, changed in flips(receipt(name)) if not is_refused(changed)] == []


def nonce_bits(name: str) -> set[str]:
    """Of the nonce of SP1 every bit costs a check of pairings, and of a set's proof the root's seal too."""
    return {f"proof bit {bit}" for bit in range(8 * 68, 8 * 100)} if name.startswith("SP1") else set()


def test_a_nonce_cannot_be_changed() -> None:
    original = receipt("SP1 6.1.0")
    for bit in (8 * 99, 8 * 84 + 3):
        changed = bytearray(original.proof)
        changed[bit // 8] ^= 1 << bit % 8
        assert not check_receipt(replace(original, proof=bytes(changed))).holds


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize(
    "change", [lambda p: p[:-1], lambda p: p + b"\0", lambda p: p[:4], lambda p: p[:3], lambda p: b""]
)
def test_a_proof_of_another_length_is_refused(name: str, change: Callable[[bytes], bytes]) -> None:
    original = receipt(name)
    with pytest.raises(Rejected):
        check_receipt(replace(original, proof=change(original.proof)))


def test_numbers_above_the_order_are_refused() -> None:
    original = receipt("SP1 6.1.0")
    image = (int.from_bytes(original.image, "big") + ORDER).to_bytes(32, "big")
    with pytest.raises(Rejected) as caught:
        check_receipt(replace(original, image=image))
    assert caught.value.reason is Reject.PROOF_SCALAR
    nonce = original.proof[:68] + ORDER.to_bytes(32, "big") + original.proof[100:]
    with pytest.raises(Rejected) as caught:
        check_receipt(replace(original, proof=nonce))
    assert caught.value.reason is Reject.PROOF_SCALAR


def test_a_failed_run_and_another_build_of_sp1_are_named() -> None:
    original = receipt("SP1 6.1.0")
    for at, reason in ((35, Reject.PROOF_EXIT), (40, Reject.PROOF_ROOT)):
        changed = original.proof[:at] + b"\x01" + original.proof[at + 1 :]
        with pytest.raises(Rejected) as caught:
            check_receipt(replace(original, proof=changed))
        assert caught.value.reason is reason


def test_the_empty_proof_holds_nothing() -> None:
    """All points at infinity: the equation must not be true by itself."""
    for name in ("RISC Zero 3.0", "SP1 6.1.0"):
        original = receipt(name)
        head = original.proof[:-256]
        assert not check_receipt(replace(original, proof=head + bytes(256))).holds


def test_systems_are_not_mixed_up() -> None:
    with pytest.raises(Rejected, match="its proof is of SP1 6"):
        check_receipt(replace(receipt("SP1 6.1.0"), system=System.RISC_ZERO))


def test_an_unknown_selector_is_refused() -> None:
    original = receipt("RISC Zero 3.0")
    with pytest.raises(Rejected, match="0x01020304, which no known version has"):
        check_receipt(replace(original, proof=bytes([1, 2, 3, 4]) + original.proof[4:]))


def test_a_set_without_a_proof_of_its_root_is_not_decided() -> None:
    original = receipt("RISC Zero set inclusion 0.9")
    with pytest.raises(Rejected) as caught:
        check_receipt(replace(original, proof=original.proof[:4]))
    assert caught.value.reason is Reject.ROOT_UNPROVEN


def test_a_root_proven_by_another_version_is_refused() -> None:
    original = receipt("RISC Zero set inclusion 0.9")
    seal = risc_zero.parse_set_seal(original.proof[4:])
    for selector in ("bb001d44", "9f39696c"):
        other = replace(seal, root_seal=bytes.fromhex(selector) + seal.root_seal[4:])
        with pytest.raises(Rejected):
            check_receipt(replace(original, proof=original.proof[:4] + risc_zero.encode_set_seal(other)))


def test_a_longer_path_is_another_root() -> None:
    original = receipt("RISC Zero set inclusion 0.9")
    seal = risc_zero.parse_set_seal(original.proof[4:])
    longer = risc_zero.encode_set_seal(replace(seal, path=(bytes(32),)))
    assert not check_receipt(replace(original, proof=original.proof[:4] + longer)).holds


@pytest.mark.parametrize("count", [0, 1, 7, 32])
def test_seals_of_sets_are_read_as_they_are_written(count: int) -> None:
    path = tuple(bytes([number]) * 32 for number in range(count))
    for root_seal in (b"", bytes(range(256)) + b"abcd"):
        seal = risc_zero.SetSeal(path=path, root_seal=root_seal)
        assert risc_zero.parse_set_seal(risc_zero.encode_set_seal(seal)) == seal


def test_a_path_of_more_hashes_than_there_are_levels_is_refused() -> None:
    seal = risc_zero.SetSeal(path=(bytes(32),) * 33, root_seal=b"")
    with pytest.raises(Rejected):
        risc_zero.parse_set_seal(risc_zero.encode_set_seal(seal))


def test_selectors_follow_from_keys_and_circuits() -> None:
    for version in live_versions():
        require_published(version)
        assert version.digest[:4] == version.selector
        with pytest.raises(Bug):
            require_published(
                replace(version, control_root=bytes(32), builder_id=bytes(32), digest=bytes(32))
            )


def test_versions_are_known_once_and_refused_ones_say_why() -> None:
    selectors = [version.selector for version in known_versions()]
    assert len(set(selectors)) == len(selectors)
    for version in known_versions():
        if version.state is State.LIVE:
            assert live_version(version.selector) is version
            continue
        assert version.reason
        assert version.advisory or version.state is not State.BROKEN
        with pytest.raises(Rejected, match="are refused") as caught:
            live_version(version.selector)
        assert caught.value.reason is Reject.PROOF_VERSION


def test_the_state_of_a_halted_machine_is_the_published_one() -> None:
    assert risc_zero.HALTED_STATE.hex() == "a3acc27117418996340b84e5a90f3ef4c49d22c79e44aad822ec9c313e1eb8e2"
