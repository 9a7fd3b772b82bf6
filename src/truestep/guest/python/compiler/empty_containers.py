"""What empty lists, dictionaries and sets will hold, found out from all that is put into them.

Numba knows the type of `[]` if its variable's `append` comes next, and not if it is the value of a
dictionary, the item of another list, or the argument of a function. Where the types of a function cannot be
inferred, they are inferred in rounds in which the items of each empty container have a type of their own,
`Unknown`, that notes what it is unified with. What a round finds is known in the next one. Then the function
is inferred once more, with containers that have types from the beginning; what is never filled has items of
the type `Nothing`.
"""

import contextlib
from typing import Any

from numba.core import errors, typed_passes, typeinfer, types
from numba.core.typing import context as typing_context
from numba.core.typing import templates
from numba.np import numpy_support

from truestep.guest.python.compiler.class_families import has_families, unite
from truestep.guest.python.compiler.class_members import makes_itself
from truestep.guest.python.compiler.classes import GROWING, Growing, PlainClass, grow, new_instance
from truestep.guest.python.compiler.container_notes import (
    is_unknown,
    note_call,
    note_parts,
    number_of,
    unifying_parts,
    unknown_parts,
    with_equal_items,
    with_equal_values,
    with_open_numbers,
)
from truestep.guest.python.compiler.container_sites import (
    INTEGERS,
    OPTIONAL,
    container_of,
    forbid_keys,
    has_empty_containers,
    integer_constants,
    is_precise,
    refined,
    shows_numbers,
)
from truestep.guest.python.compiler.hopeless import (
    Inference,
    inferring,
    keep_hopeless,
    raise_hopeless,
)
from truestep.guest.python.compiler.inferring import forget_inferred, note_recursion, returned_type
from truestep.guest.python.compiler.int_or_float import unified
from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.list_fields import widen_fields
from truestep.guest.python.compiler.narrowing import with_checked_lists
from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.starting_over import is_searching, when_going_on, when_starting_over
from truestep.guest.python.compiler.unknown_types import (
    MARK,
    MaybeInt,
    Unknown,
    dtypes_of_known,
    unifying_with_none,
    unifying_with_nothing,
)

_ROUNDS_MAX = 10
"""Each round finds one more level of containers in containers."""
_WIDENING = "into a list of int64"
"""Said of a float that a list of integers gets."""

_rounds: list["_Round | None"] = []
"""The rounds of the functions whose types are being inferred, the innermost last; None without rounds."""


_met: dict[Any, tuple[dict[Any, Any], dict[str, Any]]] = {}
"""What rounds know of functions and the types of their arguments, until the outermost one is done."""


when_starting_over(_met.clear)
when_going_on(_met.clear)


class _Round:
    """One inference of a function's types: what is known of its empty containers."""

    def __init__(
        self, known: dict[Any, Any], sites: dict[str, Any], *, is_last: bool, widens: bool, is_exact: bool
    ) -> None:
        self.known = known
        self.sites = sites
        self.is_last = is_last
        self.widens = widens
        """Whether lists that begin with integers may get floats."""
        self.is_exact = is_exact
        """Whether such integers remain integers."""

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
        unknown = {part for kind in self.sites.values() for part in unknown_parts(kind)}
        unknown |= {part for kind in self.known.values() for part in unknown_parts(kind)}
        instances = [kind for kind in (*self.sites.values(), *args) if isinstance(kind, Growing)]
        owners = {part: kind.origin for kind in instances for part in unknown_parts(kind)}
        has_learnt = False
        for part in sorted(unknown - self.known.keys(), key=number_of):
            noted = [kind for member in part.same for kind in member.noted]
            for kind in noted:
                is_own = isinstance(kind, Growing) and owners.get(part, kind.origin) is kind.origin
                if is_own and (part in owners or part in unknown_parts(kind)):
                    unite(kind.origin)
            noted = [kind for kind in noted if part not in unknown_parts(kind)]
            found = self._unified(context, part, noted)
            if found is not None:
                self.known[part] = found if isinstance(part, MaybeInt) else with_open_numbers(found)
                has_learnt = True
        for kind in instances:
            kind.fields.update({name: self.with_known(field) for name, field in kind.fields.items()})
        if has_learnt:
            forget_inferred()
        return has_learnt

    def settle_numbers(self, args: Any) -> None:
        """Fields of instances that are being made, of which only numbers are open, have their types now."""
        for kind in args:
            if isinstance(kind, Growing):
                for name, field in kind.fields.items():
                    parts = unknown_parts(field)
                    if parts and all(isinstance(part, MaybeInt) for part in parts):
                        kind.fields[name] = self.with_known(field)

    def _unified(self, context: Any, part: Any, noted: list[Any]) -> Any:
        """The type of all that was noted of one part."""
        if not noted:
            return None
        if isinstance(part, MaybeInt) and not self.is_exact:
            return context.unify_types(*map(types.unliteral, noted))
        return unified(context, [types.int64, *noted] if isinstance(part, MaybeInt) else noted)


