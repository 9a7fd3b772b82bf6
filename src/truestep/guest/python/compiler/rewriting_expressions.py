"""Expressions that Numba cannot read: formatted strings, generators as arguments, comprehensions of sets."""

import ast
import ctypes
import functools
import itertools
import re
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler import builtin_functions, numerals, printing, texts
from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.containers import copied, either, merged
from truestep.guest.python.compiler.format_fields import Fields
from truestep.guest.python.compiler.iteration import chained, product_repeated, reduced
from truestep.guest.python.compiler.linear.products import cross_along
from truestep.guest.python.compiler.name_uses import names_in_errors
from truestep.guest.python.compiler.numpy_functions.creation import array_with_options, built_list
from truestep.guest.python.compiler.numpy_functions.kinds import result_type_of
from truestep.guest.python.compiler.numpy_functions.operands import with_options
from truestep.guest.python.compiler.numpy_functions.shapes import squeezed_axes
from truestep.guest.python.compiler.rewriting_axes import assigned_once, axes_of_one, squeezed
from truestep.guest.python.compiler.rewriting_grids import Misused, index_trick, mapped_call
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.rewriting_outputs import number_of_cross, stored_output
from truestep.guest.python.compiler.stand_ins import method_in_guests

_CONSUMERS: tuple[Any, ...] = (
    sum,
    any,
    all,
    min,
    max,
    sorted,
    list,
    set,
    frozenset,
    dict,
    tuple,
    enumerate,
    reversed,
)
"""Functions of Python that take all items of a generator, which may as well be a list."""

_PLAIN = (abs, all, any, bool, float, int, len, max, min, repr, round, sorted, str, sum)
"""Functions of Python that change nothing that they are given."""

_CONSUMING_MODULES = {"math", "numpy", "statistics", "collections", "functools"}
_CONSUMING_METHODS = {"join", "extend", "update"}

_PERCENT = re.compile(
    r"%(?:\((?P<name>[^)]*)\))?(?P<flags>[-+ 0#]*)(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?)?"
    r"[hlL]?(?P<kind>.)"
)


def _is_plain(called: Any) -> bool:
    """Whether a function changes nothing that it is given."""
    return any(called is each for each in _PLAIN) or getattr(called, "__module__", "") == "math"


def _constant(number: int) -> ast.expr:
    """A number as it is written; a negative one is an operation."""
    return ast.Constant(number) if number >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-number))


