"""A job's progress as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from truestep.base.ids import JobId
from truestep.dashboard.reading import Reading
from truestep.gateway import views

STREAMS_LIMIT = 100
STREAMS_PER_CLIENT = 8
WAIT_SECONDS = 15
"""Between two signs of life."""
LIFETIME_SECONDS = 3_600
"""Of a stream; whoever wants more opens another. So a client that is gone without a word is forgotten."""
LOOK_SECONDS = 1.0


class Streams:
    """The open streams. For one thread."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._clients: dict[str, int] = {}

    def has_room(self, client: str) -> bool:
        """Whether a client may open one more."""
        return self._has_room(client, 1)

    def _has_room(self, client: str, more: int) -> bool:
        is_full = sum(self._clients.values()) + more > STREAMS_LIMIT
        return not is_full and self._clients.get(client, 0) + more <= STREAMS_PER_CLIENT

    async def of_job(self, client: str, job_id: JobId) -> AsyncIterator[str]:
        """The events of one: `progress` whenever it has changed, `over` once no shard can change any more."""
        self._clients[client] = self._clients.get(client, 0) + 1
        try:
            if not self._has_room(client, 0):
                return  # it was asked for at the same time as others
            async for event in self._events(job_id):
                yield event
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    async def _events(self, job_id: JobId) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        end, said, silent = loop.time() + LIFETIME_SECONDS, "", 0
        while loop.time() < end:
            fields = self._fields(job_id)
            text = json.dumps(fields)
            if text != said:
                said, silent = text, 0
                yield _event("progress", text)
                if fields["is_over"]:
                    yield _event("over", text)
                    return
            elif silent >= WAIT_SECONDS:
                silent = 0
                yield ": still here\n\n"
            silent += 1
            await asyncio.sleep(LOOK_SECONDS)

    def _fields(self, job_id: JobId) -> dict[str, Any]:
        with self._reading.lock:
            job = self._reading.history.jobs.get(job_id)
            return {
                "job_id": job_id,
                "is_known": job is not None,  # a reorganisation may take it away
                "is_over": job is not None and job.is_over,
                "counts": views.counts(job).model_dump() if job else {},
            }


def _event(name: str, text: str) -> str:
    return f"event: {name}\ndata: {text}\n\n"
