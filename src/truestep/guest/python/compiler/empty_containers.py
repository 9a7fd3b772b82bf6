"""What empty lists, dictionaries and sets will hold, found out from all that is put into them.

Numba knows the type of `[]` if its variable's `append` comes next, and not if it is the value of a
dictionary, the item of another list, or the argument of a function. Where the types of a function cannot be
inferred, they are inferred in rounds in which the items of each empty container have a type of their own,
`Unknown`, that notes what it is unified with. What a round finds is known in the next one. Then the function
is inferred once more, with containers that have types from the beginning; what is never filled has items of
the type `Nothing`.
"""

from typing import Any

from numba.core import errors, typed_passes, typeinfer, types
from numba.core.typing import context as typing_context
from numba.core.typing import templates

from truestep.guest.python.compiler.class_families import has_families, unite
from truestep.guest.python.compiler.class_members import makes_itself
from truestep.guest.python.compiler.classes import GROWING, Growing, PlainClass, grow, new_instance
from truestep.guest.python.compiler.container_sites import (
    INTEGERS,
    OPTIONAL,
    container_of,
    forbid_keys,
    has_empty_containers,
    is_precise,
    refined,
    shows_numbers,
)
from truestep.guest.python.compiler.inferring import forget_inferred, returned_type
from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.narrowing import with_checked_lists
from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.starting_over import is_searching, when_starting_over
from truestep.guest.python.compiler.unknown_types import (
    MARK,
    MaybeInt,
    Unknown,
    unifying_with_none,
    unifying_with_nothing,
)

_ROUNDS_MAX = 10
"""Each round finds one more level of containers in containers."""
_CONTAINERS: Any = (types.List, types.Set, types.DictType)
_WIDENING = "into a list of int64"
"""Said of a float that a list of integers gets."""

_rounds: list["_Round | None"] = []
"""The rounds of the functions whose types are being inferred, the innermost last; None without rounds."""


_met: dict[Any, tuple[dict[Any, Any], dict[str, Any]]] = {}
"""What rounds know of functions and the types of their arguments, until the outermost one is done."""


when_starting_over(_met.clear)


class _Round:
    """One inference of a function's types: what is known of its empty containers."""

    def __init__(self, known: dict[Any, Any], sites: dict[str, Any], *, is_last: bool, widens: bool) -> None:
        self.known = known
        self.sites = sites
        self.is_last = is_last
        self.widens = widens
        """Whether lists that begin with integers may get floats."""

    def kind_at(self, name: str, container: Any) -> Any:
        """The type of the empty container that a variable holds."""
        if container is OPTIONAL:
            self.sites.setdefault(name, types.List(types.Optional(Unknown("items of " + name))))
        elif container is INTEGERS:
            self.sites.setdefault(name, types.List(MaybeInt("items of " + name)))
        elif name not in self.sites:
            parts = ("keys of ", "values of ") if container is types.DictType else ("items of ",)
            self.sites[name] = container(*(Unknown(part + name) for part in parts))
        return self.with_known(self.sites[name])

    def with_known(self, kind: Any) -> Any:
        """A type with what is known in the places of unknown ones."""
        if not is_unknown(kind):
            return kind
        if isinstance(kind, Unknown | MaybeInt):
            if kind in self.known:
                return self.with_known(self.known[kind])
            return kind.settled if self.is_last and not is_in_round() else kind
        if isinstance(kind, types.List | types.Set):
            return type(kind)(self.with_known(kind.dtype))
        if isinstance(kind, types.Optional):
            return types.Optional(self.with_known(kind.type))
        if isinstance(kind, types.DictType):
            return types.DictType(self.with_known(kind.key_type), self.with_known(kind.value_type))
        if isinstance(kind, ItemTuple):
            return ItemTuple(self.with_known(kind.dtype))
        if isinstance(kind, types.Tuple | types.UniTuple):
            return types.Tuple.from_types([self.with_known(member) for member in kind.types])
        return kind

    def instance(self, name: str, origin: type, args: Any, kws: Any) -> Any:
        """The instance that a call makes, if a field begins as an empty container; else None."""
        if name not in self.sites:
            made = new_instance(origin)
            grow(made, args, kws)
            if is_unknown(made):
                if makes_itself(origin):
                    unite(origin)
                self.sites[name] = made
        return self.sites.get(name)

    def learn(self, context: Any, args: Any) -> bool:
        """Add what was noted, to growing arguments too; whether there was anything new."""
        unknown = {part for kind in self.sites.values() for part in _unknown_parts(kind)}
        unknown |= {part for kind in self.known.values() for part in _unknown_parts(kind)}
        instances = [kind for kind in (*self.sites.values(), *args) if isinstance(kind, Growing)]
        owners = {part: kind.origin for kind in instances for part in _unknown_parts(kind)}
        has_learnt = False
        for part in unknown - self.known.keys():
            noted = [kind for member in part.same for kind in member.noted]
            for kind in noted:
                is_own = isinstance(kind, Growing) and owners.get(part, kind.origin) is kind.origin
                if is_own and (part in owners or part in _unknown_parts(kind)):
                    unite(kind.origin)
            noted = [kind for kind in noted if part not in _unknown_parts(kind)]
            found = context.unify_types(*map(types.unliteral, noted)) if _is_of_one_kind(noted) else None
            if found is not None:
                self.known[part] = types.unliteral(found)
                has_learnt = True
        for kind in instances:
            kind.fields.update({name: self.with_known(field) for name, field in kind.fields.items()})
        if has_learnt:
            forget_inferred()
        return has_learnt


