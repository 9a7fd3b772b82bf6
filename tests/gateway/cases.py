"""Requests that schemathesis makes up out of the OpenAPI document, right and wrong ones, against a gateway.

    python -m tests.gateway.cases --cases 10000 --seed 1

plays them against a gateway of a small network. An answer of 500 or above, another form than the document
says, or wrong input that is accepted, is a failure, with the request that repeats it.
"""

from __future__ import annotations

import argparse
import collections
import json
import time
from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis import seed as seeded
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.dashboard.stories import GAME, HONEST
from tests.gateway.telling import whole_gateway
from truestep.adapters.web_server import WebServer

KNOWN = {"job_id": 1, "shard_index": 1, "address": HONEST, "game_id": str(GAME)}
"""Of what the network has."""
UNMET = (positive_data_acceptance,)
"""Of orders: 1.0 is an integer for JSON Schema, and an order says 1."""
SUPPRESSED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def play(url: str, cases: int, seed: int, headers: Mapping[str, str]) -> collections.Counter[int]:
    """Play so many cases or a few more. Returns how many answers had each status."""
    schema: Any = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    answers: collections.Counter[int] = collections.Counter()
    session = requests.Session()
    while answers.total() < cases:  # an operation may have fewer different cases than it should play
        each = -(-(cases - answers.total()) // (2 * len(operations)))
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _play(operation.as_strategy(mode), mode, each, seed, session, answers, dict(headers))
        seed += 1
    return answers


def _play(
    strategy: Any,
    mode: GenerationMode,
    cases: int,
    seed: int,
    session: requests.Session,
    answers: collections.Counter[int],
    headers: dict[str, str],
) -> None:
    @seeded(seed)
    @settings(
        max_examples=cases, database=None, deadline=None, derandomize=False, suppress_health_check=SUPPRESSED
    )
    @given(case=strategy, is_known=strategies.booleans())
    def one(case: Any, is_known: bool) -> None:
        if is_known and mode is GenerationMode.POSITIVE:  # else nearly all ids are of nothing
            case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
        answer = case.call(session=session, headers=headers)
        answers[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=[*UNMET] if case.method == "POST" else [])

    try:
        one()
    except Unsatisfiable:
        return  # an operation without parameters has no wrong ones


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    gateway, headers = whole_gateway()
    server = WebServer(gateway.app())
    try:
        answers = play(server.url, arguments.cases, arguments.seed, headers)
    finally:
        server.close()
    print(
        json.dumps(
            {"seed": arguments.seed, "cases": answers.total(), "answers": dict(sorted(answers.items()))}
        )
    )


if __name__ == "__main__":
    main()
