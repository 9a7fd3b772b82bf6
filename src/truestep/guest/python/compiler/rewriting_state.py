"""Reads and sets the variables of modules that a guest changes, where it keeps them."""

import ast
import dis
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.known_values import are_functions, is_flat
from truestep.guest.python.compiler.module_state import (
    Place,
    can_be_kept,
    change_class,
    change_object,
    change_variables,
    check_constant,
    has_kept,
    import_later,
    is_changeable,
    is_imported_later,
    place_in_class,
    place_of_object,
    place_of_variable,
)
from truestep.guest.python.compiler.name_uses import (
    only_read_names,
    parameters_of,
    stored_names,
    stored_names_of_body,
)
from truestep.guest.python.compiler.ownership import is_users_class, is_users_instance
from truestep.guest.python.compiler.rewriting_names import Names

_COMPREHENSIONS: Any = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Any = (ast.FunctionDef, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS)
_CHANGED: Any = (list, dict, set)
_READING = {"LOAD_GLOBAL", "LOAD_NAME"}
_LOOKING_UP: Any = (vars, getattr, hasattr, dir)
_MAPPINGS: Any = (dict,)
_MISSING = object()


class StateRewriter(ast.NodeTransformer):
    """Rewrites one function, with the functions in it."""

    def __init__(self, names: Names, function: FunctionType, shared: dict[str, Any], bound: Any = ()) -> None:
        self._names = names
        self._shared = shared
        self._classes = {name: value for name, value in bound if is_users_class(value)}
        self._function = function
        self._module = function.__globals__.get("__name__")
        self._cells = _cells_of(function)
        self._scopes: list[set[str]] = []
        self._declared: list[set[str]] = []
        self.has_changed = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """The function, or one in it."""
        node.args.defaults = [self.visit(part) for part in node.args.defaults]
        node.args.kw_defaults = [part and self.visit(part) for part in node.args.kw_defaults]
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        declared = _declared_global(node)
        self._scopes.append(_local_names(node))
        self._declared.append(declared)
        node.body = [self.visit(statement) for statement in node.body]
        self._scopes.pop()
        self._declared.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """As a function."""
        self._scopes.append({part.arg for part in parameters_of(node.args)})
        self._declared.append(set())
        node.body = self.visit(node.body)
        self._scopes.pop()
        self._declared.pop()
        return node

    def visit(self, node: ast.AST) -> Any:
        """A part; a comprehension has names of its own."""
        if not isinstance(node, _COMPREHENSIONS):
            return super().visit(node)
        parts: Any = node
        targets = {name for loop in parts.generators for name in stored_names(loop.target)}
        self._scopes.append(targets)
        self._declared.append(set())
        changed = self.generic_visit(node)
        self._scopes.pop()
        self._declared.pop()
        return changed

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        """What is kept elsewhere is no variable."""
        return self._without_kept(node, self._module)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        """Likewise, for those of the function around the guest's."""
        kept = [
            name
            for name in node.names
            if name not in self._cells or not place_of_variable(id(self._cells[name]), name)
        ]
        return self._with_names(node, kept)

    def _without_kept(self, node: ast.Global, owner: Any) -> ast.stmt:
        return self._with_names(node, [name for name in node.names if not place_of_variable(owner, name)])

    def _with_names(self, node: ast.Global | ast.Nonlocal, kept: list[str]) -> ast.stmt:
        if len(kept) == len(node.names):
            return node
        self.has_changed = True
        node.names = kept
        return node if kept else ast.copy_location(ast.Pass(), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`globals()["name"]` and the like would find what a variable began with."""
        called = self._names.value(node.func)
        owner = (
            self._value(node.args[0])
            if node.args and any(called is function for function in _LOOKING_UP)
            else None
        )
        module = self._module if called is globals else getattr(owner, "__name__", None)
        is_of_module = called is globals or isinstance(owner, ModuleType)
        if is_of_module and has_kept(str(module)):
            raise Complaint(
                f"a guest cannot look up by text what {module} has, because it changes some of it",
                place=line_in(self._function, node),
                remedy="write the names of the variables",
            )
        return self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        """`(name := value)` sets a variable only."""
        if self._place(node.target) is not None:
            raise self._complaint(
                node, f"a guest cannot set {node.target.id} of the module inside of an expression"
            )
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """`name: int = 1`."""
        self.generic_visit(node)
        node.simple = int(isinstance(node.target, ast.Name))
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name of the module, or a local one."""
        is_elsewhere = not self._is_local(node.id) and not self._is_declared(node.id)
        if is_elsewhere and is_imported_later(self._module, node.id):
            raise Complaint(
                f"a guest cannot read {node.id} of the module here, which an import in another function sets",
                place=line_in(self._function, node),
                remedy="import it at the top of the module, or in each function that uses it",
            )
        return self._replaced(node, node.id) or node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A name of another module, or an attribute."""
        owner: Any = self._class(node.value) if isinstance(node.ctx, ast.Store) else None
        if is_users_class(owner) and node.attr in owner.__dict__:
            change_class(owner, node.attr)
        return self._replaced(node, node.attr) or self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def _replaced(self, node: ast.Name | ast.Attribute, name: str) -> ast.expr | None:
        place = self._place(node)
        if place is None:
            if isinstance(node.ctx, ast.Load) and not self._is_within_kept(node):
                check_constant(self._value(node), name)
            return None
        if isinstance(node.ctx, ast.Del):
            raise self._complaint(node, f"a guest cannot delete {name} of the module")
        self.has_changed = True
        state, field = place
        made = ast.Attribute(value=self._names.call(f"state {state.name}", state), attr=field, ctx=node.ctx)
        for part in ast.walk(made.value):
            ast.copy_location(part, node)
        return ast.copy_location(made, node)

    def _is_within_kept(self, node: ast.expr) -> bool:
        """Whether it is an attribute of something that is kept."""
        while isinstance(node, ast.Attribute):
            node = node.value
            if self._place(node) is not None:
                return True
        return False

    def _place(self, node: ast.expr) -> Place | None:
        """Where a variable, or what it stands for, is kept."""
        value = self._value(node)
        if isinstance(node, ast.Name):
            found = self._place_of_name(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(owner := self._value(node.value), ModuleType):
            found = place_of_variable(owner.__name__, node.attr)
        elif isinstance(node, ast.Attribute) and is_users_class(owner := self._class(node.value)):
            found = place_in_class(owner, node.attr)
        else:
            found = None
        is_read = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
        if found is None and is_read and (is_changeable(value) or isinstance(value, np.ndarray)):
            found = place_of_object(value)
        return found

    def _class(self, node: ast.expr) -> Any:
        """The class that a name or the first parameter of a class method stands for, or `type(self)`."""
        if isinstance(node, ast.Name) and node.id in self._classes:
            return self._classes[node.id]
        return self._value(node)

    def _place_of_name(self, name: str) -> Place | None:
        if self._is_local(name) or name in self._shared:
            return None
        if name in self._cells and not self._is_declared(name):
            return place_of_variable(id(self._cells[name]), name)
        return place_of_variable(self._module, name)

    def _is_declared(self, name: str) -> bool:
        """Whether the innermost function says that the name is the module's."""
        return bool(self._declared) and name in self._declared[-1]

    def _is_local(self, name: str) -> bool:
        if name in self._shared and not any(name in scope for scope in self._scopes[1:]):
            return False
        return not self._is_declared(name) and any(name in scope for scope in self._scopes)

    def _value(self, node: ast.AST) -> Any:
        """What a name or a dotted name stands for when the guest is built; None if that is not known."""
        if isinstance(node, ast.Name):
            if self._is_local(node.id):
                return None
            if node.id in self._shared:
                return self._shared[node.id]
            if node.id in self._cells and not self._is_declared(node.id):
                return _content(self._cells[node.id])
            return self._function.__globals__.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._value(node.value)
            return None if owner is None else getattr(owner, node.attr, None)
        return None

    def _complaint(self, node: ast.AST, what: str) -> Complaint:
        remedy = "set it by a statement of its own, name = value"
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)