def _is_of_one_kind(kinds: list[Any]) -> bool:
    """Whether no integer would become a float."""
    has_integers = any(isinstance(kind, types.Integer) for kind in kinds)
    return bool(kinds) and not (has_integers and any(isinstance(kind, types.Float) for kind in kinds))


def install_empty_containers() -> None:
    """Infer types in rounds where one inference fails."""
    containers: Any = types.containers
    containers._sentry_forbidden_types = forbid_keys
    types.DictType.is_precise = is_precise
    types.DictType.refine = classmethod(refined)
    typed_passes.type_inference_stage = _in_rounds(typed_passes.type_inference_stage)
    inferer: Any = typeinfer.TypeInferer
    inferer.typeof_expr = _seeding(inferer.typeof_expr)
    typeinfer.CallConstraint.resolve = _noting_arguments(typeinfer.CallConstraint.resolve)
    inferer.resolve_call = _of_recursion(inferer.resolve_call)
    context: Any = typing_context.BaseContext
    context.resolve_setitem = _noting_items(context.resolve_setitem)
    context.resolve_setattr = _noting_fields(context.resolve_setattr)
    types.Optional.unify = unifying_with_none(types.Optional.unify)
    number: Any = types.Number
    number.unify = unifying_with_nothing(number.unify)
    types.DictType.unify = _unifying(types.DictType.unify)
    types.Dispatcher.get_call_type = _without_compiling(types.Dispatcher.get_call_type)
    types.Dispatcher.get_overload = _of_compiled(types.Dispatcher.get_overload)
    typeinfer.BuildMapConstraint.__call__ = _with_equal_values(typeinfer.BuildMapConstraint.__call__)
    typeinfer.BuildListConstraint.__call__ = _with_equal_items(typeinfer.BuildListConstraint.__call__)


def is_unknown(kind: Any) -> bool:
    """Whether a type has unknown parts."""
    if isinstance(kind, Growing):
        return any(map(is_unknown, kind.fields.values()))
    return MARK in kind.name


def _is_inferred_only(kind: Any) -> bool:
    """Whether nothing can be compiled for a type."""
    return MARK in kind.name or GROWING in kind.name


def is_in_round() -> bool:
    """Whether types are only looked for."""
    return is_searching() or any(current is not None and not current.is_last for current in _rounds)


def _unknown_parts(kind: Any) -> set[Any]:
    if isinstance(kind, Unknown | MaybeInt):
        return {kind}
    if isinstance(kind, types.List | types.Set | ItemTuple):
        return _unknown_parts(kind.dtype)
    if isinstance(kind, types.Optional):
        return _unknown_parts(kind.type)
    if isinstance(kind, types.DictType):
        return _unknown_parts(kind.key_type) | _unknown_parts(kind.value_type)
    if isinstance(kind, Growing):
        return {part for field in kind.fields.values() for part in _unknown_parts(field)}
    if isinstance(kind, types.BaseTuple):
        return {part for member in kind.types for part in _unknown_parts(member)}
    return set()


