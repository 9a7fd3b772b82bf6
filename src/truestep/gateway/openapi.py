"""The OpenAPI 3.1 document of a gateway, made from its operations and documents."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import truestep
from truestep.gateway.documents import Problem
from truestep.gateway.operations import JSON, Operation
from truestep.gateway.problems import PROBLEM_TYPE

DESCRIPTION = (
    "Jobs, results and disputes of a truestep network. Everybody may read; orders need a token."
    " Whatever is refused is said as application/problem+json (RFC 9457)."
)
_SCHEMAS = "#/components/schemas/"
_SCHEME = "token"
_ANSWERS: JsonSchemaMode = "serialization"
_BODIES: JsonSchemaMode = "validation"


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document."""
    rows = tuple(operations)
    models: dict[type[BaseModel], JsonSchemaMode] = {Problem: _ANSWERS}
    models |= {row.answer: _ANSWERS for row in rows if row.answer is not None}
    models |= {row.body: _BODIES for row in rows if row.body is not None}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = list(models.items())
    _, schemas = models_json_schema(modes, ref_template=f"{_SCHEMAS}{{model}}")
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    components: dict[str, Any] = {"schemas": schemas["$defs"]}
    if any(row.needs_token for row in rows):
        components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "truestep gateway", "version": truestep.__version__, "description": DESCRIPTION},
        "paths": paths,
        "components": components,
    }


def _operation(row: Operation) -> dict[str, Any]:
    refusals = {429, 500, 503, *row.refusals}
    if row.parameters or row.method == "GET":
        refusals.add(400)  # no operation takes a parameter that it does not know
    if any(each.place == "path" for each in row.parameters):
        refusals.add(404)
    found: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.summary,
        "parameters": [_parameter(each) for each in row.parameters],
        "responses": {
            **{str(status): _success(row, status) for status in row.statuses},
            **{str(status): _refusal(status) for status in sorted(refusals)},
        },
    }
    if row.body is not None:
        schema = {"$ref": _SCHEMAS + row.body.__name__}
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if row.needs_token:
        found["security"] = [{_SCHEME: list[str]()}]
        found["responses"]["401"] = _refusal(401)
    return found


def _success(row: Operation, status: int) -> dict[str, Any]:
    described = row.summary if status == 200 else HTTPStatus(status).phrase
    return {"description": described, "content": {row.kind: _content(row)}}


def _parameter(each: Any) -> dict[str, Any]:
    return {
        "name": each.name,
        "in": each.place,
        "required": each.place == "path",
        "description": each.words(),
        "schema": each.schema(),
    }


def _content(row: Operation) -> dict[str, Any]:
    if row.answer is not None:
        return {"schema": {"$ref": _SCHEMAS + row.answer.__name__}}
    return {"schema": {"type": "object"}} if row.kind == JSON else {}


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": f"{_SCHEMAS}Problem"}
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: {"schema": schema}}}