def set_declared(tree: ast.AST, function: FunctionType) -> None:
    """Let the guest keep what a function declares and sets, before anything is left out as unused."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Global) or (
            isinstance(part, ast.Nonlocal) and set(part.names) & set(function.__code__.co_freevars)
        ):
            set_variables(part, tree, function)


def set_variables(node: ast.Global | ast.Nonlocal, tree: ast.AST, function: FunctionType) -> None:
    """Let the guest keep the variables of the module that a function sets. Raises Complaint."""
    module = function.__globals__["__name__"]
    cells = _cells_of(function) if isinstance(node, ast.Nonlocal) else {}
    imported = _only_imported(tree) & set(node.names)
    for name in sorted(imported):
        import_later(module, name)
    for name in sorted((stored_names(tree) & set(node.names)) - imported):
        value = _content(cells[name]) if name in cells else function.__globals__.get(name, _MISSING)
        stores = [part for part in ast.walk(tree) if isinstance(part, ast.Name) and part.id == name]
        is_plain = any(isinstance(part.ctx, ast.Store) for part in stores)
        if value is _MISSING or not is_plain:
            raise Complaint(
                f"a guest cannot make or delete {name} of the module",
                place=line_in(function, node),
                remedy=f"give it a value in the module, such as {name} = 0, and set it by {name} = value",
            )
        change_variables(id(cells[name]) if name in cells else module, module, {name: value})


def _only_imported(tree: ast.AST) -> set[str]:
    """Names that nothing but imports sets: what an import gives is the same whenever it happens."""
    imports = [part for part in ast.walk(tree) if isinstance(part, ast.Import | ast.ImportFrom)]
    imported = {name for part in imports for name in stored_names(part)}
    return imported - {
        part.id
        for part in ast.walk(tree)
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
    }


def set_attribute(node: ast.Attribute, names: Names, function: FunctionType) -> None:
    """Likewise, for `module.name = value`."""
    owner = names.value(node.value)
    if is_users_class(owner) and isinstance(node.ctx, ast.Store) and node.attr in owner.__dict__:
        change_class(owner, node.attr)
        return
    if is_users_class(owner) and isinstance(node.ctx, ast.Store):
        raise Complaint(
            f"a guest cannot make {node.attr} of the class {owner.__name__}",
            place=line_in(function, node),
            remedy=f"give it a value in the class, such as {node.attr} = 0",
        )
    if not isinstance(owner, ModuleType) or not isinstance(node.ctx, ast.Store):
        return
    if not hasattr(owner, node.attr):
        raise Complaint(
            f"a guest cannot make {node.attr} of the module {owner.__name__}",
            place=line_in(function, node),
            remedy="give it a value in that module",
        )
    change_variables(owner.__name__, owner.__name__, {node.attr: getattr(owner, node.attr)})


def shared_defaults(tree: Any, bound: Any) -> dict[str, Any]:
    """Defaults that all calls of a function share, and that it may change.

    A list or dictionary of functions is none: a guest can only read it, and its functions are known.
    """
    stored, read = stored_names_of_body(tree), only_read_names(tree)
    return {
        name: value
        for name, value in bound
        if type(value) in _CHANGED
        and name not in stored
        and not _holds_functions(value)
        and not (name in read and is_flat(value))
    }


def _holds_functions(value: Any) -> bool:
    return are_functions(list(value.values()) if isinstance(value, _MAPPINGS) else value)


def keep_instances(tree: ast.AST, known: dict[str, Any], function: FunctionType) -> None:
    """Let the guest keep the module's instances of which a method needs more than constants."""
    used = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
    for name in sorted(used & known.keys()):
        value = known[name].value
        if is_users_instance(value) and is_changeable(value) and can_be_kept(value):
            every = function.__globals__.items()
            named = [other for other, one in every if one is value]
            change_object(value, min(named, default=name), function.__globals__["__name__"])


