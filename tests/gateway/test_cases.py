"""A sample of `make gateway-cases`."""

from __future__ import annotations

from tests.gateway.cases import play
from tests.gateway.telling import whole_gateway
from truestep.adapters.web_server import WebServer

CASES = 60


def test_made_up_requests_are_answered_as_the_document_says(seed: int) -> None:
    gateway, headers = whole_gateway()
    server = WebServer(gateway.app())
    try:
        answers = play(server.url, CASES, seed, headers)
    finally:
        server.close()
    assert answers.total() >= CASES and answers[200] > 0 and answers[404] > 0
