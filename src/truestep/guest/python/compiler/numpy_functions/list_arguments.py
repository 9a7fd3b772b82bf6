"""Lists in calls of NumPy, such as `np.vstack([a, b])`, are tuples: their items may have different types."""

from typing import Any

from numba.core import ir, ir_utils, rewrites

_FUNCTIONS = {
    "concatenate", "concat", "stack", "vstack", "hstack", "dstack", "column_stack", "lexsort", "select",
    "transpose", "zeros", "ones", "empty", "full", "reshape", "tile", "broadcast_to", "block",
    "permute_dims", "tensordot", "choose", "moveaxis", "histogram2d",
}  # fmt: skip
_METHODS = {"reshape", "transpose"}
_ITEMS_MAX = 32
"""Longer lists remain lists: each item of a tuple is compiled by itself."""

_register: Any = rewrites.register_rewrite
_ir_utils: Any = ir_utils


def install_list_arguments() -> None:
    """Let Numba rewrite them before it infers types."""
    _register("before-inference")(_ListArguments)


class _ListArguments(rewrites.Rewrite):
    """Makes a tuple of a list that is built for one call and used by nothing else."""

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        """Whether the block has such a list."""
        del typemap, calltypes
        self._block, self._definitions = block, func_ir._definitions
        self._lists: set[str] = set()
        for call in block.find_exprs(op="call"):
            if _takes_tuples(_ir_utils.guard(_ir_utils.find_callname, func_ir, call)):
                for argument in (*call.args, *(value for _, value in call.kws)):
                    self._collect(argument)
        return bool(self._lists)

    def _collect(self, variable: Any) -> None:
        definitions = self._definitions.get(variable.name, [])
        built: Any = definitions[0] if len(definitions) == 1 else None
        if isinstance(built, ir.Expr) and built.op == "build_tuple":
            for item in built.items:
                self._collect(item)
        if not _is_list(built) or not 0 < len(built.items) <= _ITEMS_MAX:
            return
        if not variable.name.startswith("$"):
            return  # a name of the user's, which may be used elsewhere
        self._lists.add(variable.name)
        for item in built.items:
            self._collect(item)

    def apply(self) -> Any:
        """The block with tuples."""
        block = self._block.copy()
        block.clear()
        for statement in self._block.body:
            changed = statement
            if isinstance(statement, ir.Assign) and statement.target.name in self._lists:
                value = ir.Expr.build_tuple(statement.value.items, statement.value.loc)
                self._definitions[statement.target.name] = [value]
                changed = ir.Assign(value, statement.target, statement.loc)
            block.append(changed)
        return block


def _is_list(value: Any) -> bool:
    return isinstance(value, ir.Expr) and value.op == "build_list"


def _takes_tuples(name: Any) -> bool:
    if not name:
        return False
    function, owner = name
    return function in _FUNCTIONS if owner == "numpy" else not isinstance(owner, str) and function in _METHODS
