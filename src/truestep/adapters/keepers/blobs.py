"""Programs, inputs and outputs from items: from their keepers, or from the chain, found by their roots."""

import struct
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from io import BytesIO
from itertools import accumulate

from truestep.adapters.blobs.addresses import input_name, output_name, parse_name, program_name
from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.download import blobs_of, part_places, whole_trees
from truestep.adapters.keepers.fetching import ItemFetcher, first_manifest
from truestep.adapters.keepers.item_blobs import ItemBlobs, Published
from truestep.adapters.keepers.standing import Blame
from truestep.availability.blobs import payload_of
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, Part
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.commitments.kzg import Kzg
from truestep.commitments.merkle import LEAF_SIZE_BYTES
from truestep.machine.layout import CODE_END, RANGE_LEVEL
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts, KnownItem

PROGRAM_DEPTH = 26
_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_READ_EXECUTE, _READ_WRITE = 5, 6

Parts = list[tuple[int, bytes]]
"""First leaf and bytes of the parts of a tree."""


class KeeperBlobs:
    """Satisfies `truestep.ports.blobs.Blobs` for reading. What it gives was checked against its name."""

    def __init__(
        self,
        facts: Callable[[], Facts],
        kzg: Kzg,
        reporter: Reporter | None = None,
        *,
        payload: Callable[[KnownItem], bytes] | None = None,
        written: Callable[[Bytes32, int, int], Iterable[KnownItem]] | None = None,
        may_be_private: bool = False,
        published: Published | None = None,
    ) -> None:
        """`facts` says which items there are; `reporter` is told of each keeper that lies.

        `published` gives blobs that transactions have published; `payload` reads the leaves of an item in
        calldata from the chain, and raises `Unavailable`; `written` finds those there that the facts have
        forgotten, by root, depth and the time since which some are.
        """
        self._facts = facts
        self._payload = payload
        self._written = written
        self._kzg = kzg
        self._reporter = reporter
        self._may_be_private = may_be_private
        self._published = published

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """Keepers know roots, no hashes."""
        raise Unavailable(f"keepers have nothing under {uri[:100]!r}: they know what they keep by its root")

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file with the image of this program."""

        def program(parts: Parts) -> bytes:
            segments = [(first * LEAF_SIZE_BYTES, content) for first, content in parts]
            return check_named(program_name(image_root, entry), elf_file(entry, segments))

        return self._checked(image_root, PROGRAM_DEPTH, 1, program, should_stop)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size."""
        name = input_name(input_root, size_bytes)
        return self._checked(
            input_root,
            RANGE_LEVEL,
            _leaves(size_bytes),
            lambda parts: check_named(name, _range(parts)[:size_bytes]),
            should_stop,
        )

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim."""
        name = output_name(output_root, size_bytes)

        def output(parts: Parts) -> bytes:
            content = _range(parts)
            whole = content[:size_bytes] + content[size_bytes:].rstrip(b"\0")
            return check_named(name, whole)[:size_bytes]

        return self._checked(output_root, RANGE_LEVEL, _leaves(size_bytes), output, should_stop)

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether an item with it is kept."""
        return bool(_holding(self._facts().items.values(), output_root, RANGE_LEVEL, _leaves(size_bytes)))

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """Keepers serve cells, no blobs."""
        raise Unavailable(f"keepers have nothing under {parse_name(name).text}")

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Nothing can be given to a keeper."""
        raise _no_put()

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Nothing can be given to a keeper."""
        raise _no_put()

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Nothing can be given to a keeper."""
        raise _no_put()

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Nothing can be given to a keeper."""
        raise _no_put()

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Nothing can be given to a keeper."""
        raise _no_put()

    # --- how ----------------------------------------------------------------------------------------------

    def _checked(
        self,
        root: Bytes32,
        depth: int,
        leaf_count: int,
        made: Callable[[Parts], bytes],
        should_stop: ShouldStop,
    ) -> bytes:
        """What is made of the parts of a tree, from the first item that gives what it says.

        Anybody can register an item that names the root and holds something else.
        """
        facts, troubles = self._facts(), list[str]()
        for item, wanted in self._found(facts, root, depth, leaf_count):
            if should_stop():
                raise Stopped
            try:
                if item.record.blob_count == 0:
                    return made(self._read_calldata(item, wanted))
                return made(
                    run_in_background(
                        lambda item=item, wanted=wanted: self._fetch(facts, item, wanted), should_stop
                    )
                )
            except (Unavailable, Rejected) as error:
                troubles.append(f"item {item.item_id}: {error}")
        why = "; ".join(troubles) or "no item holds it"
        raise Unavailable(f"keepers do not give what has root {root.hex()}: {why}")

    def _found(
        self, facts: Facts, root: Bytes32, depth: int, leaf_count: int
    ) -> Iterator[tuple[KnownItem, int]]:
        """The items that hold a tree: those that are known, then those that only the chain remembers."""
        yield from _holding(facts.items.values(), root, depth, leaf_count)
        if self._written is not None and facts.left_since:
            for item in self._written(root, depth, facts.left_since):
                yield from _holding([item], root, depth, leaf_count)

    def _read_calldata(self, item: KnownItem, wanted: int) -> Parts:
        if self._payload is None:
            raise Unavailable("its bytes are on the chain, which is not read here")
        payload = self._payload(item)
        if len(payload) != sum(part.size_bytes for part in item.parts):
            raise Unavailable(
                f"the node gives {counted(len(payload), 'byte')}, which are not those of its parts"
            )
        ends = [*accumulate(part.size_bytes for part in item.parts)]
        tree = item.parts[wanted].root, item.parts[wanted].depth
        return [
            (part.first_leaf, payload[end - part.size_bytes : end])
            for part, end in zip(item.parts, ends, strict=True)
            if (part.root, part.depth) == tree
        ]

    async def _fetch(self, facts: Facts, item: KnownItem, wanted: int) -> Parts:
        clients: list[KeeperClient] = []
        for url in dict.fromkeys([*facts.urls_of(item), item.url]):
            with suppress(ValueError):
                clients.append(KeeperClient(url, is_stranger=not self._may_be_private))
        parts = whole_trees(item, [wanted])
        try:
            async with AsyncExitStack() as stack:
                manifest, fetcher = await first_manifest(item.name, clients), None
                if manifest is not None:
                    opened = ItemFetcher(manifest, self._kzg, clients, self._blame)
                    fetcher = await stack.enter_async_context(opened)
                blobs = ItemBlobs(item, fetcher, self._published)
                return await _read(item, parts, blobs.blobs(blobs_of(item, parts)))
        finally:
            for client in clients:
                await client.close()

    def _blame(self, blame: Blame) -> None:
        if self._reporter is not None:
            message = f"{blame.keeper} is not asked again: {blame.reason}"
            self._reporter.report("keeper_lied", message, keeper=blame.keeper)


def _range(parts: Parts) -> bytes:
    """The leaves of a range, with zeros between its parts."""
    content = bytearray()
    for first, piece in parts:
        start = first * LEAF_SIZE_BYTES
        content += bytes(max(start + len(piece) - len(content), 0))
        content[start : start + len(piece)] = piece
    return bytes(content)


async def _read(
    item: KnownItem, parts: Iterable[int], blobs: AsyncGenerator[tuple[int, bytes]]
) -> list[tuple[int, bytes]]:
    """The bytes of parts, from blobs in any order."""
    places = part_places(item)
    found = {index: BytesIO() for index in parts}
    async for blob, content in blobs:
        payload, start = payload_of(content, blob), blob * BLOB_PAYLOAD_BYTES
        for index, file in found.items():
            place = places[index]
            begin = max(place.start, start)
            end = min(place.start + place.part.size_bytes, start + BLOB_PAYLOAD_BYTES)
            if begin < end:
                file.seek(begin - place.start)
                file.write(payload[begin - start : end - start])
    return [(places[index].part.first_leaf, file.getvalue()) for index, file in found.items()]


def _holding(
    items: Iterable[KnownItem], root: Bytes32, depth: int, leaf_count: int
) -> list[tuple[KnownItem, int]]:
    """The items that hold enough of a tree, and the first of its parts there.

    Those on the chain come first, then those that are kept.
    """
    found = [
        (item, index)
        for item in items
        for index, part in enumerate(item.parts)
        if (part.root, part.depth) == (root, depth)
        and (depth == PROGRAM_DEPTH or part.end_leaf >= leaf_count)
        and not _is_scattered(item, part, leaf_count)
    ]
    return sorted(found, key=lambda each: _doubt(each[0]))


def _is_scattered(item: KnownItem, wanted: Part, leaf_count: int) -> bool:
    """Whether a range would take far more memory than its bytes: only what was made up has such gaps."""
    tree = [part for part in item.parts if (part.root, part.depth) == (wanted.root, wanted.depth)]
    written = sum(part.leaf_count for part in tree)
    return wanted.depth == RANGE_LEVEL and max(part.end_leaf for part in tree) > 2 * (written + leaf_count)


def _doubt(item: KnownItem) -> tuple[bool, bool, bool, int]:
    """What is on the chain comes first, then what keepers have checked: anybody can register anything."""
    acknowledged = sum(1 for seat in item.seats.values() if seat.acknowledged_at)
    is_checked = item.record.blob_count == 0
    return not is_checked, item.state is not ItemState.KEPT, not item.is_open, -acknowledged


def _leaves(size_bytes: int) -> int:
    return max(1, -(-size_bytes // LEAF_SIZE_BYTES))


def elf_file(entry: int, segments: Iterable[tuple[int, bytes]]) -> bytes:
    """A file with this image: what is in the code range can be executed, the rest written."""
    loads: list[tuple[int, bytes]] = []
    for address, content in segments:
        inside = max(0, min(len(content), CODE_END - address))
        loads += [
            each for each in ((address, content[:inside]), (address + inside, content[inside:])) if each[1]
        ]
    offset = _FILE_HEADER.size + len(loads) * _PROGRAM_HEADER.size
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = _FILE_HEADER.pack(
        ident,
        2,
        243,
        1,
        entry,
        _FILE_HEADER.size,
        0,
        0,
        _FILE_HEADER.size,
        _PROGRAM_HEADER.size,
        len(loads),
        0,
        0,
        0,
    )
    table, body = b"", b""
    for address, content in loads:
        rights = _READ_EXECUTE if address < CODE_END else _READ_WRITE
        size = len(content)
        table += _PROGRAM_HEADER.pack(1, rights, offset + len(body), address, address, size, size, 1)
        body += content
    return head + table + body


def _no_put() -> Unavailable:
    return Unavailable("keepers take nothing: they fetch what the chain has drawn them for")