def check_unread(function: FunctionType) -> None:
    """Refuse a function that cannot be rewritten, and reads what the guest changes."""
    read = {str(part.argval) for part in dis.get_instructions(function) if part.opname in _READING}
    for name in sorted(read):
        value = function.__globals__.get(name)
        is_kept = is_changeable(value) and place_of_object(value) is not None
        if is_kept or place_of_variable(function.__globals__.get("__name__"), name):
            raise Complaint(
                f"{function.__name__} reads {name}, which the guest changes, and its source is not at hand",
                place=line_in(function, ast.Pass()),
                remedy="write it as a function in a file",
            )


def _cells_of(function: FunctionType) -> dict[str, Any]:
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _declared_global(node: ast.FunctionDef) -> set[str]:
    return {name for part in _own_parts(node) if isinstance(part, ast.Global) for name in part.names}


def _local_names(node: ast.FunctionDef) -> set[str]:
    """The names that belong to a function itself."""
    shared = {
        name
        for part in _own_parts(node)
        if isinstance(part, ast.Global | ast.Nonlocal)
        for name in part.names
    }
    stored: set[str] = set()
    for part in _own_parts(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            stored.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            stored.add(part.name)
        elif isinstance(part, ast.alias):
            stored.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
            stored.add(part.name)
        elif isinstance(part, ast.MatchMapping) and part.rest:
            stored.add(part.rest)
    return (stored | {part.arg for part in parameters_of(node.args)}) - shared


def _own_parts(node: ast.FunctionDef) -> list[ast.AST]:
    """What is in a function, and not in a function or comprehension in it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        found.append(part)
        if not isinstance(part, _SCOPES):
            waiting += ast.iter_child_nodes(part)
    return found
