"""Types of what fills an empty container: one that is to be found out, and one of what is never filled."""

import operator
from typing import Any

from numba.core import cgutils, imputils, types
from numba.core.datamodel import models
from numba.core.datamodel import registry as models_registry
from numba.core.typeconv.castgraph import Conversion

from truestep.guest.python.compiler.inferring import forget_inferred
from truestep.guest.python.compiler.int_or_float import IntOrFloat
from truestep.guest.python.compiler.python_numbers import PythonInt

MARK = "what fills "
"""In the names of types that are not known yet."""

_numbers = iter(range(1 << 62))


def unifying_with_nothing(unify: Any) -> Any:
    """A number and what there is none of; Numba would take the latter for a float64."""

    def unify_with_nothing(self: Any, typingctx: Any, other: Any) -> Any:
        is_no_number = isinstance(other, Nothing) or (isinstance(other, MaybeInt) and other is not self)
        return types.unliteral(self) if is_no_number else unify(self, typingctx, other)

    return unify_with_nothing


def unifying_with_none(unify: Any) -> Any:
    """What may be None already; Numba would make it so twice."""

    def unify_with_none(self: Any, typingctx: Any, other: Any) -> Any:
        return self if isinstance(other, types.NoneType) else unify(self, typingctx, other)

    return unify_with_none


class Unknown(types.Hashable):
    """The type of what an empty container will hold."""

    def __init__(self, name: str) -> None:
        kind: Any = super()
        kind.__init__(f"{MARK}{name} {next(_numbers)}")
        self.noted: list[Any] = []
        self.same: set[Unknown] = {self}

    def note(self, other: Any) -> None:
        """Note that a type is put into the container, or that it is another unknown one."""
        if isinstance(other, Unknown):
            if other not in self.same:
                joined = self.same | other.same
                for member in joined:
                    member.same = joined
                forget_inferred()
        elif other.is_precise() and other not in self.noted and not _tells_nothing(other):
            self.noted.append(other)
            forget_inferred()

    @property
    def settled(self) -> Any:
        """What it is if nothing is put into the container."""
        return NOTHING

    def unify(self, typingctx: Any, other: Any) -> Any:
        """This one, after a note."""
        del typingctx
        self.note(other)
        return self

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """Anything may be put into the container."""
        del typingctx
        self.note(other)
        return Conversion.safe


class MaybeInt(PythonInt):
    """The items of a list that begins with integers and may get floats: integers, until a float is noted."""

    settled = types.int64

    def __init__(self, name: str) -> None:
        super().__init__(f"{MARK}{name} {next(_numbers)}")
        self.noted: list[Any] = []
        self.same: set[Any] = {self}

    def __unliteral__(self) -> Any:
        """The items of a list of these are these."""
        return self

    def unify(self, typingctx: Any, other: Any) -> Any:
        """This one, after a note."""
        del typingctx
        self.note(other)
        return self

    def note(self, other: Any) -> None:
        """Note a number that is no integer."""
        if isinstance(other, types.Float | types.Complex | IntOrFloat) and other not in self.noted:
            self.noted.append(other)
            forget_inferred()


def dtypes_of_known(as_dtype: Any) -> Any:
    """NumPy's dtypes: that of what may get floats is that of integers until it does."""

    def dtype_of(nbtype: Any) -> Any:
        return as_dtype(types.int64 if isinstance(nbtype, MaybeInt) else nbtype)

    return dtype_of


class Nothing(types.Integer):
    """The type of the items of a container that stays empty."""

    def __init__(self) -> None:
        kind: Any = super()
        kind.__init__("nothing", bitwidth=64, signed=True)

    def __str__(self) -> str:
        return "float64"  # the dtype of np.array([])

    def unify(self, typingctx: Any, other: Any) -> Any:
        """Whatever comes after all."""
        del typingctx
        return other

    def can_convert_to(self, typingctx: Any, other: Any) -> Any:
        """As an integer, which there will be none."""
        return typingctx.can_convert(types.int64, other)


_registry: Any = models_registry
_lowering: Any = imputils.builtin_registry
_registry.register_default(Nothing)(models.IntegerModel)
NOTHING = Nothing()
_COMPARISONS: tuple[Any, ...] = (
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
)


def _never_compared(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Code that no run comes to."""
    del context, builder, signature, arguments
    return cgutils.false_bit


for _function in _COMPARISONS:
    _lowering.lower(_function, Nothing, Nothing)(_never_compared)
_NEVER_NOTED: tuple[Any, ...] = (Nothing, types.NoneType, types.Optional)


def _tells_nothing(kind: Any) -> bool:
    return isinstance(kind, _NEVER_NOTED) or kind == types.unknown
