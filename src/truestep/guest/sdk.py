"""The names that a Python guest imports: `@truestep.guest` and `truestep.Task`. Needs no compiler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., Any])

DECLARATION = "__truestep_guest__"
"""The attribute by which the build finds a guest."""


class Task(NamedTuple):
    """What a guest knows about the job besides its input.

    It is a named tuple because compiled code can pass, build and unpack those.
    """

    seed: npt.NDArray[np.uint8]
    """The job's 32 random bytes; all shards have the same."""
    shard_index: int
    shard_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The arguments of the decorator."""

    input: Any
    output: Literal["raw", "npy"] | None


@overload
def guest(function: Function, /) -> Function: ...
@overload
def guest(
    *, input: str | np.dtype[Any] | None = None, output: Literal["raw", "npy"] | None = None
) -> Callable[[Function], Function]: ...
def guest(
    function: Function | None = None,
    /,
    *,
    input: Any = None,
    output: Literal["raw", "npy"] | None = None,
) -> Function | Callable[[Function], Function]:
    """Mark a function as a guest's entry. It remains a plain Python function.

    The function takes `(input)` or `(task, input)` and returns the output. Without a type, `input` is a
    C-contiguous uint8 array of the input's bytes, and the bytes of the returned array are the output. With
    `input="float64[:, :]"` (or an annotation with a dtype) the input is a .npy file of that dtype and number
    of dimensions, and so is the output; `output="raw"` or `output="npy"` overrides the format of the output.
    """

    def declare(declared: Function) -> Function:
        if output not in {None, "raw", "npy"}:
            raise ValueError(f'expected output="raw" or output="npy", got {output!r}')
        setattr(declared, DECLARATION, Declaration(input=input, output=output))
        return declared

    return declare if function is None else declare(function)
