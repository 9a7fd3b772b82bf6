from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.e2e.network import ELF, INPUT
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.client.stored import stored_input, stored_program
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import load_elf
from truestep.machine.layout import RANGE_LEVEL

ROOT, PROGRAM, DIGEST = root_of_bytes(INPUT, RANGE_LEVEL), load_elf(ELF), hashlib.sha256(ELF).digest()
DEAD_URI = f"blob:{'0' * 64}"
OTHER_ELF = ELF + b"\0"
"""Another file of the same program, as anybody can put into a store under the program's name."""


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    return DirectoryBlobs(tmp_path)


def program_at(blobs: DirectoryBlobs, uri: str) -> bytes:
    return stored_program(blobs, PROGRAM.root(), PROGRAM.entry, DIGEST, uri)


def test_a_dead_or_malformed_uri_is_no_loss_to_who_knows_the_root(blobs: DirectoryBlobs) -> None:
    blobs.put_input(ROOT, INPUT)
    blobs.put_program(PROGRAM.root(), PROGRAM.entry, ELF)
    for uri in (DEAD_URI, "", "http://169.254.1.1/", blobs.put(b"something else")):
        assert stored_input(blobs, ROOT, len(INPUT), uri) == INPUT
        assert program_at(blobs, uri) == ELF


def test_what_lies_only_at_its_uri_is_found(blobs: DirectoryBlobs) -> None:
    assert stored_input(blobs, ROOT, len(INPUT), blobs.put(INPUT)) == INPUT
    assert program_at(blobs, blobs.put(ELF)) == ELF


def test_another_file_of_the_program_does_not_hide_the_registered_one(blobs: DirectoryBlobs) -> None:
    assert load_elf(OTHER_ELF).root() == PROGRAM.root()
    blobs.put_program(PROGRAM.root(), PROGRAM.entry, OTHER_ELF)
    assert program_at(blobs, blobs.put(ELF)) == ELF
    with pytest.raises(Rejected) as refusal:
        program_at(blobs, blobs.put(OTHER_ELF))
    assert refusal.value.reason is Reject.PROGRAM_MISMATCH


def test_what_is_nowhere_is_unavailable(blobs: DirectoryBlobs) -> None:
    with pytest.raises(Unavailable):
        stored_input(blobs, ROOT, len(INPUT), DEAD_URI)
    with pytest.raises(Unavailable):
        stored_input(blobs, ROOT, len(INPUT), blobs.put(INPUT[::-1]))
    with pytest.raises(Unavailable):
        program_at(blobs, DEAD_URI)
