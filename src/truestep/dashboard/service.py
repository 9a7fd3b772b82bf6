"""The pages over HTTP: a small ASGI app over a `Reading`. Everything is `GET`; nothing can be changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, Bytes32, GameId, JobId
from truestep.client.executed import Executed, executed
from truestep.dashboard import views
from truestep.dashboard.reading import Reading

_FOLDER = Path(__file__).parent
_NUMBER_DIGITS = 40
_STATIC = {"style.css": "text/css", "live.js": "text/javascript"}
_WAIT_SECONDS = 15.0
"""Between two signs of life of the stream of changes."""
STREAMS_LIMIT = 100
"""Open streams; further browsers show pages that do not renew themselves."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

CallOf = Callable[[Bytes32], bytes]
"""The call of a transaction. Raises Unavailable if the node has it no more."""
Build = Callable[[int], views.Context | None]


class Dashboard:
    """Makes the pages."""

    def __init__(self, reading: Reading, network: str, call_of: CallOf) -> None:
        self._reading = reading
        self._network = network
        self._call_of = call_of
        self._steps: dict[GameId, Executed | None] = {}
        self._streams = 0
        loader = jinja2.FileSystemLoader(_FOLDER / "templates")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def app(self) -> Starlette:
        """The ASGI app."""
        routes = [
            Route("/", self._overview),
            Route("/jobs", self._jobs),
            Route("/jobs/{number}", self._job),
            Route("/operators", self._operators),
            Route("/operators/{address}", self._operator),
            Route("/disputes", self._disputes),
            Route("/disputes/{number}", self._dispute),
            Route("/events", self._events),
            Route("/static/{name}", self._static),
            Route("/health", self._health),
        ]
        return Starlette(routes=routes, exception_handlers={404: self._not_found})

    # --- pages ----------------------------------------------------------------------------------------

    async def _overview(self, request: Request) -> Response:
        return self._page("overview.html", "overview", lambda now: views.overview(self._reading.history, now))

    async def _jobs(self, request: Request) -> Response:
        number = _page_number(request)
        return self._page("list.html", "jobs", lambda now: views.jobs(self._reading.history, number, now))

    async def _operators(self, request: Request) -> Response:
        number = _page_number(request)
        reading = self._reading
        return self._page(
            "list.html", "operators", lambda _: views.operators(reading.history, reading.stakes, number)
        )

    async def _disputes(self, request: Request) -> Response:
        number = _page_number(request)
        return self._page("list.html", "disputes", lambda _: views.disputes(self._reading.history, number))

    async def _job(self, request: Request) -> Response:
        job_id, reading = JobId(_number(request)), self._reading
        return self._page(
            "job.html",
            "jobs",
            lambda now: views.job(reading.history, job_id, now, reading.final_for_consumers(job_id, now)),
            f"This network has no job {job_id}.",
        )

    async def _operator(self, request: Request) -> Response:
        address = Address(request.path_params["address"])
        reading = self._reading
        return self._page(
            "operator.html",
            "operators",
            lambda _: views.operator(reading.history, address, reading.stakes),
            "No operator of this address has done anything here.",
        )

    async def _dispute(self, request: Request) -> Response:
        game_id = GameId(_number(request))
        step = await asyncio.to_thread(self._step_of, game_id)
        return self._page(
            "dispute.html",
            "disputes",
            lambda _: views.dispute(self._reading.history, game_id, step),
            "This network has no such dispute.",
        )

    def _page(self, template: str, page: str, build: Build, missing: str = "") -> Response:
        reading = self._reading
        with reading.lock:
            version, head, trouble = reading.version, reading.head, reading.trouble
            context = build(head.time_seconds if head else 0)
        found = context is not None
        shared: views.Context = {
            "network": self._network,
            "page": page,
            "version": version,
            "trouble": trouble,
            "head": head,
            "head_time": _time_in_words(head.time_seconds) if head else "",
        }
        text = self._templates.get_template(template if found else "missing.html").render(
            **shared, **(context or {"what": missing})
        )
        return HTMLResponse(text, status_code=200 if found else 404, headers=HEADERS)

    async def _not_found(self, request: Request, _: Exception) -> Response:
        return self._page("missing.html", "", lambda _: None, "There is no such page.")

    # --- the rest -------------------------------------------------------------------------------------

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return Response("no such file", status_code=404, headers=HEADERS)
        content = (_FOLDER / "static" / name).read_bytes()
        return Response(content, media_type=_STATIC[name], headers=HEADERS)

    async def _health(self, request: Request) -> Response:
        is_ready = self._reading.head is not None and not self._reading.trouble
        return Response("ready" if is_ready else "not ready", 200 if is_ready else 503, headers=HEADERS)

    async def _events(self, request: Request) -> Response:
        if self._streams >= STREAMS_LIMIT:
            return Response("too many streams", status_code=503, headers=HEADERS)
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=HEADERS)

    async def _changes(self) -> AsyncIterator[str]:
        self._streams += 1
        try:
            version = -1
            while True:
                if self._reading.version != version:
                    version = self._reading.version
                    yield f"event: changed\ndata: {version}\n\n"
                else:
                    yield ": still here\n\n"
                for _ in range(int(_WAIT_SECONDS)):
                    if self._reading.version != version:
                        break
                    await asyncio.sleep(1.0)
        finally:
            self._streams -= 1

    def _step_of(self, game_id: GameId) -> Executed | None:
        with self._reading.lock:
            dispute = self._reading.history.disputes.get(game_id)
            stepped = dispute.stepped if dispute else None
        if stepped is None or game_id in self._steps:
            return self._steps.get(game_id)
        try:
            self._steps[game_id] = executed(self._call_of(stepped.at.transaction_hash))
        except (Unavailable, Rejected):
            return None  # the page says that a step was made; the next request asks again
        return self._steps[game_id]


def _number(request: Request) -> int:
    text = request.path_params["number"]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS else 0


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _time_in_words(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
