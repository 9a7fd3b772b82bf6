"""Several stores as one: the fastest is asked first, another one if it fails, is late, or is wrong."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from truestep.adapters.blobs.addresses import name_of_uri
from truestep.adapters.blobs.race import Racers, together
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Blobs, Pieces, never
from truestep.ports.executor import ShouldStop
from truestep.ports.reporter import Reporter

Answer = TypeVar("Answer")


class SeveralBlobs:
    """Satisfies `truestep.ports.blobs.Blobs`: reads from whichever is first, and writes to all of them."""

    def __init__(
        self,
        stores: Sequence[Blobs],
        names: Sequence[str] = (),
        reporter: Reporter | None = None,
        *,
        keepers: Blobs | None = None,
    ) -> None:
        """Ask `stores`, one or more, at first in this order; `reporter` hears by `names` which one lied.

        `keepers` are read from as well, and not written to.
        """
        if not stores:
            raise ValueError("expected at least one blob store, got none")
        self._stores = stores
        known = list(names) or [f"store {number}" for number in range(1, len(stores) + 1)]
        readers = [*stores] if keepers is None else [*stores, keepers]
        self._racers = Racers(readers, [*known, "keepers"][: len(readers)], reporter)

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content` in at least one store. Returns its URI, which is the same in all."""
        return self._put(lambda store: store.put(content, should_stop=should_stop))

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri` from the first store that has it."""
        name_of_uri(uri)
        return self._racers.first(
            lambda store, stop: store.get(uri, limit_bytes, should_stop=stop), should_stop
        )

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file in at least one store."""
        self._put(lambda store: store.put_program(image_root, entry, elf, should_stop=should_stop))

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program from the first store that has one."""
        return self._racers.first(
            lambda store, stop: store.get_program(image_root, entry, should_stop=stop), should_stop
        )

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input in at least one store."""
        self._put(lambda store: store.put_input(input_root, content, should_stop=should_stop))

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size from the first store that has it."""
        return self._racers.first(
            lambda store, stop: store.get_input(input_root, size_bytes, should_stop=stop), should_stop
        )

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
        return self._racers.first(
            lambda store, stop: store.get_output(output_root, size_bytes, should_stop=stop), should_stop
        )

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether any reachable store has it."""
        answers, troubles = self._ask(
            lambda store: store.has_output(output_root, size_bytes, should_stop=should_stop), until=bool
        )
        if not answers:
            raise together(troubles)
        return any(answers)

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves, in at least one store."""
        self._put(lambda store: store.put_named(name, content, should_stop=should_stop))

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name from the first store that has it."""
        return self._racers.first(lambda store, stop: store.get_named(name, should_stop=stop), should_stop)

    def _put(self, put: Callable[[Blobs], Answer]) -> Answer:
        """Write to every store. A failure does not matter as long as another store keeps it."""
        kept, troubles = self._ask(put, until=lambda _: False)
        if not kept:
            raise together(troubles)
        return kept[0]

    def _ask(
        self, ask: Callable[[Blobs], Answer], *, until: Callable[[Answer], bool]
    ) -> tuple[list[Answer], list[tuple[str, Rejected | Unavailable]]]:
        """The answers of the stores up to the first good one, and the failures before it."""
        answers: list[Answer] = []
        troubles: list[tuple[str, Rejected | Unavailable]] = []
        for number, store in enumerate(self._stores, 1):
            try:
                answers.append(ask(store))
            except (Rejected, Unavailable) as error:
                troubles.append((f"store {number}", error))
            else:
                if until(answers[-1]):
                    break
        return answers, troubles
