"""What a gateway can be asked: a row for each. Routes and the OpenAPI document are made from the rows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from truestep.gateway.parameters import Parameter, Values

JSON, STREAM, BYTES = "application/json", "text/event-stream", "application/octet-stream"
LIGHT, MEDIUM, HEAVY = 1.0, 4.0, 20.0
"""Tokens of a client's rate: an answer out of memory, one that asks a node, one that reads outputs."""
Handler = Callable[[Request, Values], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request that is understood."""

    name: str
    method: Literal["GET", "POST"] = "GET"
    path: str
    summary: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    answer: type[BaseModel] | None = None
    """What a JSON answer holds; None for other answers, and for JSON that has a format of its own."""
    kind: str = JSON
    statuses: tuple[int, ...] = (200,)
    refusals: tuple[int, ...] = ()
    """Besides those that every operation has."""
    body: type[BaseModel] | None = None
    needs_token: bool = False
    cost: float = LIGHT
