"""The harness of `make c-programs`, without its programs."""

import dataclasses
import hashlib
import io
import re
import tarfile

import pytest

from tests.c_programs.fetching import FetchError, fetched, unpack
from tests.c_programs.manifest import HERE, Source, read_manifest


def _archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(f"around/{name}")
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _source(packed: bytes, *, root: str = ".") -> Source:
    digest = hashlib.sha256(packed).hexdigest()
    return Source(
        name="p", registry="npm", package="p", version="1", file="p.tgz", sha256=digest, root=root
    )  # fmt: skip


def test_manifest_is_complete():
    programs = read_manifest()
    assert len(programs) >= 25
    assert len({program.name for program in programs}) == len(programs)
    for program in programs:
        assert re.fullmatch("[0-9a-f]{64}", program.source.sha256)
        for driver in re.findall(r"\$DRIVERS/([\w.]+)", program.build):
            assert (HERE / "drivers" / driver).is_file()


def test_archives_are_known_by_their_digests(tmp_path):
    packed = _archive(inner=_archive(source=b"int main(void) { return 0; }"))
    (tmp_path / "p.tgz").write_bytes(packed)
    root = unpack(
        _source(packed, root="inner"), fetched(_source(packed, root="inner"), tmp_path), tmp_path / "at"
    )
    assert (root / "source").read_bytes() == b"int main(void) { return 0; }"
    (tmp_path / "p.tgz").write_bytes(packed + b"!")
    with pytest.raises(FetchError, match=r"expected p\.tgz with SHA-256"):
        fetched(_source(packed), tmp_path)


def test_times_are_left_out():
    program = dataclasses.replace(read_manifest()[0], varies=re.compile("[0-9]+ms"))
    assert program.without_times(b"pass: 7   12ms\n\xff") == program.without_times(b"pass: 7   3ms\n\xff")
    assert program.without_times(b"pass: 7   12ms") != program.without_times(b"pass: 6   12ms")
