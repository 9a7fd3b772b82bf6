"""`f(*items)` of a function with `*args`, where the number of items is known when the guest runs.

The items are handed over as one tuple of any length, in the place of the arguments, and taken out first.
"""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import ast
import inspect
from typing import Any

from numba.core import cgutils, imputils, types
from numba.core.datamodel.registry import register_default
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.item_tuples import ItemTuple, _ItemTupleModel, tuple_of
from truestep.guest.python.compiler.ownership import is_ours, is_users_class, is_users_function
from truestep.guest.python.compiler.rewriting_names import Names


class Packed(types.Type):
    """All arguments of `*args` in one."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        kind: Any = super()
        kind.__init__(f"arguments of {dtype}")

    @property
    def held(self) -> Any:
        """The type of the list."""
        return types.List(self.dtype)


register_default(Packed)(_ItemTupleModel)


def pack(items: Any) -> Any:
    """The items as arguments. Compiled only."""
    raise NotImplementedError


@overload(pack, strict=False)
def _pack(items: Any) -> Any:
    if isinstance(items, types.BaseTuple):
        return lambda items: items
    return lambda items: (_packed(tuple_of([item for item in items])),)  # noqa: C416 - a list of its own


@intrinsic
def _packed(typing_context: Any, items: Any) -> Any:
    del typing_context
    if not isinstance(items, ItemTuple):
        return None
    return Packed(items.dtype)(items), _same


@intrinsic
def unpack(typing_context: Any, arguments: Any) -> Any:
    """The tuple of what was handed over."""
    del typing_context
    kind = ItemTuple(arguments.types[0].dtype)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _same(context, builder, signature, [builder.extract_value(given[0], 0)])

    return kind(arguments), generate


def _same(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
    made.held = builder.extract_value(arguments[0], 0)
    return imputils.impl_ret_borrowed(context, builder, signature.return_type, made._getvalue())


def takes_any_number(called: Any, given: int) -> bool:
    """Whether the arguments after so many are those of `*args`."""
    called = getattr(called, "py_func", called)
    if not (is_users_function(called) or is_users_class(called)) or is_ours(called):
        return False
    parameters = list(inspect.signature(called, follow_wrapped=False).parameters.values())
    kinds = [parameter.kind for parameter in parameters]
    return kinds.count(inspect.Parameter.VAR_POSITIONAL) == 1 and (
        kinds.index(inspect.Parameter.VAR_POSITIONAL) == given
    )


def unpack_first(tree: Any, names: Names, kinds: Any) -> bool:
    """Take the arguments out at the beginning of a function that was given them in one; whether it was."""
    vararg = tree.args.vararg if isinstance(tree, ast.FunctionDef) else None
    is_packed = vararg is not None and any(_is_packed(kind) for kind in kinds or ())
    if vararg is None or not is_packed:
        return False
    given = ast.Name(id=vararg.arg, ctx=ast.Load())
    first = ast.Assign(
        targets=[ast.Name(id=vararg.arg, ctx=ast.Store())], value=names.call("unpack", unpack, given)
    )
    tree.body.insert(0, ast.fix_missing_locations(ast.copy_location(first, tree.body[0])))
    return True


def _is_packed(kind: Any) -> bool:
    return isinstance(kind, types.BaseTuple) and len(kind) == 1 and isinstance(kind.types[0], Packed)
