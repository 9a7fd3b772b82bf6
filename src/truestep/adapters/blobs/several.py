"""Several stores as one: if one lacks a blob or has a wrong one, another is asked."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from truestep.adapters.blobs.addresses import name_of_uri
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Blobs, Pieces, never
from truestep.ports.executor import ShouldStop

Answer = TypeVar("Answer")


class SeveralBlobs:
    """Satisfies `truestep.ports.blobs.Blobs`: reads from one after another, and writes to all of them."""

    def __init__(self, stores: Sequence[Blobs]) -> None:
        """Ask `stores`, one or more, in this order."""
        if not stores:
            raise ValueError("expected at least one blob store, got none")
        self._stores = stores

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content` in at least one store. Returns its URI, which is the same in all."""
        return self._put(lambda store: store.put(content, should_stop=should_stop))

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri` from the first store that has it."""
        name_of_uri(uri)
        return self._get(lambda store: store.get(uri, limit_bytes, should_stop=should_stop))

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file in at least one store."""
        self._put(lambda store: store.put_program(image_root, entry, elf, should_stop=should_stop))

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program from the first store that has one."""
        return self._get(lambda store: store.get_program(image_root, entry, should_stop=should_stop))

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input in at least one store."""
        self._put(lambda store: store.put_input(input_root, content, should_stop=should_stop))

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size from the first store that has it."""
        return self._get(lambda store: store.get_input(input_root, size_bytes, should_stop=should_stop))

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output in at least one store."""
        self._put(lambda store: store.put_output(output_root, content, size_bytes, should_stop=should_stop))

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """An output from the first store that has it."""
        return self._get(lambda store: store.get_output(output_root, size_bytes, should_stop=should_stop))

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether any reachable store has it."""
        answers, troubles = self._ask(
            lambda store: store.has_output(output_root, size_bytes, should_stop=should_stop), until=bool
        )
        if not answers:
            raise _together(troubles)
        return any(answers)

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves, in at least one store."""
        self._put(lambda store: store.put_named(name, content, should_stop=should_stop))

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name from the first store that has it."""
        return self._get(lambda store: store.get_named(name, should_stop=should_stop))

    def _put(self, put: Callable[[Blobs], Answer]) -> Answer:
        """Write to every store. A failure does not matter as long as another store keeps it."""
        kept, troubles = self._ask(put, until=lambda _: False)
        if not kept:
            raise _together(troubles)
        return kept[0]

    def _get(self, get: Callable[[Blobs], Answer]) -> Answer:
        found, troubles = self._ask(get, until=lambda _: True)
        if not found:
            raise _together(troubles)
        return found[0]

    def _ask(
        self, ask: Callable[[Blobs], Answer], *, until: Callable[[Answer], bool]
    ) -> tuple[list[Answer], list[Rejected | Unavailable]]:
        """The answers of the stores up to the first good one, and the failures before it."""
        answers: list[Answer] = []
        troubles: list[Rejected | Unavailable] = []
        for store in self._stores:
            try:
                answers.append(ask(store))
            except (Rejected, Unavailable) as error:
                troubles.append(error)
            else:
                if until(answers[-1]):
                    break
        return answers, troubles


def _together(troubles: Sequence[Rejected | Unavailable]) -> Rejected | Unavailable:
    """One failure for all. While any store may still have the right bytes, it is not a refusal."""
    if len(troubles) == 1 or all(isinstance(error, Rejected) for error in troubles):
        return troubles[0]
    return Unavailable("no blob store could help: " + "; ".join(str(error) for error in troubles))