def install_empty_containers() -> None:
    """Infer types in rounds where one inference fails."""
    containers: Any = types.containers
    containers._sentry_forbidden_types = forbid_keys
    types.DictType.is_precise = is_precise
    types.DictType.refine = classmethod(refined)
    typed_passes.type_inference_stage = _in_rounds(typed_passes.type_inference_stage)
    inferer: Any = typeinfer.TypeInferer
    inferer.typeof_expr = _seeding(inferer.typeof_expr)
    inferer.typeof_const = _seeding_constants(inferer.typeof_const)
    typeinfer.CallConstraint.resolve = _unless_hopeless(_noting_arguments(typeinfer.CallConstraint.resolve))
    inferer.resolve_call = _of_recursion(inferer.resolve_call)
    context: Any = typing_context.BaseContext
    context.resolve_setitem = _noting_items(context.resolve_setitem)
    context.resolve_setattr = _noting_fields(context.resolve_setattr)
    types.Optional.unify = unifying_with_none(types.Optional.unify)
    numpy_support.as_dtype = dtypes_of_known(numpy_support.as_dtype)
    number: Any = types.Number
    number.unify = unifying_with_nothing(number.unify)
    types.DictType.unify = unifying_parts(types.DictType.unify)
    types.Dispatcher.get_call_type = _without_compiling(types.Dispatcher.get_call_type)
    types.Dispatcher.get_overload = _of_compiled(types.Dispatcher.get_overload)
    typeinfer.BuildMapConstraint.__call__ = with_equal_values(typeinfer.BuildMapConstraint.__call__)
    typeinfer.BuildListConstraint.__call__ = with_equal_items(typeinfer.BuildListConstraint.__call__)


def _is_inferred_only(kind: Any) -> bool:
    """Whether nothing can be compiled for a type."""
    return MARK in kind.name or GROWING in kind.name


def is_in_round() -> bool:
    """Whether types are only looked for."""
    return is_searching() or any(current is not None and not current.is_last for current in _rounds)


def _in_rounds(infer: Any) -> Any:
    """The inference of a function's types, with more information if that fails."""

    def infer_in_rounds(
        typingctx: Any, targetctx: Any, interp: Any, args: Any, *others: Any, **options: Any
    ) -> Any:
        inferences: list[Inference] = []

        def attempt(current: _Round | None, **changed: Any) -> Any:
            _rounds.append(current)
            try:
                with inferring(is_guess=current is not None and not current.is_last) as inference:
                    inferences.append(inference)
                    found = infer(typingctx, targetctx, interp, args, *others, **{**options, **changed})
            finally:
                _rounds.pop()
            return found if changed else with_checked_lists(typingctx, interp, found)

        try:
            return attempt(None)
        except errors.ForceLiteralArg:
            raise
        except errors.TypingError as error:
            if inferences[0].is_hopeless:
                raise
            return _infer_with_containers(typingctx, interp, args, attempt, error)

    return infer_in_rounds


