"""A sample of `make gateway-cases`."""

from __future__ import annotations

from tests.gateway.cases import play
from tests.gateway.conftest import MANY_PER_SECOND, reads_of
from tests.gateway.telling import TellingChain
from truestep.adapters.web_server import WebServer
from truestep.gateway.service import Gateway

CASES = 140


def test_made_up_requests_are_answered_as_the_document_says(seed: int) -> None:
    _, reads = reads_of(TellingChain())
    server = WebServer(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND).app())
    try:
        answers = play(server.url, CASES, seed)
    finally:
        server.close()
    assert answers.total() > CASES // 2 and answers[200] > 0 and answers[404] > 0
