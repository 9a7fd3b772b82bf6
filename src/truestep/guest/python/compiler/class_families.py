"""What is known of the fields of classes whose instances have one type, whatever `__init__` was given.

As long as nothing else is needed, each call of a class has an instance of its own type, with the fields
that `__init__` sets. Where instances of one class meet that have different types, or a field gets a value of
another type later, as in a linked list, the instances of the class become one family: their type has a
number, and its fields are learnt while the guest is compiled.
"""

from typing import Any, NoReturn

from numba.core import errors, types

from truestep.guest.python.compiler.class_instances import Late, PlainInstance
from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, IntOrFloat, are_mixed, widened
from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.more_known import StartOver
from truestep.guest.python.compiler.python_numbers import as_pythons
from truestep.guest.python.compiler.starting_over import is_searching, when_starting_over
from truestep.guest.python.compiler.unknown_types import MARK, NOTHING, Unknown


class Content(Unknown):
    """What fills a container that is a field of a family, and empty when an instance is made."""

    found: Any = None

    def note(self, other: Any) -> None:
        """Note what is put into the container. Raises StartOver when that is known."""
        kind = types.unliteral(other)
        if self.found is None and kind.is_precise() and MARK not in kind.name and kind != NOTHING:
            self.found = as_pythons(kind)
            raise StartOver


class Family:
    """Instances of one class that have one type."""

    def __init__(self, origin: type, number: int, fields: dict[str, Any]) -> None:
        self.origin = origin
        self.number = number
        self.fields = fields
        self.made: Any = None
        """The class as Numba knows it, in this attempt."""


_families: dict[type, list[Family]] = {}
_attempts = [0]


def _forget_made() -> None:
    _attempts[0] += 1
    for families in _families.values():
        for family in families:
            family.made = None


when_starting_over(_forget_made)


def attempt() -> int:
    """How often compilation began again; a type of another attempt is another type."""
    return _attempts[0]


def has_families(origin: type) -> bool:
    """Whether the instances of a class have the types of families."""
    return origin in _families


_single: set[type] = set()
"""Classes with one instance, whose `__init__` sets more fields when more is known."""


def begin_single(origin: type) -> None:
    """Let a class have one instance."""
    _families.setdefault(origin, [])
    _single.add(origin)


def unite(origin: type) -> NoReturn:
    """Let the instances of a class have one type from now on. Raises StartOver."""
    _families[origin] = []
    raise StartOver


def family_for(context: Any, origin: type, fields: dict[str, Any], instance_of: Any) -> Family:
    """The family of an instance that begins with these fields. Raises StartOver if that tells more of it.

    `instance_of` gives the type of a family's instances in this attempt.
    """
    families = _families[origin]
    for family in families:
        known = _known_now(family, instance_of)
        joined = _joined_fields(context, known, fields, is_single=origin in _single)
        if joined is not None:
            if joined != known:
                family.fields = joined
                raise StartOver
            return family
    families.append(Family(origin, len(families), {name: _opened(kind) for name, kind in fields.items()}))
    if not is_searching() and any(kind != fields[name] for name, kind in families[-1].fields.items()):
        raise StartOver
    return families[-1]


def _known_now(family: Family, instance_of: Any) -> dict[str, Any]:
    """The types of a family's fields, in which instances of other classes have their types of this attempt.

    As they were if one of these classes has several types by now.
    """

    def of_others(kind: PlainInstance) -> Any:
        return kind if kind.class_type.origin is family.origin else instance_of(kind)

    try:
        return {name: renewed(kind, of_others) for name, kind in family.fields.items()}
    except errors.TypingError:
        return family.fields


def _opened(kind: Any) -> Any:
    """The type of a field, where what an empty container will hold is to be learnt."""
    if isinstance(kind, types.List):
        return types.List(_opened_part(kind.dtype), reflected=kind.reflected)
    if isinstance(kind, types.Set):
        return types.Set(_opened_part(kind.dtype), reflected=kind.reflected)
    if isinstance(kind, types.DictType):
        return types.DictType(_opened_part(kind.key_type), _opened_part(kind.value_type))
    return kind


def _opened_part(kind: Any) -> Any:
    return Content("a field") if _is_open(kind) and not isinstance(kind, Content) else kind


def _is_open(kind: Any) -> bool:
    return kind == NOTHING or MARK in kind.name


def _is_empty_of(given: Any, known: Any) -> bool:
    """Whether a field that holds a container gets an empty one."""
    known = known.type if isinstance(known, types.Optional) else known
    if isinstance(given, types.DictType) and isinstance(known, types.DictType):
        return _is_open(given.key_type) or _is_open(given.value_type)
    is_same = type(given) is type(known) and isinstance(given, types.List | types.Set)
    return is_same and _is_open(given.dtype)


def learn_field(instance: PlainInstance, name: str, kind: Any) -> None:
    """Note the type of a field. Raises StartOver."""
    family: Any = instance.class_type.family
    if family is None:
        unite(instance.class_type.origin)
    family.fields[name] = kind
    raise StartOver


