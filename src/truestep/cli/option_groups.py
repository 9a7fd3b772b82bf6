"""Groups of options that several commands share: a dataclass whose fields are the options."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter
from typing import Any, cast


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with each dataclass parameter replaced by one option per field."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type[Any]] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(cast("object", parameter.annotation))
    }

    @functools.wraps(command)
    def run(**options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **options)

    flat = [each for parameter in signature.parameters.values() for each in _options(parameter)]
    run.__dict__["__signature__"] = signature.replace(parameters=flat)
    return run


def _options(parameter: Parameter) -> Iterator[Parameter]:
    if not is_dataclass(parameter.annotation):
        yield parameter.replace(kind=Parameter.KEYWORD_ONLY)
        return
    for field in fields(parameter.annotation):
        default = Parameter.empty if field.default is MISSING else field.default
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=field.type)
