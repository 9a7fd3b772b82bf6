"""Where programs, inputs and outputs are stored: bytes found by their hash or root, whoever keeps them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.ports.executor import ShouldStop


def never() -> bool:
    """The `ShouldStop` of a caller who waits to the end."""
    return False


class Pieces(Protocol):
    """Content that is too large to hold: its pieces in order, from the first one each time it is iterated."""

    @property
    def size_bytes(self) -> int:
        """The size of all pieces together."""
        ...

    def __iter__(self) -> Iterator[bytes]: ...


class Blobs(Protocol):
    """Content-addressed storage. What it gives back has been checked against the name it was asked for.

    Every `get` raises `Rejected` if the content is too large or not what its name says, `Unavailable` if it
    cannot be had now, and `Stopped` soon after `should_stop` says so. Every `put` raises `Unavailable` if the
    content is not kept. Safe to use from several threads.
    """

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content`. Returns the URI by which everybody finds it: `blob:` and its Keccak-256 in hex."""
        ...

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, at most `limit_bytes`. Raises `Rejected` for a malformed URI too."""
        ...

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file under what the chain knows of its program."""
        ...

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of the program with this image root and entry; not always the one first published."""
        ...

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input under its root and size."""
        ...

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input of a job: `size_bytes` bytes with this root."""
        ...

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output of `size_bytes` (None: all of `content`) under its root and size.

        The root is of the whole output range (docs/machine.md M3.7): `content` goes on behind the output's
        size, up to the last byte that is not zero, if the guest wrote there.
        """
        ...

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim: the first `size_bytes` of an output range with this root."""
        ...

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether a store says that it has this output. Raises `Unavailable` if none can be asked."""
        ...

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves, such as an item's blob (docs/blobs.md)."""
        ...

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content that proves this name. Raises `Rejected` for what is no name, too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKey:
    """An output by what its claim says of it."""

    output_root: Bytes32
    size_bytes: int


class OutputFolder(Protocol):
    """Outputs on this node's own disk. Methods raise `Unavailable` if it fails. Safe from several threads."""

    def keep(self, key: OutputKey, pieces: Iterable[bytes]) -> None:
        """Keep an output range, replacing one under this key; it is on the medium when this returns."""
        ...

    def kept(self) -> frozenset[OutputKey]:
        """What is kept, by this process or one before it."""
        ...

    def content(self, key: OutputKey) -> Pieces:
        """What was kept."""
        ...

    def remove(self, key: OutputKey) -> None:
        """Drop an output, if it is there."""
        ...