def _joined_fields(
    context: Any, known: dict[str, Any], given: dict[str, Any], *, is_single: bool
) -> dict[str, Any] | None:
    """The types of fields that may have either; None if there are none."""
    made = dict(known)
    for name in [*known, *(name for name in given if name not in known)]:
        if name not in given or name not in known:
            kind = known.get(name, given.get(name))
            made[name] = _opened(kind) if is_single else kind if isinstance(kind, Late) else Late(kind)
            continue
        kind = joined(context, known[name], given[name])
        if kind is None:
            return None
        made[name] = _opened(kind)
    return made


def joined(context: Any, known: Any, given: Any) -> Any:
    """The type of a field that has one type and gets another; None if there is none."""
    if known == given or _is_empty_of(given, known):
        return known
    if isinstance(given, Late):
        known, given = given, known
    if isinstance(known, Late):
        return _joined_late(context, known, given)
    given = as_pythons(types.unliteral(given)) if isinstance(given, types.Literal) else given
    if (wide := widened(known, given)) is not None:
        return wide
    if _changes_numbers(known, given):
        return _of_both_kinds(known, given)
    found = context.unify_types(known, given)
    if found is not None and found.is_precise():
        return found
    if _is_placeholder(known) and not _is_placeholder(given) and not isinstance(given, types.Number):
        return Late(given, known)
    return None


def _joined_late(context: Any, known: Late, given: Any) -> Any:
    if isinstance(given, Late):
        kind = joined(context, known.kind, given.kind)
        return None if kind is None else Late(kind, known.placeholder or given.placeholder)
    if known.placeholder is not None and type(types.unliteral(given)) is type(known.placeholder):
        return known
    kind = joined(context, known.kind, given)
    return None if kind is None else Late(kind, known.placeholder)


def _changes_numbers(known: Any, given: Any) -> bool:
    """Whether a number of one kind would become one of another, as an integer that becomes a float."""
    bare = [kind.type if isinstance(kind, types.Optional) else kind for kind in (known, given)]
    if not all(isinstance(kind, types.Number | types.Boolean | IntOrFloat) for kind in bare):
        return False
    return _kind_of_number(bare[0]) != _kind_of_number(bare[1])


def _of_both_kinds(known: Any, given: Any) -> Any:
    """The type of a number that is an int at one time and a float at another; None if there is none."""
    bare = [kind.type if isinstance(kind, types.Optional) else kind for kind in (known, given)]
    if not are_mixed(*bare):
        return None
    return INT_OR_FLOAT if bare == [known, given] else types.Optional(INT_OR_FLOAT)


def _kind_of_number(kind: Any) -> Any:
    kind = types.unliteral(kind)
    return "integer" if isinstance(kind, types.Integer) else type(kind).__name__.removeprefix("Python")


def _is_placeholder(kind: Any) -> bool:
    """Whether a field may begin with a value of the type only to have one: False, 0 or a text."""
    kind = types.unliteral(kind)
    return isinstance(kind, types.Boolean | types.Integer | types.UnicodeType)


def renewed(kind: Any, instance_of: Any) -> Any:
    """The type in this attempt; `instance_of` gives the type of a family's instances."""
    if isinstance(kind, PlainInstance):
        return instance_of(kind)
    if isinstance(kind, Content):
        return kind if kind.found is None else renewed(kind.found, instance_of)
    if isinstance(kind, Late):
        return Late(renewed(kind.kind, instance_of), kind.placeholder)
    if isinstance(kind, types.Optional):
        return types.Optional(renewed(kind.type, instance_of))
    if isinstance(kind, types.List):
        return types.List(renewed(kind.dtype, instance_of), reflected=kind.reflected)
    if isinstance(kind, types.Set):
        return types.Set(renewed(kind.dtype, instance_of), reflected=kind.reflected)
    if isinstance(kind, types.DictType):
        return types.DictType(renewed(kind.key_type, instance_of), renewed(kind.value_type, instance_of))
    if isinstance(kind, ItemTuple):
        return ItemTuple(renewed(kind.dtype, instance_of))
    if isinstance(kind, types.Tuple | types.UniTuple):
        return types.Tuple.from_types([renewed(member, instance_of) for member in kind.types])
    return kind


def settled(kind: Any) -> Any:
    """The type of a field when all is learnt: a container that nothing is put into has no items."""
    if is_searching():
        return kind
    if isinstance(kind, types.Optional):
        return types.Optional(settled(kind.type))
    if isinstance(kind, types.List) and isinstance(kind.dtype, Content):
        return types.List(NOTHING)
    if isinstance(kind, types.Set) and isinstance(kind.dtype, Content):
        return types.Set(NOTHING)
    if isinstance(kind, types.DictType):
        parts = (NOTHING if isinstance(part, Content) else part for part in (kind.key_type, kind.value_type))
        return types.DictType(*parts)
    return kind


def refuse_type(name: str, attr: str, known: Any, value: Any) -> errors.TypingError:
    """Why a field cannot hold a value."""
    return errors.TypingError(
        f"a guest's field has one type: {attr} of {name} is {known} and cannot become {value};"
        f" begin it with a value of the type that it will have"
    )