def _in_rounds(infer: Any) -> Any:
    """The inference of a function's types, with more information if that fails."""

    def infer_in_rounds(
        typingctx: Any, targetctx: Any, interp: Any, args: Any, *others: Any, **options: Any
    ) -> Any:
        def attempt(current: _Round | None, **changed: Any) -> Any:
            _rounds.append(current)
            try:
                found = infer(typingctx, targetctx, interp, args, *others, **{**options, **changed})
            finally:
                _rounds.pop()
            return found if changed else with_checked_lists(typingctx, interp, found)

        try:
            return attempt(None)
        except errors.ForceLiteralArg:
            raise
        except errors.TypingError as error:
            is_inner = is_in_round() and not is_users_function(interp.func_id.func)
            widens = _WIDENING in str(error)
            if is_inner or not has_empty_containers(interp, widens=widens):
                raise
            is_outermost = not is_in_round()
            known, sites = _met.setdefault((interp.func_id.func.__code__, tuple(args)), ({}, {}))
            current = _Round(known, sites, is_last=False, widens=widens)
            try:
                for _ in range(_ROUNDS_MAX):
                    attempt(current, raise_errors=False)
                    if not current.learn(typingctx, args):
                        break
                found = attempt(_Round(known, sites, is_last=True, widens=widens))
                if any(isinstance(part, MaybeInt) for part in known) and shows_numbers(interp, *found[1:3]):
                    raise error
                return found
            except errors.TypingError as last_error:
                is_all_known = not any(is_unknown(current.with_known(kind)) for kind in sites.values())
                raise (last_error if is_all_known else error) from None
            finally:
                if is_outermost:
                    _met.clear()

    return infer_in_rounds


class _Seed:
    """A variable that has a type from the beginning."""

    def __init__(self, target: str, kind: Any, loc: Any) -> None:
        self.target = target
        self.kind = kind
        self.loc = loc

    def __call__(self, inferer: Any) -> None:
        inferer.add_type(self.target, self.kind, loc=self.loc)


def _seeding(typeof_expr: Any) -> Any:
    def typeof_with_seed(inferer: Any, inst: Any, target: Any, expr: Any) -> Any:
        current = _rounds[-1] if _rounds else None
        if current is not None:
            container = container_of(inferer.func_ir, expr, widens=current.widens)
            if container is not None:
                kind = current.kind_at(target.name, container)
                inferer.constraints.append(_Seed(target.name, kind, inst.loc))
        return typeof_expr(inferer, inst, target, expr)

    return typeof_with_seed


def _noting_items(resolve: Any) -> Any:
    """`d[key] = value` in a dictionary with unknown parts."""

    def resolve_setitem(context: Any, target: Any, index: Any, value: Any) -> Any:
        if is_in_round() and isinstance(target, types.DictType) and (is_unknown(target) or is_unknown(value)):
            context.unify_types(target.key_type, index)
            context.unify_types(target.value_type, value)
            return templates.signature(types.none, target, index, value)
        if is_in_round() and isinstance(target, types.List) and (is_unknown(target) or is_unknown(value)):
            inner = target if isinstance(index, types.SliceType) else target.dtype
            context.unify_types(inner, value)
            return templates.signature(types.none, target, index, value)
        return resolve(context, target, index, value)

    return resolve_setitem


def _noting_fields(resolve: Any) -> Any:
    """`instance.field = []`, where the field has a type."""

    def resolve_setattr(context: Any, target: Any, attr: str, value: Any) -> Any:
        if is_in_round() and is_unknown(value) and not isinstance(target, Growing):
            field = context.resolve_getattr(target, attr)
            if field is not None:
                _note_parts(field, value)
                context.unify_types(field, value)
                return templates.signature(types.void, target, field)
        return resolve(context, target, attr, value)

    return resolve_setattr


