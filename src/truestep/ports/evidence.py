"""Proof that this node computes a program wrongly: kept where a restart and a person find it."""

from typing import Protocol

from truestep.base.ids import Bytes32


class Evidence(Protocol):
    """Pieces of evidence by program (its image root). Methods raise `Unavailable` if the medium fails."""

    def keep(self, image_root: Bytes32, content: str) -> str:
        """Keep a piece against a program; where it lies. It is on the medium when this returns."""
        ...

    def places(self) -> dict[Bytes32, str]:
        """Where a piece lies, for each program that there is one against."""
        ...
