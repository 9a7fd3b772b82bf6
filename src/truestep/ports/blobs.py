"""Where programs, inputs and outputs lie: bytes found by their hash, whoever keeps them."""

from typing import Protocol

from truestep.base.ids import Bytes32


class Blobs(Protocol):
    """Content-addressed storage. What it gives back has been checked against its hash."""

    def put(self, content: bytes) -> str:
        """Keep `content`; the URI under which everybody finds it, `blob:` and its Keccak-256 in hex."""
        ...

    def get(self, uri: str, limit_bytes: int) -> bytes:
        """The content of `uri`.

        Raises `Rejected` if the URI is malformed, the content over `limit_bytes` or not what its hash says;
        `Unavailable` if it cannot be had now.
        """
        ...

    def put_output(self, output_root: Bytes32, output: bytes) -> None:
        """Publish a task's output under its root, so that whoever knows the root finds it."""
        ...

    def get_output(self, output_root: Bytes32, size_bytes: int) -> bytes:
        """The output of a claim, checked against its root. Raises as `get` does."""
        ...
