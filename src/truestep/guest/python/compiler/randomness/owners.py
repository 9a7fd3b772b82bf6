"""The types of Generator, RandomState, SeedSequence and bit generators in compiled code."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, make_attribute_wrapper, register_model

from truestep.guest.python.compiler.randomness.bits import Bits

WORDS = types.Array(types.uint64, 1, "C")
HALVES = types.Array(types.uint32, 1, "C")
_ADDRESS = ir.IntType(64)

_Type: Any = types.Type


class SeedSequence(_Type):
    """np.random.SeedSequence: its entropy as words of 32 bits, and how many children it has spawned."""

    def __init__(self) -> None:
        _Type.__init__(self, name="SeedSequence")


class BitGenerator(_Type):
    """np.random.PCG64 and its like: the state's words, and the seed sequence."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        _Type.__init__(self, name=f"BitGenerator({kind})")


class Generator(_Type):
    """np.random.Generator: a bit generator."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        _Type.__init__(self, name=f"Generator({kind})")


class RandomState(_Type):
    """np.random.RandomState: an MT19937 with a spare normal number."""

    def __init__(self) -> None:
        _Type.__init__(self, name="RandomState")


SEEDS = SeedSequence()


def _register(owner: Any, *fields: tuple[str, Any]) -> None:
    """Values of the type have these fields; a Generator's also depend on its kind."""

    @register_model(owner)
    class Model(models.StructModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            inner = [("bit_generator", BitGenerator(kind.kind))] if owner is Generator else []
            super().__init__(manager, kind, [*fields, *inner])

    del Model


_register(SeedSequence, ("entropy", HALVES), ("children", WORDS))
_register(BitGenerator, ("state", WORDS), ("seeds", SEEDS))
_register(Generator)
_register(RandomState, ("state", WORDS))
make_attribute_wrapper(SeedSequence, "entropy", "_entropy")
make_attribute_wrapper(SeedSequence, "children", "_children")
make_attribute_wrapper(BitGenerator, "seeds", "seed_seq")
make_attribute_wrapper(Generator, "bit_generator", "bit_generator")


def _constructor(make_type: Any, *fields: str) -> Any:
    """An intrinsic that makes a value of the type from its fields."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        for field, kind, value in zip(fields, signature.args, arguments, strict=True):
            context.nrt.incref(builder, kind, value)
            setattr(made, field, value)
        return made._getvalue()

    def of_one(typing_context: Any, first: Any) -> Any:
        del typing_context
        return make_type(first)(first), generate

    def of_two(typing_context: Any, first: Any, second: Any) -> Any:
        del typing_context
        return make_type(first)(first, second), generate

    return intrinsic(of_one if len(fields) == 1 else of_two)


def _generator_of(source: Any) -> Any:
    return Generator(source.kind)


def _always(kind: Any) -> Any:
    def the_kind(first: Any) -> Any:
        del first
        return kind

    return the_kind


make_seeds = _constructor(_always(SEEDS), "entropy", "children")
make_generator = _constructor(_generator_of, "bit_generator")
make_random_state = _constructor(_always(RandomState()), "state")
make_bit_generator = {
    kind: _constructor(_always(BitGenerator(kind)), "state", "seeds")
    for kind in ("PCG64", "PCG64DXSM", "SFC64", "MT19937")
}


def bits_type(owner: Any) -> Any:
    """The type of the bits of a value of one of these types."""
    if isinstance(owner, RandomState):
        return Bits("MT19937", is_legacy=True)
    return Bits(owner.kind)


@intrinsic
def _bits_of(typing_context: Any, owner: Any) -> Any:
    """The address of the owner's state, which lives as long as the owner."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        fields = cgutils.create_struct_proxy(kind)(context, builder, value=arguments[0])
        if isinstance(kind, Generator):
            inner = BitGenerator(kind.kind)
            fields = cgutils.create_struct_proxy(inner)(context, builder, value=fields.bit_generator)
        state = context.make_array(WORDS)(context, builder, value=fields.state)
        return builder.ptrtoint(state.data, _ADDRESS)

    return bits_type(owner)(owner), generate


bits_of: Any = _bits_of


def call_runtime(name: str, *kinds: Any) -> Any:
    """An intrinsic that calls a function of the runtime: arrays are passed as an address and a size."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        operands: list[Any] = []
        for kind, value in zip(signature.args, arguments, strict=True):
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(context, builder, value=value)
                operands += [builder.ptrtoint(array.data, _ADDRESS), array.nitems]
            else:
                operands.append(value)
        function = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
        builder.call(cgutils.get_or_insert_function(builder.module, function, name), operands)
        return context.get_dummy_value()

    def of_one(typing_context: Any, first: Any) -> Any:
        del typing_context, first
        return types.none(*kinds), generate

    def of_two(typing_context: Any, first: Any, second: Any) -> Any:
        del typing_context, first, second
        return types.none(*kinds), generate

    return intrinsic(of_one if len(kinds) == 1 else of_two)
