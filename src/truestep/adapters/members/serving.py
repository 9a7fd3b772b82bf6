"""Serves what a member hands over, over HTTP (docs/quorum.md Q11): `GET` and `HEAD`, nothing else."""

import time
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from truestep.adapters.keepers.rates import Rates, client_of
from truestep.adapters.members.wire import Court, word_bytes
from truestep.adapters.web_server import WebServer
from truestep.base.ids import Address, BatchId
from truestep.protocol.quorum.words import Word

CONNECTIONS_PER_CLIENT = 16
REQUESTS_PER_SECOND = 50.0
"""Of one client. Whoever sends for a committee asks every few seconds."""
TEXT_TYPE, JSON_TYPE = "text/plain; charset=utf-8", "application/json"


class WordServer:
    """Satisfies `truestep.ports.members.Board`: serves until closed. `show` may be called from any thread."""

    def __init__(self, court: Court, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError if that cannot be."""
        self._court = court
        self._shown: Mapping[str, bytes] = {}
        self._rates = Rates(REQUESTS_PER_SECOND, time.monotonic)
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET"])])
        self._server = WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def show(self, words: Mapping[tuple[BatchId, Address], Word]) -> None:
        """See `Board`."""
        self._shown = {self._court.path(*named): word_bytes(word) for named, word in words.items()}

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    async def _answer(self, request: Request) -> Response:
        client = client_of(request.client.host if request.client else "")
        wait = self._rates.wait_seconds(client)
        if wait > 0:
            return _refusal(429, "too many requests; wait", {"Retry-After": f"{int(wait) + 1}"})
        self._rates.take(client, 1.0)
        found = self._shown.get(request.path_params["path"])
        if found is None:
            return _refusal(404, "nothing is handed over here; a word is shown while it may be sent for all")
        return Response(found, media_type=JSON_TYPE, headers={"Cache-Control": "no-store"})


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(message + "\n", status_code=status, media_type=TEXT_TYPE, headers=headers)