def _note_parts(field: Any, value: Any) -> None:
    """Note what fills the container that a field holds, which may be None."""
    parts = [
        (getattr(field, name), getattr(value, name))
        for name in ("dtype", "key_type", "value_type")
        if type(field) is type(value) and hasattr(value, name)
    ]
    for known, unknown in parts:
        if isinstance(known, types.Optional) and isinstance(unknown, Unknown) and known not in unknown.noted:
            unknown.noted.append(known)
            forget_inferred()


def _note_call(context: Any, function: Any, arguments: Any) -> Any:
    """The type that a call returns whose arguments are put together, after a note; None for all others."""
    key: Any = getattr(function, "typing_key", None)
    if isinstance(function, types.BoundFunction):
        is_of_dictionary = isinstance(function.this, types.DictType)
        return _note_method(context, function.this, key[1], arguments) if is_of_dictionary else None
    if key is hash:
        return types.int64
    if len(arguments) != 2:
        return None
    left, right = arguments
    name = getattr(function if key is None else key, "__name__", "")
    if name in {"heappush", "heappushpop", "heapreplace", "insort_left", "insort_right"}:
        if isinstance(left, types.List):
            context.unify_types(left.dtype, right)
            return types.none if name == "heappush" or "insort" in name else left.dtype
    elif name in {"eq", "ne"} and isinstance(left, _CONTAINERS) and isinstance(right, _CONTAINERS):
        context.unify_types(left, right)
        return types.boolean
    elif name in {"add", "iadd"} and isinstance(left, types.List) and isinstance(right, types.List):
        return context.unify_types(left, right)
    return None


def _note_method(context: Any, dictionary: Any, name: str, arguments: Any) -> Any:
    """As `_note_call`, for a dictionary's method with a default."""
    if len(arguments) != 2 or isinstance(arguments[1], types.NoneType | types.Omitted):
        return None
    if name not in {"setdefault", "get", "pop"}:
        return None
    if name == "setdefault":
        context.unify_types(dictionary.key_type, arguments[0])
    context.unify_types(dictionary.value_type, arguments[1])
    return dictionary.value_type


def _noting_arguments(resolve: Any) -> Any:
    def resolve_after_note(self: Any, typeinfer: Any, typevars: Any, fnty: Any) -> None:
        if is_in_round() and not self.kws and self.vararg is None:
            arguments = [typevars[argument.name].type for argument in self.args]
            this = getattr(fnty, "this", None)
            kinds = [kind for kind in (this, *arguments) if kind is not None]
            if None not in arguments and any(map(is_unknown, kinds)):
                found = _note_call(typeinfer.context, fnty, arguments)
                if found is not None:
                    typeinfer.add_type(self.target, found, loc=self.loc)
                    self.signature = templates.signature(found, *arguments)
                    return
        if _rounds and _rounds[-1] is not None:
            is_of_family = isinstance(fnty, PlainClass) and has_families(fnty.origin)
            if (
                isinstance(fnty, PlainClass)
                and not is_of_family
                and _resolve_instance(self, typeinfer, fnty, _rounds[-1])
            ):
                return
            try:
                resolve(self, typeinfer, typevars, fnty)
            except errors.NumbaError:
                raise
            except Exception as error:
                if _rounds[-1].is_last:
                    raise
                raise errors.TypingError(f"{type(error).__name__}: {error}") from error
            return
        resolve(self, typeinfer, typevars, fnty)

    return resolve_after_note


def _resolve_instance(call: Any, inferer: Any, kind: PlainClass, current: _Round) -> bool:
    """Type a call of a class whose instance has fields that begin as empty containers."""
    folded = typeinfer.fold_arg_vars(inferer.typevars, call.args, call.vararg, call.kws)
    if folded is None:
        return False
    made = current.instance(call.target, kind.origin, *folded)
    if made is None:
        return False
    if current.is_last:
        made.fields.update({name: current.with_known(field) for name, field in made.fields.items()})
        call.signature = kind.signature_with(inferer.context, made, *folded)
        inferer.add_type(call.target, call.signature.return_type, loc=call.loc)
    else:
        inferer.add_type(call.target, made, loc=call.loc)
    return True


