"""`Counter`, `defaultdict` and `deque` in one function: dictionaries and lists, used as these would be.

A variable of such a class may not leave the function, and may not become text: it would be taken for an
ordinary dictionary or list.
"""

import ast
import collections
import copy
from collections.abc import Callable
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler import collection_calls, double_ended_queue, keyed_collections
from truestep.guest.python.compiler.collection_fields import fields_of_module
from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.ownership import is_users_class, is_users_function
from truestep.guest.python.compiler.rewriting_names import Names

_KINDS: dict[Any, str] = {
    collections.defaultdict: "defaultdict",
    collections.Counter: "Counter",
    collections.deque: "deque",
    collections.OrderedDict: "OrderedDict",
}
_DICTIONARIES = {"defaultdict", "Counter"}
"""These are plain dictionaries as variables of a function and as fields."""
_factories: dict[tuple[Any, str], FunctionType] = {}
"""The methods that make what is missing, by the function and the text of what they return."""

_READERS: tuple[Any, ...] = (
    *(len, sorted, list, set, tuple, sum, max, min, enumerate, any, all, bool, reversed, dict, zip),
)
_READING_METHODS = {"join", "extend", "update"}
_DICTIONARYS_METHODS = {"get", "items", "keys", "values", "pop", "setdefault", "clear"}
_METHODS = {
    "defaultdict": _DICTIONARYS_METHODS,
    "Counter": {*_DICTIONARYS_METHODS, "most_common", "update", "total"},
    "OrderedDict": set[str](),
    "deque": {
        *("append", "appendleft", "pop", "popleft", "extend", "extendleft", "rotate", "clear"),
        *("index", "count", "remove", "insert", "reverse"),
    },
}
_EMPTY: dict[Any, Any] = {
    int: "0",
    float: "0.0",
    str: "''",
    bool: "False",
    list: "[]",
    dict: "{}",
    set: "set()",
}


class _Splitter(ast.NodeTransformer):
    """Makes two statements of `queue, seen = deque(), set()`."""

    def __init__(self, kind_made: Callable[[ast.AST], str]) -> None:
        self._kind_made = kind_made

    def visit_Assign(self, node: ast.Assign) -> Any:
        """An assignment of such a value beside others."""
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple) or len(node.targets) > 1:
            return node
        if len(target.elts) != len(value.elts) or not any(map(self._kind_made, value.elts)):
            return node
        names = {part.id for part in target.elts if isinstance(part, ast.Name)}
        used = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
        if len(names) != len(target.elts) or names & used:
            return node
        pairs = zip(target.elts, value.elts, strict=True)
        return [ast.copy_location(ast.Assign(targets=[one], value=other), node) for one, other in pairs]


