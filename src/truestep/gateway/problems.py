"""Refusals as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from truestep.adapters.blobs.race import LIES
from truestep.base.errors import Reject, Rejected
from truestep.base.text import one_line
from truestep.gateway.documents import Problem

PROBLEM_TYPE = "application/problem+json"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer."""
RETRY_SECONDS = 5
"""When to ask again while a node or a store does not answer."""
_STATUS = {
    Reject.JOB_UNKNOWN: HTTPStatus.NOT_FOUND,
    Reject.SHARD_RANGE: HTTPStatus.NOT_FOUND,
    Reject.CHUNK_SHAPE: HTTPStatus.NOT_FOUND,
}
"""Of what is not there. Else a request that is refused is in conflict with how things stand."""


class Refused(Exception):
    """A request that is not answered with what it asks for."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.headers = headers
        self.reason = reason

    def response(self) -> Response:
        """The answer that says so."""
        title = self.status.phrase
        body = Problem(
            type=f"urn:truestep:problem:{title.lower().replace(' ', '-')}",
            title=title,
            status=self.status,
            detail=str(self),
            reason=self.reason,
        )
        headers = {**HEADERS, **(self.headers or {})}
        return Response(body.model_dump_json(exclude_none=True), self.status, headers, PROBLEM_TYPE)


def refused(error: Rejected) -> Refused:
    """The refusal of what the chain or the client refuses. A store that lies is as good as none."""
    if error.reason in LIES:
        return unavailable()
    status = _STATUS.get(error.reason, HTTPStatus.CONFLICT)
    return Refused(status, one_line(str(error)), reason=error.reason.value)


def unavailable(seconds: int = RETRY_SECONDS) -> Refused:
    """The refusal while something outside fails. What failed is not said: a node's URL may hold a key."""
    detail = "a node or a store that this answer needs does not answer at the moment; try again"
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(seconds)})
