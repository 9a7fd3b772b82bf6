"""Cells in a bucket of an S3-compatible store, one object for each run: for fleets that share no disk."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, urlsplit

from truestep.adapters.cells.names import (
    MANIFEST_LIMIT_BYTES,
    item_folder,
    item_of,
    manifest_name,
    no_room,
    run_name,
    run_of,
)
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.cells import RunKey

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"
REQUEST_SECONDS = 20.0
"""For one request. An object has a few hundred kilobytes."""
RETRIES, RETRY_SECONDS = 4, 30.0
"""Attempts at one request, and the time for all. A keeper tries again later by itself."""
DELETES_AT_ONCE = 500
"""S3 deletes up to 1,000 objects in one request."""

Answer = TypeVar("Answer")


def open_bucket(url: str) -> "S3Store":
    """The bucket at `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`.

    Keys and region come from the usual variables of the environment (AWS_ACCESS_KEY_ID and so on). Raises
    `Rejected` for another URL, or if obstore is not installed.
    """
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if not url.startswith(SCHEME) or not parts.hostname or not options.keys() <= {"endpoint", "region"}:
        raise Rejected(
            Reject.CELL_STORE,
            f"expected s3://BUCKET/PREFIX?endpoint=URL&region=NAME, the last three optional, got {url!r}",
        )
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise Rejected(
            Reject.CELL_STORE, "expected obstore for an S3 store; install it: pip install 'truestep[s3]'"
        ) from error
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        client_options={
            "allow_http": options.get("endpoint", "").startswith("http://"),
            "timeout": timedelta(seconds=REQUEST_SECONDS),
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        **options,  # pyright: ignore[reportArgumentType]  # only the two names above
    )


class S3Cells:
    """Satisfies `truestep.ports.cells.CellStore`. The prefix belongs to one process."""

    def __init__(self, bucket: "S3Store", *, limit_bytes: int, name: str) -> None:
        """Count what is there. `name` is for messages. Raises `Unavailable` if the store cannot be asked."""
        self._bucket = bucket
        self._limit_bytes = limit_bytes
        self._name = name
        self._mutex = threading.Lock()
        self._used_bytes = sum(size_bytes for _, size_bytes in self._listed(""))

    @property
    def used_bytes(self) -> int:
        """The size of all objects, in bytes."""
        return self._used_bytes

    def put_manifest(self, item: Bytes32, manifest: bytes) -> None:
        """Keep the manifest of an item."""
        self._put(manifest_name(item), manifest)

    def manifest(self, item: Bytes32) -> bytes | None:
        """The manifest of an item; None if there is none."""
        import obstore

        def get() -> bytes:
            found = obstore.get(self._bucket, manifest_name(item))
            if found.meta["size"] > MANIFEST_LIMIT_BYTES:
                raise ValueError(f"a manifest of {found.meta['size']:,} bytes")
            return bytes(found.bytes())

        with suppress(FileNotFoundError):
            return self._asked(get)
        return None

    def put_run(self, run: RunKey, content: bytes) -> None:
        """Keep the stored form of a run."""
        self._put(run_name(run), content)

    def read_run(self, run: RunKey, wanted: range) -> bytes | None:
        """These bytes of a stored run; None if there is no such run."""
        import obstore

        with suppress(FileNotFoundError):
            return bytes(
                self._asked(
                    lambda: obstore.get_range(
                        self._bucket, run_name(run), start=wanted.start, length=len(wanted)
                    )
                )
            )
        return None

    def items(self) -> list[Bytes32]:
        """The items that have objects."""
        import obstore

        found = self._asked(lambda: obstore.list_with_delimiter(self._bucket))  # pyright: ignore[reportUnknownMemberType]  # Arrow's
        folders = (prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])
        items = (item for folder in folders if (item := item_of(folder)))
        return sorted(item for item in items if any(self._listed(item_folder(item))))  # some list empty ones

    def runs(self, item: Bytes32) -> list[RunKey]:
        """The runs of an item, in order."""
        names = (name.rpartition("/")[2] for name, _ in self._listed(item_folder(item)))
        return sorted(run for name in names if (run := run_of(item, name)))

    def remove_run(self, run: RunKey) -> None:
        """Drop a run."""
        self._remove([run_name(run)])

    def remove(self, item: Bytes32) -> None:
        """Drop an item's runs, then its manifest."""
        names = [name for name, _ in self._listed(item_folder(item))]
        names.sort(key=lambda name: name == manifest_name(item))
        for start in range(0, len(names), DELETES_AT_ONCE):
            self._remove(names[start : start + DELETES_AT_ONCE])

    def _put(self, name: str, content: bytes) -> None:
        import obstore

        added_bytes = len(content) - self._size(name)
        with self._mutex:
            if self._used_bytes + added_bytes > self._limit_bytes:
                raise no_room(self._name, self._used_bytes, self._limit_bytes)
            self._used_bytes += added_bytes
        try:
            self._asked(lambda: obstore.put(self._bucket, name, content, use_multipart=False))
        except Unavailable:
            with self._mutex:
                self._used_bytes -= added_bytes
            raise

    def _remove(self, names: list[str]) -> None:
        import obstore

        freed_bytes = sum(self._size(name) for name in names)
        if names:
            self._asked(lambda: obstore.delete(self._bucket, names))
        with self._mutex:
            self._used_bytes -= freed_bytes

    def _size(self, name: str) -> int:
        import obstore

        with suppress(FileNotFoundError):
            return self._asked(lambda: obstore.head(self._bucket, name)["size"])
        return 0

    def _listed(self, prefix: str) -> Generator[tuple[str, int]]:
        import obstore

        with _failures_of(self._name):
            pages = obstore.list(self._bucket, prefix or None)  # pyright: ignore[reportUnknownMemberType]
            for page in pages:
                yield from ((each["path"], each["size"]) for each in page)

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        with _failures_of(self._name):
            return ask()


@contextmanager
def _failures_of(name: str) -> Generator[None]:
    """Whatever a store answers is a failure of the world, but that it has no such object."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        first_line = str(error).partition("\n")[0][:300]
        raise Unavailable(
            f"{name} failed: {first_line or type(error).__name__}; check its address and keys"
        ) from error
