"""KZG against a reference in Python, and what is refused."""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commitments import kzg_reference as reference
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Reject, Rejected
from truestep.commitments.kzg import (
    BLOB_SIZE_BYTES,
    BLS_MODULUS,
    CELL_SIZE_BYTES,
    CellCheck,
    Extended,
    element_point,
    versioned_hash,
)

KZG = open_kzg()
POLYNOMIALS = st.dictionaries(
    st.one_of(st.integers(0, 9), st.integers(63, 66)), st.integers(1, BLS_MODULUS - 1), min_size=1, max_size=2
)
NO_POINT = b"\xc0" + bytes(47)
OUTSIDE = BLS_MODULUS.to_bytes(32, "big")
NOT_ON_CURVE = b"\x80" + bytes(46) + b"\x01"


def random_blob(rng: random.Random) -> bytes:
    return b"".join(b"\0" + rng.randbytes(31) for _ in range(4096))


@pytest.fixture(scope="module")
def blob() -> bytes:
    return random_blob(random.Random(1))


@pytest.fixture(scope="module")
def extended(blob: bytes) -> Extended:
    return KZG.extend(blob)


@given(POLYNOMIALS, st.integers(0, 4095), st.integers(0, 127), st.integers(0, BLS_MODULUS - 1))
@settings(max_examples=2)
def test_the_library_does_what_the_definition_says(
    polynomial: reference.Polynomial, element: int, cell: int, z: int
) -> None:
    blob = reference.blob(polynomial)
    extended = KZG.extend(blob)
    assert KZG.commit(blob) == reference.commitment(polynomial)
    assert extended.cells[cell] == reference.cell(polynomial, cell)
    assert extended.proofs[cell] == reference.cell_proof(polynomial, cell)
    assert KZG.open(blob, z.to_bytes(32, "big")) == reference.opening(polynomial, z)
    point = element_point(element)
    y, proof = KZG.open(blob, point)
    assert y == blob[32 * element : 32 * element + 32]
    assert (y, proof) == reference.opening(polynomial, int.from_bytes(point, "big"))


