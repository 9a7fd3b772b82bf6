"""`/health`, `/ready` and `/metrics` over HTTP: a small ASGI app. All requests are `GET` or `HEAD`."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from truestep.adapters.telemetry.state import DaemonState

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class TelemetryService:
    """Serves a state and a registry."""

    def __init__(self, state: DaemonState, registry: CollectorRegistry) -> None:
        self._state = state
        self._registry = registry

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _health(self, request: Request) -> Response:
        """Whether the process should go on: 503 means that it should be started again."""
        del request
        return _answer("alive", self._state.why_not_alive())

    async def _ready(self, request: Request) -> Response:
        """Whether it does its work: 503 means that a node or a store is down, or that it has just started."""
        del request
        return _answer("ready", self._state.why_not_ready())

    async def _metrics(self, request: Request) -> Response:
        del request
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST, headers=HEADERS)


def _answer(word: str, why_not: str) -> Response:
    body = {word: not why_not, "reason": why_not}
    return JSONResponse(body, status_code=503 if why_not else 200, headers=HEADERS)