def _infer_with_containers(context: Any, interp: Any, args: Any, attempt: Any, error: Any) -> Any:
    """The types of a function that makes containers of which only a part is known."""
    is_users = is_users_function(interp.func_id.func)
    widens = _WIDENING in str(error)
    if widens and is_users:
        widen_fields(interp, attempt(None, raise_errors=False)[0])
    if is_in_round() and not is_users:
        raise error
    last_error = error
    if has_empty_containers(interp, widens=widens):
        try:
            return _search(context, interp, args, attempt, error, widens=widens, is_exact=True)
        except errors.TypingError as found:
            last_error = found
    if not widens and is_users and integer_constants(interp):
        with contextlib.suppress(errors.TypingError):
            return _search(context, interp, args, attempt, error, widens=True, is_exact=True)
    elif widens and has_empty_containers(interp, widens=True):
        with contextlib.suppress(errors.TypingError):
            return _search(context, interp, args, attempt, error, widens=True, is_exact=False)
    raise last_error


def _search(
    context: Any, interp: Any, args: Any, attempt: Any, error: Any, *, widens: bool, is_exact: bool
) -> Any:
    """Infer in rounds until nothing new is learnt. Raises TypingError."""
    is_outermost = not is_in_round()
    key = interp.func_id.func.__code__, tuple(args), widens, is_exact
    known, sites = _met.setdefault(key, ({}, {}))
    options = {"widens": widens, "is_exact": is_exact}
    current = _Round(known, sites, is_last=False, **options)
    try:
        for _ in range(_ROUNDS_MAX):
            attempt(current, raise_errors=False)
            if not current.learn(context, args):
                break
        if not known and not sites:
            raise error
        last = _Round(known, sites, is_last=True, **options)
        last.settle_numbers(args)
        found = attempt(last)
        has_floats = not is_exact and any(isinstance(part, MaybeInt) for part in known)
        if has_floats and shows_numbers(interp, *found[1:3]):
            raise error
        return found
    except errors.TypingError as last_error:
        is_all_known = not any(is_unknown(current.with_known(kind)) for kind in sites.values())
        raise (last_error if is_all_known else error) from None
    finally:
        if is_outermost:
            _met.clear()


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


def _seeding_constants(typeof_const: Any) -> Any:
    """`0` in `heap = [(0, start)]` may stand for what is a float later."""

    def typeof_with_seed(inferer: Any, inst: Any, target: Any, const: Any) -> Any:
        current = _rounds[-1] if _rounds else None
        widens = current is not None and current.widens and type(const) is int
        if current is not None and widens and target.name in integer_constants(inferer.func_ir):
            kind = current.kind_at(target.name, INTEGERS).dtype
            if kind != MaybeInt.settled:  # else it stays a literal, whose value arrays are checked against
                inferer.add_type(target.name, kind, loc=inst.loc)
                return None
        return typeof_const(inferer, inst, target, const)

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
                note_parts(field, value)
                context.unify_types(field, value)
                return templates.signature(types.void, target, field)
        return resolve(context, target, attr, value)

    return resolve_setattr


def _unless_hopeless(resolve: Any) -> Any:
    """Do not infer what a function calls that fails with whatever types."""

    def resolve_if_worthwhile(self: Any, typeinfer: Any, typevars: Any, fnty: Any) -> None:
        raise_hopeless()
        try:
            resolve(self, typeinfer, typevars, fnty)
        except errors.TypingError as error:
            keep_hopeless(error)
            raise

    return resolve_if_worthwhile


def _noting_arguments(resolve: Any) -> Any:
    def resolve_after_note(self: Any, typeinfer: Any, typevars: Any, fnty: Any) -> None:
        if is_in_round() and not self.kws and self.vararg is None:
            arguments = [typevars[argument.name].type for argument in self.args]
            this = getattr(fnty, "this", None)
            kinds = [kind for kind in (this, *arguments) if kind is not None]
            is_hash = is_searching() and getattr(fnty, "typing_key", None) is hash
            if None not in arguments and (is_hash or any(map(is_unknown, kinds))):
                found = note_call(typeinfer.context, fnty, arguments)
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
        if isinstance(fnty, types.RecursiveCall):
            note_recursion(fnty.dispatcher_type.dispatcher.py_func)
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