def _of_recursion(resolve_call: Any) -> Any:
    """A recursive call with unknown types of which no other one is being inferred."""

    def resolve_recursion(self: Any, fnty: Any, pos_args: Any, kw_args: Any) -> Any:
        is_inferred = is_searching() or (is_in_round() and any(map(_is_inferred_only, pos_args)))
        if is_inferred and isinstance(fnty, types.RecursiveCall):
            dispatcher = fnty.dispatcher_type.dispatcher
            _, folded = dispatcher.fold_argument_types(pos_args, kw_args)
            if self.context.callstack.match(dispatcher.py_func, folded) is None:
                return self.context.resolve_function_type(fnty.dispatcher_type, pos_args, kw_args)
        return resolve_call(self, fnty, pos_args, kw_args)

    return resolve_recursion


def _without_compiling(get_call_type: Any) -> Any:
    """A call with unknown types is inferred and not compiled."""

    def call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        if not (is_searching() or (is_in_round() and any(map(_is_inferred_only, (*args, *kws.values()))))):
            return get_call_type(self, context, args, kws)
        pysig, folded = self.dispatcher.fold_argument_types(args, kws)
        folded: Any = tuple(types.unliteral(kind) for kind in folded)
        if folded in self.dispatcher.overloads or not self.dispatcher._can_compile:
            return get_call_type(self, context, args, kws)
        with self.dispatcher._compiling_counter:
            found = returned_type(self.dispatcher.py_func, folded)
        return templates.signature(found, *folded).replace(pysig=pysig)

    return call_type


def _of_compiled(get_overload: Any) -> Any:
    def overload_of(self: Any, sig: Any) -> Any:
        is_missing = is_searching() and tuple(sig.args) not in self.dispatcher.overloads
        is_inferred = is_in_round() and any(map(_is_inferred_only, sig.args))
        return None if is_missing or is_inferred else get_overload(self, sig)

    return overload_of


def _unifying(unify: Any) -> Any:
    """Dictionaries with unknown parts are unified part by part."""

    def unify_parts(self: Any, typingctx: Any, other: Any) -> Any:
        if not isinstance(other, types.DictType) or not (is_unknown(self) or is_unknown(other)):
            return unify(self, typingctx, other)
        key = typingctx.unify_pairs(self.key_type, other.key_type)
        value = typingctx.unify_pairs(self.value_type, other.value_type)
        return None if key is None or value is None else types.DictType(key, value)

    return unify_parts


def _unify_containers(inferer: Any, names: list[str]) -> Any:
    """The type of all these variables, if they hold containers of one type or empty ones."""
    kinds = [inferer.typevars[name].type for name in names]
    if not kinds or not all(isinstance(kind, _CONTAINERS) for kind in kinds):
        return None
    kinds = [types.unliteral(kind) for kind in kinds]
    unified = inferer.context.unify_types(*kinds)
    if unified is None or not unified.is_precise():
        return None
    if any(kind.is_precise() and not is_unknown(kind) and kind != unified for kind in kinds):
        return None
    return types.unliteral(unified)


def _with_equal_items(constrain: Any) -> Any:
    """`[[], [1]]`: the first list is one of integers, too."""

    def constrain_items(self: Any, inferer: Any) -> None:
        unified = _unify_containers(inferer, [item.name for item in self.items])
        if unified is not None:
            for item in self.items:
                if not inferer.typevars[item.name].type.is_precise():
                    inferer.add_type(item.name, unified, loc=self.loc)
        constrain(self, inferer)

    return constrain_items


def _with_equal_values(constrain: Any) -> Any:
    """`{"a": [1], "b": []}` is a dictionary of lists; Numba takes it for a record of lists."""

    def constrain_values(self: Any, inferer: Any) -> None:
        unified = _unify_containers(inferer, [value.name for _, value in self.items])
        keys = [inferer.typevars[key.name].type for key, _ in self.items]
        key = None if unified is None or None in keys else inferer.context.unify_types(*keys)
        if key is None:
            constrain(self, inferer)
            return
        for _, value in self.items:
            if not inferer.typevars[value.name].type.is_precise():
                inferer.add_type(value.name, unified, loc=self.loc)
        inferer.add_type(self.target, types.DictType(types.unliteral(key), unified), loc=self.loc)

    return constrain_values