class ExpressionRewriter(ast.NodeTransformer):
    """Rewrites the expressions of one function."""

    def __init__(self, names: Names, function: FunctionType) -> None:
        self._names = names
        self._function = function
        self.has_changed = False
        self._values: dict[str, ast.expr] | None = None
        self._texts_of_errors: set[str] = set()
        self._is_error = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Names that the outermost function sets once stand for what they are set to."""
        if self._values is None:
            self._values = assigned_once(node)
            self._texts_of_errors = names_in_errors(node)
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """What is wrong, of which nobody takes the numbers apart."""
        return self._of_error(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """As `raise`."""
        node.test = self.visit(node.test)
        node.msg = node.msg and self._of_error(node.msg)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """A text that is used for errors alone."""
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        is_error = len(names) == len(node.targets) and names <= self._texts_of_errors
        return self._of_error(node) if is_error else self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """As `=`."""
        is_error = isinstance(node.target, ast.Name) and node.target.id in self._texts_of_errors
        return self._of_error(node) if is_error else self.generic_visit(node)

    def _of_error(self, node: Any) -> Any:
        """The parts of a text that nobody but a reader of the message sees."""
        before, self._is_error = self._is_error, True
        changed = self.visit(node) if isinstance(node, ast.expr) else self.generic_visit(node)
        self._is_error = before
        return changed

    def _replace(self, node: ast.expr, replacement: ast.expr) -> ast.expr:
        self.has_changed = True
        ast.copy_location(replacement, node)
        return ast.fix_missing_locations(replacement)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """`table.get(key) or 0`: which is never None."""
        self.generic_visit(node)
        value, default = node.values[0], node.values[-1]
        is_get = isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "get"
        if len(node.values) > 2 or isinstance(node.op, ast.And) or not is_get:
            return node
        if not isinstance(default, ast.Constant) or default.value is None:
            return node
        return self._replace(node, self._names.call("either", either, value, default))

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        """`{f(x) for x in y}` is `set([f(x) for x in y])`."""
        self.generic_visit(node)
        items = ast.ListComp(elt=node.elt, generators=node.generators)
        return self._replace(node, self._names.call("set", set, ast.copy_location(items, node)))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`np.r_[…]` and its like are calls."""
        self.generic_visit(node)
        try:
            call = index_trick(node, self._names)
        except Misused as error:
            raise self._complaint(node, *error.args) from None
        return node if call is None else self._replace(node, call)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`ctypes.c_int64(n).value` is the number as so many bits hold it; `np.broadcast(…).shape`."""
        self.generic_visit(node)
        method = method_in_guests(self._names.value(node)) if isinstance(node.ctx, ast.Load) else None
        if method is not None:
            return self._replace(node, self._names.helper(method.__name__, method))
        shape = self._broadcast_shape(node)
        if shape is not None:
            return self._replace(node, shape)
        call = node.value
        if node.attr != "value" or not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
            return node
        kind = self._names.value(call.func)
        if not any(kind is integer for integer in numerals.C_INTEGERS):
            return node
        bits, is_signed = ast.Constant(8 * ctypes.sizeof(kind)), ast.Constant(kind(-1).value < 0)
        number = self._names.call("in_bits", numerals.in_bits, call.args[0], bits, is_signed)
        return self._replace(node, number)

    def _broadcast_shape(self, node: ast.Attribute) -> ast.expr | None:
        """`np.broadcast(a, b).shape` is the shape that `np.broadcast_shapes` gives."""
        made = node.value
        if node.attr != "shape" or not isinstance(made, ast.Call) or made.keywords:
            return None
        is_starred = any(isinstance(part, ast.Starred) for part in made.args)
        if is_starred or self._names.value(made.func) is not np.broadcast:
            return None
        shapes = [self._names.call("shape", np.shape, part) for part in made.args]
        return self._names.call("broadcast_shapes", np.broadcast_shapes, *shapes)

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        """`{**a, 1: b}` is one dictionary after another."""
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                parts.append(value)
            elif parts and isinstance(last := parts[-1], ast.Dict) and last is not value:
                last.keys.append(key)
                last.values.append(value)
            else:
                parts.append(ast.Dict(keys=[key], values=[value]))
        if None not in node.keys:
            return node
        merged_so_far = self._names.call("copied", copied, parts[0])
        for part in parts[1:]:
            merged_so_far = self._names.call("merged", merged, merged_so_far, part)
        return self._replace(node, merged_so_far)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string is a sum of strings. What a later call may change is a text before that call."""
        changing = [place for place, part in enumerate(node.values) if self._may_change(part)]
        for place, part in enumerate(node.values[: changing[-1]] if changing else []):
            if isinstance(part, ast.FormattedValue) and not isinstance(part.value, ast.Constant):
                text = ast.JoinedStr(values=[part])
                node.values[place] = ast.FormattedValue(value=text, conversion=-1, format_spec=None)
        return self._replace(node, self._joined(node))

    def _may_change(self, part: ast.expr) -> bool:
        """Whether a value of an f-string may change another one: whether it calls a function that may."""
        return isinstance(part, ast.FormattedValue) and any(
            isinstance(each, ast.Call) and not _is_plain(self._names.value(each.func))
            for each in ast.walk(part)
        )

    def _joined(self, node: ast.JoinedStr) -> ast.expr:
        """Texts and values with specifications by turns, as `texts.joined` takes them."""
        parts: list[ast.expr] = [ast.Constant("")]
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                parts += [*self._value_and_specification(part), ast.Constant("")]
            elif isinstance(part, ast.Constant):
                parts[-1] = ast.Constant(f"{_text_of(parts[-1])}{part.value}")
        if len(parts) == 1:
            return parts[0]
        if self._is_error:
            return self._names.call("joined_for_error", texts.joined_for_error, *parts)
        return self._names.call("joined", texts.joined, *parts)

    def _value_and_specification(self, part: ast.FormattedValue) -> tuple[ast.expr, ast.expr]:
        value = self.visit(part.value)
        specification: ast.expr = ast.Constant("")
        if isinstance(part.format_spec, ast.JoinedStr):
            specification = self._joined(part.format_spec)
        is_plain = _text_of(specification) == ""
        if part.conversion == ord("r"):
            if is_plain:
                return value, ast.Constant("!r")
            value = self._names.call("repr", repr, value)
        elif part.conversion == ord("s") and self._is_error and is_plain:
            return value, ast.Constant("!s")
        elif part.conversion == ord("s"):
            value = self._names.call("str", str, value)
        elif part.conversion != -1:
            raise self._complaint(part, "a guest has no conversion !a", "write {x!r} or {x}")
        return value, specification

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`"%.2f" % x` is an f-string."""
        text = _text_of(node.left)
        if isinstance(node.op, ast.Mod) and text is not None:
            return self._replace(node, self._percent(node, text))
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def _percent(self, node: ast.BinOp, text: str) -> ast.expr:
        values = list(node.right.elts) if isinstance(node.right, ast.Tuple) else [node.right]
        parts: list[ast.expr] = []
        place = 0
        for match in _PERCENT.finditer(text):
            parts.append(ast.Constant(text[place : match.start()]))
            place = match.end()
            if match["kind"] == "%":
                parts.append(ast.Constant("%"))
                continue
            if match["name"] or "*" in (match["width"], match["precision"]) or not values:
                what = "a guest cannot format by this text and these values"
                raise self._complaint(node, what, "write an f-string")
            parts.append(self._percent_part(node, match, values.pop(0)))
        if values:
            raise self._complaint(node, "there are more values than places in the text", "write an f-string")
        parts.append(ast.Constant(text[place:]))
        return self._joined(ast.JoinedStr(values=parts))

    def _percent_part(self, node: ast.AST, match: "re.Match[str]", value: ast.expr) -> ast.FormattedValue:
        """Every value stands on the right, unless there is a `-`."""
        kind, flags = match["kind"], match["flags"]
        is_text = kind in "sr"
        if kind in "diu":
            value, kind = self._names.call("int", int, value), "d"
        elif kind in "eEfFgG":
            value = self._names.call("float", float, value)
        elif not is_text and kind not in "xXo":
            raise self._complaint(node, f"a guest has no format %{match['kind']}", "write an f-string")
        align = "<" if "-" in flags else ">" if is_text or "0" not in flags else ""
        sign = "" if is_text else "+" if "+" in flags else " " if " " in flags else ""
        alternate = "#" if "#" in flags and not is_text else ""
        zero = "0" if "0" in flags and "-" not in flags and not is_text else ""
        precision = f".{match['precision'] or 0}" if "." in match[0] else ""
        if precision and kind in "dxXo":
            what = f"a guest has no {match[0]}"
            raise self._complaint(node, what, "leave out the point, or write an f-string")
        text = f"{align}{sign}{alternate}{zero}{match['width'] or ''}{precision}{'' if is_text else kind}"
        specification = ast.Constant(text if not is_text or match["width"] or precision else "")
        conversion = ord(kind) if is_text else -1
        return ast.FormattedValue(
            value=value, conversion=conversion, format_spec=ast.JoinedStr(values=[specification])
        )

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Calls with generators, of print with a separator, of min and max with a key, of str.format."""
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):
            formatted = self._formatted(node, node.func)
            if formatted is not None:
                return self._replace(node, self.visit(formatted))
        other = stored_output(node, self._names) or number_of_cross(node, self._names)
        if other is not None:
            return self._replace(node, self.generic_visit(other))  # pyright: ignore[reportArgumentType]
        called = self._names.helpers.get(getattr(node.func, "id", "")) or self._names.value(node.func)
        if self._consumes(node.func, called):
            for index, argument in enumerate(node.args):
                if isinstance(argument, ast.GeneratorExp):
                    items = ast.ListComp(elt=argument.elt, generators=argument.generators)
                    node.args[index] = ast.copy_location(items, argument)
                    self.has_changed = True
        if self._is_error and (called is str or called is repr) and len(node.args) == 1 and not node.keywords:
            value = ast.FormattedValue(value=node.args[0], conversion=-1 if called is str else ord("r"))
            return self._replace(node, self._joined(ast.JoinedStr(values=[value])))
        if called is print and node.keywords:
            return self._replace(node, self._printed(node))
        if called == itertools.chain.from_iterable and len(node.args) == 1:
            return self._replace(node, self._names.call("chained", chained, self.visit(node.args[0])))
        if isinstance(called, np.ufunc) and node.keywords:
            self._ufunc_with_options(node, called)
        if called is np.array or called is np.asarray:
            self._keep_lists(node)
        self._other_function(node, called)
        if called is np.cross and [part.arg for part in node.keywords] == ["axis"] and len(node.args) == 2:
            along = self._names.call("cross_along", cross_along, *node.args, node.keywords[0].value)
            return self._replace(node, self.generic_visit(along))  # pyright: ignore[reportArgumentType]
        squeezes = squeezed(node, self._names)
        axes = [] if squeezes is None else sorted(axes_of_one(squeezes, self._names, self._values or {}))
        if squeezes is not None and axes:
            places = ast.Tuple(elts=[_constant(axis) for axis in axes], ctx=ast.Load())
            call = self._names.call("squeezed_axes", squeezed_axes, self.visit(squeezes), places)
            return self._replace(node, call)
        if called is pow and len(node.args) == 2 and not node.keywords:
            power = ast.BinOp(left=node.args[0], op=ast.Pow(), right=node.args[1])
            return self._replace(node, self.generic_visit(power))  # pyright: ignore[reportArgumentType]
        if called is functools.reduce:
            node.func = self._names.helper("reduced", reduced)
            self.has_changed = True
        if called is itertools.product and node.keywords:
            return self._product(node)
        if called is tuple and len(node.args) == 1 and isinstance(node.args[0], ast.List):
            items = ast.Tuple(elts=node.args[0].elts, ctx=ast.Load())
            return self._replace(node, self.generic_visit(items))  # pyright: ignore[reportArgumentType]
        if called is min or called is max:
            return self._extreme(node, is_least=called is min)
        try:
            call = mapped_call(node, self._names)
        except Misused as error:
            raise self._complaint(node, *error.args) from None
        if call is not None:
            return self._replace(node, self.generic_visit(call))  # pyright: ignore[reportArgumentType]
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def _other_function(self, node: ast.Call, called: Any) -> None:
        """Functions of ours that take options, or a list, where Numba's do not."""
        if called is np.array and {part.arg for part in node.keywords} & {"copy", "order", "ndmin"}:
            node.func = self._names.helper("array_with_options", array_with_options)
            self.has_changed = True
        if called is np.result_type and len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            node.func = self._names.helper("result_type_of", result_type_of)
            node.args = [node.args[0].value]
            self.has_changed = True

    def _keep_lists(self, node: ast.Call) -> None:
        """`np.array([f(row) for row in m])` is made of a list.

        Numba makes the array at once, which works for numbers if it knows beforehand how many there are.
        """
        made = node.args[0] if node.args else None
        if not isinstance(made, ast.ListComp):
            return
        sources = [generator.iter for generator in made.generators]
        is_counted = all(isinstance(s, ast.Call) and self._names.value(s.func) is range for s in sources)
        targets = {
            part.id for g in made.generators for part in ast.walk(g.target) if isinstance(part, ast.Name)
        }
        used = {part.id for part in ast.walk(made.elt) if isinstance(part, ast.Name)}
        is_of_counters = used <= targets and not any(
            isinstance(part, ast.List) for part in ast.walk(made.elt)
        )
        if is_counted and is_of_counters:
            return
        node.args[0] = self._names.call("built_list", built_list, made)
        self.has_changed = True

    def _ufunc_with_options(self, node: ast.Call, ufunc: np.ufunc) -> None:
        """`dtype=`, `out=` and `where=` are arguments of a function of ours; `out=` alone of the ufunc."""
        named = {part.arg: part.value for part in node.keywords}
        out = named.get("out")
        unknown = sorted(str(name) for name in set(named) - {"dtype", "out", "where"})
        if unknown:
            what = f"a guest's np.{ufunc.__name__} has no {unknown[0]}="
            raise self._complaint(node, what, "leave it out, and convert the arguments with astype")
        if len(node.args) != ufunc.nin or ufunc.nout != 1 or isinstance(out, ast.Tuple):
            what = f"a guest's np.{ufunc.__name__} takes its arguments, and no options beside"
            raise self._complaint(node, what, "compute it without options, and copy the result: out[:] = …")
        self.has_changed = True
        node.keywords = []
        if set(named) == {"out"} and not isinstance(out, ast.Constant):
            node.args.append(named["out"])
            return
        options = [named.get(name, ast.Constant(None)) for name in ("dtype", "out", "where")]
        node.args = [node.func, *options, *node.args]
        node.func = self._names.helper("with_options", with_options)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        """One that is not the argument of a function that takes all its items."""
        raise self._complaint(
            node,
            "a guest cannot keep a generator expression",
            "write a list, as in [f(x) for x in y], or a function with yield",
        )

    @staticmethod
    def _consumes(function: ast.expr, called: Any) -> bool:
        if any(called is consumer for consumer in _CONSUMERS):
            return True
        if isinstance(function, ast.Attribute) and function.attr in _CONSUMING_METHODS and called is None:
            return True
        return (getattr(called, "__module__", None) or "").partition(".")[0] in _CONSUMING_MODULES

    def _printed(self, node: ast.Call) -> ast.expr:
        named = {keyword.arg: self.visit(keyword.value) for keyword in node.keywords}
        unknown = set(named) - {"sep", "end", "flush"}
        if unknown:
            raise self._complaint(
                node,
                f"print in a guest does not know {sorted(map(str, unknown))[0]}=",
                "leave it out: print writes to the debug stream",
            )
        separator, end = named.get("sep", ast.Constant(" ")), named.get("end", ast.Constant("\n"))
        for index, given in enumerate((separator, end)):
            if isinstance(given, ast.Constant) and given.value is None:
                separator, end = (ast.Constant(" "), end) if index == 0 else (separator, ast.Constant("\n"))
        values = [self.visit(argument) for argument in node.args]
        return self._names.call("print_with", printing.print_with, separator, end, *values)

    def _product(self, node: ast.Call) -> ast.expr:
        """With `repeat=`."""
        if len(node.args) != 1:
            what = "a guest's itertools.product takes one iterable together with repeat="
            raise self._complaint(node, what, "write the iterables one after another")
        given = [self.visit(part) for part in (node.args[0], node.keywords[0].value)]
        return self._replace(node, self._names.call("product_repeated", product_repeated, *given))

    def _extreme(self, node: ast.Call, *, is_least: bool) -> ast.expr:
        self.generic_visit(node)
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        key, default = named.get("key"), named.get("default")
        if isinstance(key, ast.Constant) and key.value is None:
            key = None
        if not node.args or (key is None and default is None):
            return node
        items = node.args[0] if len(node.args) == 1 else ast.Tuple(elts=node.args, ctx=ast.Load())
        kind = "least" if is_least else "greatest"
        name = f"{kind}{'_by' if key else ''}{'_or' if default else ''}"
        given = [part for part in (items, key, default) if part is not None]
        return self._replace(node, self._names.call(name, getattr(builtin_functions, name), *given))

    def _formatted(self, node: ast.Call, function: ast.Attribute) -> ast.expr | None:
        """The f-string of `"…".format(…)`; None if it is something else."""
        text = function.value.value if isinstance(function.value, ast.Constant) else None
        if function.attr != "format" or not isinstance(text, str):
            return None
        named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        fields = Fields(node.args, named)
        formatted = fields.parse(text)
        if formatted is None or len(named) != len(node.keywords):
            raise self._complaint(
                node, "a guest cannot format by this text and these values", "write an f-string"
            )
        return formatted

    def _complaint(self, node: ast.AST, what: str, remedy: str) -> Complaint:
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)


def _text_of(part: ast.expr) -> str | None:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else None
