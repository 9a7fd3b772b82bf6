"""Asks members at the endpoints that they have published. They may be slow, dead or lying."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.members.wire import WORD_LIMIT_BYTES, Court, parse_word
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.words import Word

ASK_SECONDS = 10.0
"""For all endpoints of a member together: it has other ways to say what it has to say."""
ENDPOINTS_LIMIT = 3
"""Of a member, in its order: a record may name eight, most of which are something else."""
KNOWN_SECONDS, FAILED_SECONDS = 600.0, 60.0
"""For how long it is not looked up again where a member is, and that nobody could say so."""
MEMBERS_LIMIT = 1_024
"""Members whose endpoints are remembered."""

EndpointsOf = Callable[[Address], Sequence[str]]
"""Where an operator says that it is reached: base URLs. Raises `Unavailable` and `Rejected`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    endpoints: tuple[str, ...]
    until: float


class PublishedMembers:
    """Satisfies `truestep.ports.members.Members`. For any thread."""

    def __init__(self, endpoints_of: EndpointsOf, court: Court, *, may_be_private: bool) -> None:
        """`may_be_private`: whether members may be at addresses outside of the public internet."""
        self._endpoints_of = endpoints_of
        self._court = court
        self._may_be_private = may_be_private
        self._lock = threading.Lock()
        self._known: dict[Address, _Found] = {}

    def word(self, batch_id: BatchId, tasks_root: Bytes32, member: Address) -> Word | None:
        """See `Members`."""
        endpoints = self._endpoints(member)
        if not endpoints:
            return None
        content = asyncio.run(self._asked(endpoints, self._court.path(batch_id, member)))
        if content is None:
            return None
        return parse_word(content, self._court, batch_id, tasks_root, member)

    async def _asked(self, endpoints: Sequence[str], path: str) -> bytes | None:
        """The first answer; None if no endpoint has any. Raises `Unavailable` if none of them answers."""
        trouble: Exception | None = None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                for endpoint in endpoints:
                    try:
                        content = await self._file(endpoint, path)
                    except (Unavailable, Rejected, ValueError) as error:
                        trouble = error
                        continue
                    if content is not None:
                        return content
        except TimeoutError as error:
            raise Unavailable(f"{endpoints[0]} is too slow") from error
        if trouble is not None:
            raise Unavailable(f"{trouble}") from trouble
        return None

    async def _file(self, endpoint: str, path: str) -> bytes | None:
        client = KeeperClient(endpoint, is_stranger=not self._may_be_private)
        try:
            return await client.file(path, WORD_LIMIT_BYTES)
        finally:
            await client.close()

    def _endpoints(self, member: Address) -> tuple[str, ...]:
        with self._lock:  # one question to the node at a time
            known, now = self._known.get(member), time.monotonic()
            if known is not None and now < known.until:
                return known.endpoints
            try:
                endpoints = tuple(self._endpoints_of(member))[:ENDPOINTS_LIMIT]
                until = now + (KNOWN_SECONDS if endpoints else FAILED_SECONDS)
            except (Unavailable, Rejected):  # what an operator has published may be anything
                endpoints, until = (), now + FAILED_SECONDS
            if len(self._known) >= MEMBERS_LIMIT:
                self._known.clear()
            self._known[member] = _Found(endpoints=endpoints, until=until)
            return endpoints
