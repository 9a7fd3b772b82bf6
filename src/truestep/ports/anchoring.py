"""What a node needs to anchor what its log is together with others (docs/logs.md L5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from truestep.protocol.logs.contracts.anchors import Attest
from truestep.roles.anchoring import GroupSight


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The call that anchors an epoch, and why some logs of the group are not in it."""

    call: Attest
    left_out: Mapping[int, str]


class Anchoring(Protocol):
    """For one thread of an executor at a time. Methods raise `Unavailable` if they may succeed later."""

    def look(self) -> GroupSight | None:
        """What the chain says of the own log's group; None if the account has no log that is live."""
        ...

    def collect(self) -> Collected:
        """Ask all logs of the group for their rows, and to sign them. Takes minutes. Raises `Rejected`."""
        ...
