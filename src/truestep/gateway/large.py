"""Answers of up to tens of megabytes: in pieces, as fast as the client reads them, in a bounded memory."""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from truestep.gateway.problems import HEADERS, Refused

ROOM_BYTES = 256 << 20
"""Of all answers that are being sent."""
ROOM_PER_CLIENT_BYTES = 64 << 20
"""Two of the largest outputs."""
PIECE_BYTES = 64 << 10
GRACE_SECONDS = 60.0
LEAST_BYTES_PER_SECOND = 64 << 10
"""Half a megabit: the largest output may take ten minutes."""
_LATER = {"Retry-After": "30"}


class Room:
    """The memory for answers that are being sent. For one thread."""

    def __init__(self, size_bytes: int = ROOM_BYTES, per_client_bytes: int = ROOM_PER_CLIENT_BYTES) -> None:
        self._left_bytes = size_bytes
        self._per_client_bytes = per_client_bytes
        self._taken: dict[str, int] = {}

    def take(self, client: str, size_bytes: int) -> None:
        """Raises Refused if there is none."""
        taken = self._taken.get(client, 0) + size_bytes
        if taken > self._per_client_bytes:
            raise Refused(429, "read the answers to your other requests first", headers=_LATER)
        if size_bytes > self._left_bytes:
            raise Refused(503, "too many large answers are being sent; try again", headers=_LATER)
        self._left_bytes -= size_bytes
        self._taken[client] = taken

    def give_back(self, client: str, size_bytes: int) -> None:
        """The answer is sent, or its client is gone."""
        self._left_bytes += size_bytes
        taken = self._taken.pop(client, 0) - size_bytes
        if taken > 0:
            self._taken[client] = taken


class LargeAnswer(Response):
    """An answer that takes its room when it begins."""

    def __init__(
        self, content: bytes, kind: str, room: Room, client: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, 200, {**HEADERS, **(headers or {})}, kind)
        self._content = memoryview(content)
        self._room = room
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, unless there is no room or the client is too slow; then the connection is closed."""
        size_bytes = len(self._content)
        try:
            self._room.take(self._client, size_bytes)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        try:
            async with asyncio.timeout(GRACE_SECONDS + size_bytes / LEAST_BYTES_PER_SECOND):
                await self._send(send)
        except TimeoutError:
            return  # unfinished, so that the server closes the connection
        finally:
            self._room.give_back(self._client, size_bytes)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for start in range(0, len(self._content), PIECE_BYTES):
            piece = bytes(self._content[start : start + PIECE_BYTES])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
