"""The gateway over HTTP: an ASGI app over a `Reading`, a chain and stores (docs/gateway.md)."""

import time
from collections.abc import Callable, Iterable

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from truestep.adapters.keepers.rates import Rates, client_of
from truestep.gateway.openapi import document
from truestep.gateway.operations import JSON, Handler, Operation
from truestep.gateway.parameters import read_values
from truestep.gateway.problems import HEADERS, Refused

REQUESTS_PER_SECOND = 50.0
"""Of one client, an address of IPv4 or a /64 of IPv6."""
CONNECTIONS_PER_CLIENT = 32
QUERY_LIMIT, PATH_LIMIT = 1_024, 512
"""Characters."""


class Gateway:
    """Makes the app out of operations, under the limits of each client."""

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        requests_per_second: float = REQUESTS_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._operations = tuple(operations)
        self._rates = Rates(requests_per_second, clock)
        self._described = document(self._operations)

    def app(self) -> Starlette:
        """The ASGI app."""
        description = Operation(
            name="describe", path="/openapi.json", summary="This document", handler=self._describe
        )
        by_path: dict[str, list[Operation]] = {}
        for each in (*self._operations, description):
            by_path.setdefault(each.path, []).append(each)
        routes = [
            Route(path, self._guarded(rows), methods=[row.method for row in rows])
            for path, rows in by_path.items()
        ]
        app = Starlette(
            routes=routes, exception_handlers={HTTPException: _not_understood, Exception: _failed}
        )
        app.router.redirect_slashes = False  # to wherever the client says that we are
        return app

    def _guarded(self, rows: list[Operation]) -> Callable[[Request], object]:
        """The work of a request under the limits of its client."""
        by_method = {row.method: row for row in rows}

        async def answer(request: Request) -> Response:
            row = by_method["POST" if request.method == "POST" else "GET"]
            try:
                self._admit(request, row.cost)
                query = request.query_params.multi_items()
                return await row.handler(request, read_values(row.parameters, request.path_params, query))
            except Refused as refused:
                return refused.response()

        return answer

    def _admit(self, request: Request, cost: float) -> None:
        client = client_name(request)
        wait = self._rates.wait_seconds(client)
        if wait > 0:
            raise Refused(429, "too many requests; wait", headers={"Retry-After": str(int(wait) + 1)})
        self._rates.take(client, cost)
        if len(request.url.query) > QUERY_LIMIT or len(request.url.path) > PATH_LIMIT:
            raise Refused(
                400, f"expected a path of at most {PATH_LIMIT} characters, and a query of {QUERY_LIMIT}"
            )

    async def _describe(self, request: Request, values: object) -> Response:
        del request, values
        return JSONResponse(self._described, headers=HEADERS)


def client_name(request: Request) -> str:
    """Who counts as one client."""
    return client_of(request.client.host if request.client else "")


def answered(found: BaseModel | None, missing: str, status: int = 200) -> Response:
    """A document. Raises Refused, which says what is missing, if there is none."""
    if found is None:
        raise Refused(404, missing)
    return Response(found.model_dump_json(), status, HEADERS, JSON)


async def _not_understood(request: Request, error: Exception) -> Response:
    """No such path, or a method that it does not take."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    detail = "this path takes another method" if status == 405 else "there is no such path; see /openapi.json"
    return Refused(status, detail, headers=headers).response()


async def _failed(request: Request, error: Exception) -> Response:
    """An error of ours, of which nothing is said."""
    del request, error
    return Refused(500, "an error of the gateway; its operator can tell more").response()


__all__ = ["CONNECTIONS_PER_CLIENT", "REQUESTS_PER_SECOND", "Gateway", "Handler", "answered", "client_name"]