class CollectionRewriter(ast.NodeTransformer):
    """Rewrites their uses in one function."""

    def __init__(self, names: Names, function: FunctionType, tree: ast.AST) -> None:
        self._names = names
        self._function = function
        _Splitter(self._kind_made).visit(tree)
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._kinds = self._variables(tree)
        self._calls: dict[str, Any] = {}
        self._defaults = self._factories(tree)
        self._equalities: set[ast.AST] = set()
        self._temporaries = 0
        self.has_changed = False
        self._fields = fields_of_module(function)
        self._instances: set[ast.AST] = set()
        self._instances = self._made_as_instances(tree)

    def _made_as_instances(self, tree: ast.AST) -> set[ast.AST]:
        """The calls that make instances, because a list or dictionary in one function would not be enough."""
        calls = [node for node in ast.walk(tree) if self._kind_made(node)]
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        found: set[ast.AST] = set()
        for call in calls:
            target = self._target(call)
            uses = [part for part in names if part.id == target and isinstance(part.ctx, ast.Load)]
            kind = self._kind_made(call)
            if self._is_factory(self._parents.get(call)):
                continue
            is_plain = isinstance(call, ast.Call) and len(call.args) < 2 and not call.keywords
            is_plain = is_plain and kind != "OrderedDict"
            if is_plain and self._is_field_made(call):
                continue
            if not is_plain or not all(self._is_right(part, kind) for part in (call, *uses)):
                found.add(call)
        changed = {self._target(call) for call in found} - {""}
        self._kinds = {name: kind for name, kind in self._kinds.items() if name not in changed}
        self._defaults = {name: made for name, made in self._defaults.items() if name not in changed}
        return {call for call in calls if call in found or self._target(call) in changed}

    def _is_factory(self, node: ast.AST | None) -> bool:
        """Whether it is the lambda that makes what is missing in a default dictionary."""
        return isinstance(node, ast.Lambda) and self._kind_made(self._parents.get(node)) == "defaultdict"

    def _is_field_made(self, call: ast.AST) -> bool:
        """Whether a call makes what a field holds that is a plain dictionary in guests."""
        parent = self._parents.get(call)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else getattr(parent, "target", None)
        return isinstance(target, ast.Attribute) and target.attr in self._fields

    def _target(self, call: ast.AST) -> str:
        """The variable that holds what a call makes; empty if it is none or holds other things, too."""
        parent = self._parents.get(call)
        targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", None)]
        target = targets[0]
        return target.id if isinstance(target, ast.Name) and target.id in self._kinds else ""

    def _is_right(self, node: Any, kind: str) -> bool:
        try:
            self._check(node, kind)
        except Complaint:
            return False
        return True

    def _instance(self, node: ast.Call) -> ast.expr:
        """The call that makes the instance."""
        kind_made = self._kind_made(node)
        if kind_made != "deque":
            return self._keyed(node, kind_made)
        named = {part.arg: part.value for part in node.keywords}
        given = [*node.args[:1], *([named["iterable"]] if "iterable" in named else [])]
        items: ast.expr = given[0] if given else ast.List(elts=[], ctx=ast.Load())
        if not isinstance(items, ast.List | ast.ListComp):
            items = self._names.call("list", list, items)
        limit = node.args[1] if len(node.args) > 1 else named.get("maxlen", ast.Constant(None))
        kind = double_ended_queue.class_at(self._place(node))
        return self._replace(node, self._names.call(f"deque{id(kind)}", kind, items, limit))

    def _keyed(self, node: ast.Call, kind: str) -> ast.expr:
        """The call that makes a dictionary with its own methods."""
        given, default = list(node.args), None
        if kind == "defaultdict":
            default = self._missing(node)
            del given[0]
        if node.keywords or len(given) > 1:
            what = f"a guest makes a {kind} of one iterable, without options"
            raise self._complaint(node, what, "fill it by a loop")
        content: ast.expr = ast.Dict(keys=[], values=[])
        if given and kind == "Counter":
            content = self._names.call("counted", collection_calls.counted, *given)
        elif given:
            content = self._names.call("dict", dict, *given)
        made = keyed_collections.class_at(self._place(node), kind, default)
        return self._replace(node, self._names.call(f"{kind}{id(made)}", made, content))

    def _missing(self, node: ast.Call) -> FunctionType:
        """The method that makes what is missing in a default dictionary."""
        function = node.args[0] if node.args else None
        value = self._names.value(function) if function is not None else None
        inner: Any = getattr(function, "body", None)
        if self._kind_made(inner):
            what = f"a guest's defaultdict of a {self._kind_made(inner)} stays in its function"
            raise self._complaint(node, what, "use it there alone, or keep a dictionary with pairs as keys")
        if isinstance(function, ast.Name) and (is_users_class(value) or is_users_function(value)):
            text = f"{function.id}()"
        else:
            first = ast.copy_location(ast.Call(func=node.func, args=node.args[:1], keywords=[]), node)
            text = ast.unparse(self._factory(first))
        key = self._function, text
        if key not in _factories:
            scope: dict[str, Any] = {}
            exec(
                f"def _missing(self):\n    return {text}\n",
                {**self._function.__globals__, "__name__": __name__},
                scope,
            )
            _factories[key] = scope["_missing"]
        return _factories[key]

    def _place(self, call: ast.Call) -> str:
        """What the instance is kept in, which holds items of one type."""
        parent = self._parents.get(call)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else getattr(parent, "target", call)
        owner = f"{self._function.__module__}.{self._function.__qualname__}"
        if isinstance(target, ast.Attribute):
            return f"{owner.rpartition('.')[0]} {target.attr}"
        return f"{owner} {target.id if isinstance(target, ast.Name) else call.lineno}"

    def _kind_made(self, node: ast.AST | None) -> str:
        """What a call makes; empty if it is none of these."""
        called: Any = self._names.value(node.func) if isinstance(node, ast.Call) else None
        return next((name for kind, name in _KINDS.items() if kind is called), "")

    def _variables(self, tree: ast.AST) -> dict[str, str]:
        """The variables that hold nothing else, and of which class they are."""
        found: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                parent = self._parents[node]
                is_only = isinstance(parent, ast.Assign) and len(parent.targets) == 1
                is_set = is_only or isinstance(parent, ast.AnnAssign)
                made = self._kind_made(getattr(parent, "value", None)) if is_set else ""
                found.setdefault(node.id, set()).add(made)
            elif isinstance(node, ast.arg):
                found.setdefault(node.arg, set()).add("")
        return {
            name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1 and "" not in kinds
        }

    def _factories(self, tree: ast.AST) -> dict[str, ast.expr]:
        """What the default dictionaries make for missing keys."""
        found: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            name: Any = node.targets[0] if isinstance(node, ast.Assign) else None
            name = node.target if isinstance(node, ast.AnnAssign) else name
            if isinstance(name, ast.Name) and self._kinds.get(name.id) == "defaultdict":
                self._calls[name.id] = getattr(node, "value", None)
                made = self._factory(getattr(node, "value", None))
                if ast.dump(found.setdefault(name.id, made)) != ast.dump(made):
                    what = f"{name.id} is made with two different defaults"
                    raise self._complaint(node, what, "use two variables")
        return found

    def _kind(self, node: ast.AST) -> str:
        if node in self._instances:
            return ""
        if isinstance(node, ast.Attribute):
            return self._kind_made(self._fields.get(node.attr))
        if isinstance(node, ast.Subscript):
            return self._kind_made(self._made_in(node))
        if isinstance(node, ast.Name):
            return self._kinds.get(node.id, "")
        return self._kind_made(node)

    def _made_in(self, node: ast.Subscript) -> ast.AST | None:
        """The call that makes an item of a default dictionary of such collections."""
        owner = node.value
        made = self._fields.get(owner.attr) if isinstance(owner, ast.Attribute) else None
        if isinstance(owner, ast.Name) and self._kinds.get(owner.id) == "defaultdict":
            made = self._calls.get(owner.id)
        if not isinstance(made, ast.Call) or len(made.args) != 1 or not isinstance(made.args[0], ast.Lambda):
            return None
        return made.args[0].body

    def _complaint(self, node: ast.AST, what: str, remedy: str) -> Complaint:
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)

    def _check(self, node: ast.expr, kind: str) -> None:
        """Refuse a use that would take it for an ordinary dictionary or list."""
        parent: Any = self._parents.get(node)
        match parent:
            case ast.Assign() | ast.AnnAssign() if parent.value is node and isinstance(node, ast.Call):
                target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
                is_right = self._kind(target) == kind
            case ast.For() | ast.comprehension() | ast.If() | ast.While() | ast.IfExp():
                is_right = True
            case ast.BoolOp():
                above = self._parents.get(parent)
                is_right = isinstance(above, ast.If | ast.While | ast.UnaryOp)
            case ast.UnaryOp() | ast.Subscript() | ast.Expr():
                is_right = not (kind == "deque" and isinstance(getattr(parent, "slice", None), ast.Slice))
            case ast.Attribute():
                is_right = parent.attr in _METHODS[kind]
            case ast.Compare():
                is_membership = all(isinstance(part, ast.In | ast.NotIn) for part in parent.ops)
                is_right = (is_membership and parent.left is not node) or parent in self._equalities
            case ast.Call():
                called = self._names.value(parent.func)
                is_method = isinstance(parent.func, ast.Attribute) and parent.func.attr in _READING_METHODS
                is_reader = is_method or any(called is reader for reader in _READERS)
                is_right = is_reader and node in parent.args
            case ast.Return():
                is_right = kind != "deque"
            case _:
                is_right = False
        if not is_right:
            ordinary = "list(…)" if kind == "deque" else "dict(…)"
            raise self._complaint(
                node,
                f"a guest's {kind} stays in its function, and has no text and no arithmetic",
                f"use {ordinary} of it, or a dictionary or list from the beginning",
            )

    def _are_counters(self, node: ast.Compare) -> bool:
        sides = [node.left, *node.comparators]
        is_equality = len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        return is_equality and all(self._kind(side) == "Counter" for side in sides)

    def _replace(self, node: ast.AST, replacement: ast.expr) -> ast.expr:
        self.has_changed = True
        return ast.fix_missing_locations(ast.copy_location(replacement, node))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A variable."""
        kind = self._kinds.get(node.id)
        if kind and isinstance(node.ctx, ast.Load):
            self._check(node, kind)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A field."""
        kind = self._kind(node)
        if kind and isinstance(node.ctx, ast.Load):
            self._check(node, kind)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Two counters."""
        are_counters = self._are_counters(node)
        if are_counters:
            self._equalities.add(node)
        self.generic_visit(node)
        if not are_counters:
            return node
        helper = collection_calls.have_same_counts
        same = self._names.call("have_same_counts", helper, node.left, node.comparators[0])
        is_negated = isinstance(node.ops[0], ast.NotEq)
        return self._replace(node, ast.UnaryOp(op=ast.Not(), operand=same) if is_negated else same)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call that makes one, a method, or any other call."""
        kind = self._kind_made(node)
        if node in self._instances:
            self.generic_visit(node)
            return self._instance(node)
        if kind and self._is_factory(self._parents.get(node)):
            return node
        if kind:
            self._check(node, kind)
            return self._made(node, kind)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        of_kind = self._kind(owner) if owner is not None else ""
        self.generic_visit(node)
        return self._method(node, of_kind) if of_kind else node

    def _made(self, node: ast.Call, kind: str) -> ast.expr:
        """An empty dictionary or list, or what the items make."""
        self.generic_visit(node)
        if node.keywords or len(node.args) > 1:
            what = f"a guest makes a {kind} of one iterable, without options"
            raise self._complaint(node, what, "use a dictionary or list")
        if kind == "defaultdict":
            return self._replace(node, ast.Dict(keys=[], values=[]))
        if kind == "Counter":
            if not node.args:
                return self._replace(node, ast.Dict(keys=[], values=[]))
            return self._replace(node, self._names.call("counted", collection_calls.counted, *node.args))
        if not node.args:
            return self._replace(node, ast.List(elts=[], ctx=ast.Load()))
        return self._replace(node, self._names.call("list", list, *node.args))

    def _method(self, node: ast.Call, kind: str) -> ast.expr:
        function: Any = node.func
        owner, name = function.value, function.attr
        if name == "most_common":
            pairs = self._names.call("most_common", collection_calls.most_common, owner)
            if not node.args:
                return self._replace(node, pairs)
            first = ast.Slice(upper=node.args[0])
            return self._replace(node, ast.Subscript(value=pairs, slice=first, ctx=ast.Load()))
        if name == "update":
            return self._replace(
                node, self._names.call("count", collection_calls.count_further, owner, *node.args)
            )
        if name == "total":
            values = ast.Call(
                func=ast.Attribute(value=owner, attr="values", ctx=ast.Load()), args=[], keywords=[]
            )
            return self._replace(node, self._names.call("sum", sum, values))
        if name in {"popleft", "appendleft"}:
            function.attr = "pop" if name == "popleft" else "insert"
            node.args.insert(0, ast.Constant(0))
            return self._replace(node, node)
        if kind == "deque" and name == "rotate":
            steps = node.args or [ast.Constant(1)]
            return self._replace(node, self._names.call("rotate", collection_calls.rotate, owner, *steps))
        if name == "extendleft":
            given = owner, *node.args
            return self._replace(node, self._names.call("extend_left", collection_calls.extend_left, *given))
        return node

    def _read(self, owner: ast.expr, key: ast.expr, default: ast.expr | None) -> ast.expr:
        """`d[key]` of a default dictionary, which puts the default there, or of a counter."""
        name = "get" if default is None else "setdefault"
        method = ast.Attribute(value=owner, attr=name, ctx=ast.Load())
        return ast.Call(func=method, args=[key, default or ast.Constant(0)], keywords=[])

    def _default(self, owner: ast.expr, kind: str) -> ast.expr | None:
        """What the factory of a default dictionary makes; None for a counter."""
        if kind == "Counter":
            return None
        if isinstance(owner, ast.Name):
            return copy.deepcopy(self._defaults[owner.id])
        if isinstance(owner, ast.Attribute):
            return self._factory(self._fields[owner.attr])
        return self._factory(self._made_in(owner) if isinstance(owner, ast.Subscript) else owner)

    def _factory(self, call: Any) -> ast.expr:
        """What is made for a missing key, by a call of defaultdict."""
        function = call.args[0] if len(call.args) == 1 else None
        if isinstance(function, ast.Lambda):
            is_empty = isinstance(function.body, ast.Call) and self._kind_made(function.body) in _DICTIONARIES
            return ast.Dict(keys=[], values=[]) if is_empty else copy.deepcopy(function.body)
        made = _EMPTY.get(self._names.value(function)) if isinstance(function, ast.Name) else None
        if made is None:
            what = "a guest's defaultdict takes int, float, str, bool, list, dict, set or a lambda"
            raise self._complaint(call, what, "write the default as a lambda, as in defaultdict(lambda: 5)")
        return ast.parse(made, mode="eval").body

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """An item."""
        kind = self._kind(node.value)
        is_read = kind not in {"", "deque"} and isinstance(node.ctx, ast.Load)
        default = self._default(node.value, kind) if is_read else None
        self.generic_visit(node)
        return self._replace(node, self._read(node.value, node.slice, default)) if is_read else node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """`d[key] += 1`."""
        target = node.target
        kind = self._kind(target.value) if isinstance(target, ast.Subscript) else ""
        if kind in {"", "deque"} or not isinstance(target, ast.Subscript):
            return self.generic_visit(node)
        default = self._default(target.value, kind)
        self.generic_visit(node)
        self.has_changed = True
        self._temporaries += 1
        name = f"key{self._temporaries}$"
        key = ast.Name(id=name, ctx=ast.Load())
        first = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=target.slice)
        old = self._read(copy.deepcopy(target.value), key, default)
        new = ast.BinOp(left=old, op=node.op, right=node.value)
        stored = ast.Subscript(value=target.value, slice=copy.deepcopy(key), ctx=ast.Store())
        second = ast.Assign(targets=[stored], value=new)
        return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in (first, second)]