def test_points_of_elements() -> None:
    """Written out from A1.5."""
    omega = pow(7, (BLS_MODULUS - 1) // 4096, BLS_MODULUS)
    assert element_point(0) == (1).to_bytes(32, "big")
    assert element_point(1) == (BLS_MODULUS - 1).to_bytes(32, "big")
    assert element_point(0b000000000011) == pow(omega, 0b110000000000, BLS_MODULUS).to_bytes(32, "big")
    for element in (-1, 4096):
        with pytest.raises(ValueError, match="below 4096"):
            element_point(element)


def test_versioned_hash() -> None:
    assert versioned_hash(NO_POINT) == b"\x01" + hashlib.sha256(NO_POINT).digest()[1:]


def test_any_64_cells_give_the_rest(blob: bytes, extended: Extended, rng: random.Random) -> None:
    kept = rng.sample(range(128), 64)
    assert KZG.recover({index: extended.cells[index] for index in kept}) == extended
    assert b"".join(extended.cells[:64]) == blob
    assert KZG.cells(blob) == extended.cells


def test_cells_of_several_blobs_are_verified_together(blob: bytes, extended: Extended) -> None:
    other_blob = random_blob(random.Random(2))
    other = KZG.extend(other_blob)
    commitments = [KZG.commit(blob), KZG.commit(other_blob)]
    checks = [
        CellCheck(commitment=commitment, cell=cell, content=of.cells[cell], proof=of.proofs[cell])
        for commitment, of in zip(commitments, (extended, other), strict=True)
        for cell in (0, 64, 127)
    ]
    assert KZG.verify_cells([])
    assert KZG.verify_cells(checks)
    for wrong in (
        CellCheck(commitment=commitments[1], cell=0, content=extended.cells[0], proof=extended.proofs[0]),
        CellCheck(commitment=commitments[0], cell=1, content=extended.cells[0], proof=extended.proofs[0]),
        CellCheck(commitment=commitments[0], cell=0, content=extended.cells[1], proof=extended.proofs[0]),
        CellCheck(commitment=commitments[0], cell=0, content=extended.cells[0], proof=extended.proofs[1]),
    ):
        assert not KZG.verify_cells([*checks, wrong])


def test_openings_are_verified(blob: bytes) -> None:
    commitment, z = KZG.commit(blob), element_point(77)
    y, proof = KZG.open(blob, z)
    assert KZG.verify_opening(commitment, z, y, proof)
    assert not KZG.verify_opening(commitment, element_point(78), y, proof)
    assert not KZG.verify_opening(commitment, z, bytes(32), proof)
    assert not KZG.verify_opening(commitment, z, y, NO_POINT)
    assert not KZG.verify_opening(NO_POINT, z, y, proof)


def test_commitments_are_points_of_the_subgroup(blob: bytes) -> None:
    assert KZG.is_commitment(KZG.commit(blob))
    assert KZG.is_commitment(NO_POINT)
    # (0, 2) is on the curve x^3 + 4, but outside the subgroup.
    for other in (bytes(48), NOT_ON_CURVE, b"\x80" + bytes(47), b"\xff" * 48, b"", NO_POINT + b"\0"):
        assert not KZG.is_commitment(other)


def test_malformed_input_is_refused(blob: bytes, extended: Extended) -> None:
    commitment = KZG.commit(blob)
    y, proof = KZG.open(blob, bytes(32))
    too_large = blob[:32] + OUTSIDE + blob[64:]
    half = dict(enumerate(extended.cells[:64]))
    right = CellCheck(commitment=commitment, cell=0, content=extended.cells[0], proof=extended.proofs[0])
    fields = {"commitment": commitment, "cell": 0, "content": extended.cells[0], "proof": proof}
    refused = [
        *(lambda b=b: KZG.commit(b) for b in (b"", blob[:-1], blob + b"\0", too_large)),
        *(lambda b=b: KZG.extend(b) for b in (b"", too_large)),
        *(lambda b=b: KZG.cells(b) for b in (b"", too_large)),
        lambda: KZG.open(too_large, bytes(32)),
        lambda: KZG.open(blob[1:], bytes(32)),
        lambda: KZG.open(blob, OUTSIDE),
        lambda: KZG.open(blob, bytes(31)),
        lambda: KZG.verify_opening(NOT_ON_CURVE, bytes(32), y, proof),
        lambda: KZG.verify_opening(commitment, OUTSIDE, y, proof),
        lambda: KZG.verify_opening(commitment, bytes(32), OUTSIDE, proof),
        lambda: KZG.verify_opening(commitment, bytes(32), y, NOT_ON_CURVE),
        lambda: KZG.verify_opening(commitment, bytes(33), y, proof),
        lambda: KZG.verify_opening(commitment, bytes(32), y[1:], proof),
        lambda: KZG.verify_opening(commitment, bytes(32), y, proof[1:]),
        lambda: KZG.recover({}),
        lambda: KZG.recover({**half, 63: half[63][:-1]}),
        lambda: KZG.recover({index: content for index, content in half.items() if index}),
        lambda: KZG.recover({**half, 128: half[0]}),
        lambda: KZG.recover({**half, -1: half[0]}),
        lambda: KZG.recover({**half, 0: OUTSIDE * 64}),
        *(
            lambda changed=changed: KZG.verify_cells([right, CellCheck(**{**fields, **changed})])
            for changed in (
                {"commitment": NOT_ON_CURVE},
                {"commitment": b""},
                {"cell": 128},
                {"cell": -1},
                {"content": bytes(CELL_SIZE_BYTES + 1)},
                {"content": OUTSIDE * 64},
                {"proof": NOT_ON_CURVE},
                {"proof": b""},
            )
        ),
    ]
    for call in refused:
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.reason == Reject.KZG_INPUT


def test_it_works_in_threads_and_after_a_fork_and_pickled(blob: bytes) -> None:
    expected = KZG.commit(blob)
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(pickle.loads(pickle.dumps(KZG)).commit, [blob] * 4)} == {expected}
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, KZG.commit(blob))
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 48) == expected
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0


def test_no_cells_stay_behind(blob: bytes) -> None:
    """ckzg leaks the lists that it returns: a daemon would lose 264 KiB with each blob."""
    before = _lists_of_cells()  # other tests may hold some
    cells = KZG.extend(blob).cells
    KZG.recover(dict(enumerate(cells[:64])))
    gc.collect()
    known = {id(each) for each in before}
    assert [each for each in _lists_of_cells() if id(each) not in known] == []


def _lists_of_cells() -> list[list[bytes]]:
    return [
        each
        for each in gc.get_objects()
        if type(each) is list and len(each) == 128 and isinstance(each[0], bytes)
    ]


def test_setup_is_loaded_when_it_is_needed(blob: bytes) -> None:
    loads = threading.Semaphore(0)

    def setup() -> object:
        loads.release()
        raise RuntimeError("loaded")

    kzg = type(KZG)(setup)
    with pytest.raises(Rejected):
        kzg.commit(bytes(BLOB_SIZE_BYTES - 1))
    assert not loads.acquire(blocking=False)
