"""A store that knows content by names: what programs, inputs and outputs are called is the same in all."""

from abc import ABC, abstractmethod

from truestep.adapters.blobs.addresses import (
    SCHEME,
    blob_name,
    content_size,
    input_name,
    limit_of,
    name_of_uri,
    output_name,
    parse_name,
    program_name,
)
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop


class NamedBlobs(ABC):
    """`truestep.ports.blobs.Blobs`, but for `has_output`, over content that is put and got by its name."""

    @abstractmethod
    def _put(self, name: str, content: bytes | Pieces, should_stop: ShouldStop) -> None:
        """Keep content under a name."""

    @abstractmethod
    def _get(self, name: str, limit_bytes: int, should_stop: ShouldStop) -> bytes:
        """The content of a name, checked."""

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content`. Returns its URI."""
        name = blob_name(content)
        self._put(name, content, should_stop)
        return SCHEME + name

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, checked."""
        return self._get(name_of_uri(uri), limit_bytes, should_stop)

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file."""
        self._put(program_name(image_root, entry), elf, should_stop)

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program, checked."""
        name = program_name(image_root, entry)
        return self._get(name, limit_of(name), should_stop)

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input."""
        self._put(input_name(input_root, len(content)), content, should_stop)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size, checked."""
        name = input_name(input_root, size_bytes)
        return self._get(name, limit_of(name), should_stop)

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output range."""
        size_bytes = content_size(content) if size_bytes is None else size_bytes
        self._put(output_name(output_root, size_bytes), content, should_stop)

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim, checked."""
        name = output_name(output_root, size_bytes)
        return self._get(name, limit_of(name), should_stop)[:size_bytes]

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves."""
        self._put(parse_name(name).text, content, should_stop)

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name, checked."""
        known = parse_name(name).text
        return self._get(known, limit_of(known), should_stop)
