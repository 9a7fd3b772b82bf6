"""Evidence that this node computed a program wrongly, kept for restarts and for people."""

from typing import Protocol

from truestep.base.ids import Bytes32


class Evidence(Protocol):
    """Evidence by program (its image root). Methods raise `Unavailable` if the medium fails."""

    def keep(self, image_root: Bytes32, content: str) -> str:
        """Keep a piece of evidence about a program, durably. Returns its place."""
        ...

    def places(self) -> dict[Bytes32, str]:
        """The place of a piece of evidence for each program that has one."""
        ...
