"""Special methods that are called by their names: `x.__len__()` is `len(x)`."""

import ast

from truestep.guest.python.compiler.rewriting_names import Names

_FUNCTIONS = {"__len__": "len", "__str__": "str", "__repr__": "repr", "__abs__": "abs", "__iter__": "iter"}
_UNARY: dict[str, type[ast.unaryop]] = {"__neg__": ast.USub, "__pos__": ast.UAdd, "__invert__": ast.Invert}
_BINARY: dict[str, type[ast.operator]] = {
    "__add__": ast.Add, "__sub__": ast.Sub, "__mul__": ast.Mult, "__truediv__": ast.Div,
    "__floordiv__": ast.FloorDiv, "__mod__": ast.Mod, "__pow__": ast.Pow, "__and__": ast.BitAnd,
    "__or__": ast.BitOr, "__xor__": ast.BitXor, "__matmul__": ast.MatMult,
}  # fmt: skip
_COMPARED: dict[str, type[ast.cmpop]] = {
    "__eq__": ast.Eq, "__ne__": ast.NotEq, "__lt__": ast.Lt, "__le__": ast.LtE, "__gt__": ast.Gt,
    "__ge__": ast.GtE,
}  # fmt: skip


def without_special_name(node: ast.Call, names: Names) -> ast.expr | None:
    """What is written instead of the call of a special method; None for all other calls."""
    function = node.func
    if not isinstance(function, ast.Attribute) or node.keywords or not function.attr.startswith("__"):
        return None
    if any(isinstance(part, ast.Starred) for part in node.args) or _is_super(function.value, names):
        return None
    if names.value(function.value) is not None:
        return None  # a class, whose function is called
    return _written(function.value, function.attr, node.args)


def _written(owner: ast.expr, name: str, given: list[ast.expr]) -> ast.expr | None:
    if not given:
        if name in _UNARY:
            return ast.UnaryOp(op=_UNARY[name](), operand=owner)
        called = _FUNCTIONS.get(name)
        return (
            None
            if called is None
            else ast.Call(func=ast.Name(id=called, ctx=ast.Load()), args=[owner], keywords=[])
        )
    if len(given) != 1:
        return None
    if name in _BINARY:
        return ast.BinOp(left=owner, op=_BINARY[name](), right=given[0])
    if name in _COMPARED:
        return ast.Compare(left=owner, ops=[_COMPARED[name]()], comparators=given)
    if name == "__contains__":
        return ast.Compare(left=given[0], ops=[ast.In()], comparators=[owner])
    return ast.Subscript(value=owner, slice=given[0], ctx=ast.Load()) if name == "__getitem__" else None


def _is_super(node: ast.expr, names: Names) -> bool:
    return isinstance(node, ast.Call) and names.value(node.func) is super
