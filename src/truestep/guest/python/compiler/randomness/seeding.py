"""np.random.SeedSequence, the bit generators, default_rng and RandomState objects: how they are seeded."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import STATE_WORDS, Bits
from truestep.guest.python.compiler.randomness.drawing import is_array, is_integer
from truestep.guest.python.compiler.randomness.overloading import (
    implement,
    implement_attribute,
    implement_method,
)
from truestep.guest.python.compiler.randomness.owners import (
    HALVES,
    BitGenerator,
    Generator,
    SeedSequence,
    bits_of,
    call_runtime,
    make_bit_generator,
    make_generator,
    make_random_state,
    make_seeds,
)
from truestep.guest.python.compiler.sums import is_none

_POOL_WORDS = 4
"""A seed sequence that has a parent has at least so many words before its own number."""
_JOB_WORDS = 12
_LEGACY_SEED_MAX = 2**32 - 1
_TWISTER_WORDS = STATE_WORDS["MT19937"]

_job_entropy: Any = call_runtime("truestep_job_entropy", HALVES)
_generate_halves: Any = call_runtime("truestep_seed_sequence", HALVES, HALVES)
_seed_state: dict[str, Any] = {
    kind: call_runtime(f"truestep_seed_{kind.lower()}", HALVES, Bits(kind)) for kind in STATE_WORDS
}
_LEGACY = Bits("MT19937", is_legacy=True)
_seed_with_number: Any = call_runtime("truestep_seed_random_state", types.uint64, _LEGACY)
_seed_with_words: Any = call_runtime("truestep_seed_random_state_with_words", HALVES, _LEGACY)


@register_jitable
def _put_number(number: Any, words: Any, place: int) -> int:
    """Append a number's words of 32 bits; returns where the next one goes."""
    words[place] = number & np.uint64(0xFFFFFFFF)
    high = number >> np.uint64(32)
    if high == np.uint64(0):
        return place + 1
    words[place + 1] = high
    return place + 2


@register_jitable
def _check_not_negative(number: Any) -> None:
    if number < 0:
        raise ValueError("expected non-negative integer")


def entropy_of(seed: Any) -> Any:
    """The words of 32 bits that a seed consists of. Compiled only."""
    raise NotImplementedError


@implement(entropy_of)
def _entropy_of(seed: Any) -> Any:
    def of_job(seed: Any) -> Any:
        words = np.empty(_JOB_WORDS, np.uint32)
        _job_entropy(words)
        return words

    def of_number(seed: Any) -> Any:
        _check_not_negative(seed)
        words = np.empty(2, np.uint32)
        return words[: _put_number(np.uint64(seed), words, 0)].copy()

    def of_items(seed: Any) -> Any:
        words = np.empty(2 * len(seed), np.uint32)
        place = 0
        for item in seed:
            _check_not_negative(item)
            place = _put_number(np.uint64(item), words, place)
        return words[:place].copy()

    if is_none(seed):
        return of_job
    if is_integer(seed):
        return of_number
    dtype = getattr(seed, "dtype", None)
    return of_items if is_array(seed) and isinstance(dtype, types.Integer) else None


def has_entropy(seed: Any) -> bool:
    """Whether a value can seed: None, integers, or integers in an array, list or tuple."""
    return (
        is_none(seed)
        or is_integer(seed)
        or (is_array(seed) and isinstance(getattr(seed, "dtype", None), types.Integer))
    )


@register_jitable
def _sequence(entropy: Any) -> Any:
    return make_seeds(entropy, np.zeros(1, np.uint64))


def _as_sequence(seed: Any) -> Any:
    """A seed sequence from a seed. Compiled only."""
    raise NotImplementedError


@implement(_as_sequence)
def _as_sequence_of(seed: Any) -> Any:
    def itself(seed: Any) -> Any:
        return seed

    def sequence(seed: Any) -> Any:
        return _sequence(entropy_of(seed))

    if isinstance(seed, SeedSequence):
        return itself
    return sequence if has_entropy(seed) else None


@register_jitable
def _child(entropy: Any, number: Any) -> Any:
    """The entropy of a sequence's child number `number`."""
    size = max(len(entropy), _POOL_WORDS)
    words = np.zeros(size + 2, np.uint32)
    words[: len(entropy)] = entropy
    return words[: _put_number(number, words, size)].copy()


@register_jitable
def _spawn(seeds: Any, n_children: int) -> Any:
    if n_children < 0:
        raise ValueError("n_children must be non-negative")
    first = seeds._children[0]
    seeds._children[0] = first + np.uint64(n_children)
    return [_sequence(_child(seeds._entropy, first + np.uint64(i))) for i in range(n_children)]


def install_seeding() -> None:
    """Register constructors, spawn and generate_state."""
    implement(np.random.SeedSequence, _seed_sequence)
    implement_method(SeedSequence, "spawn", _spawn_sequences)
    implement_method(SeedSequence, "generate_state", _generate_state)
    for kind in STATE_WORDS:
        implement(getattr(np.random, kind), _bit_generator(kind))
    implement(np.random.Generator, _generator)
    implement(np.random.default_rng, _default_rng)
    implement_method(Generator, "spawn", _spawn_generators)
    implement_method(BitGenerator, "spawn", _spawn_bit_generators)
    implement(np.random.RandomState, _random_state)
    implement_attribute(SeedSequence, "n_children_spawned", _children_spawned)


def _seed_sequence(entropy: Any = None) -> Any:
    if not has_entropy(entropy):
        return None

    def sequence(entropy: Any = None) -> Any:
        return _sequence(entropy_of(entropy))

    return sequence


def _children_spawned(seeds: Any) -> Any:
    del seeds

    def children(seeds: Any) -> Any:
        return np.int64(seeds._children[0])

    return children


def _spawn_sequences(seeds: Any, n_children: Any) -> Any:
    del seeds, n_children
    return _spawn


def _generate_state(seeds: Any, n_words: Any, dtype: Any = np.uint32) -> Any:
    del seeds
    if not is_integer(n_words):
        return None
    chosen = dtype.value if isinstance(dtype, types.Omitted) else getattr(dtype, "instance_type", dtype)

    def halves(seeds: Any, n_words: Any, dtype: Any = np.uint32) -> Any:
        out = np.empty(n_words, np.uint32)
        _generate_halves(seeds._entropy, out)
        return out

    def words(seeds: Any, n_words: Any, dtype: Any = np.uint32) -> Any:
        out = np.empty(n_words, np.uint64)
        _generate_halves(seeds._entropy, out.view(np.uint32))
        return out

    if chosen in (np.uint32, types.uint32):
        return halves
    return words if chosen in (np.uint64, types.uint64) else None


def _maker(kind: str) -> Any:
    """A compiled function from a seed sequence to the bit generator that it seeds."""
    seed_state = _seed_state[kind]
    make = make_bit_generator[kind]
    size = STATE_WORDS[kind]

    @register_jitable
    def seeded(seeds: Any) -> Any:
        made = make(np.zeros(size, np.uint64), seeds)
        seed_state(seeds._entropy, bits_of(made))
        return made

    return seeded


_SEEDED = {kind: _maker(kind) for kind in STATE_WORDS}
_seeded_pcg64 = _SEEDED["PCG64"]


def _bit_generator(kind: str) -> Any:
    seeded = _SEEDED[kind]

    def of(seed: Any = None) -> Any:
        def bit_generator(seed: Any = None) -> Any:
            return seeded(_as_sequence(seed))

        return bit_generator if isinstance(seed, SeedSequence) or has_entropy(seed) else None

    return of


def _generator(bit_generator: Any) -> Any:
    def generator(bit_generator: Any) -> Any:
        return make_generator(bit_generator)

    return generator if isinstance(bit_generator, BitGenerator) else None


def _default_rng(seed: Any = None) -> Any:
    def itself(seed: Any = None) -> Any:
        return seed

    def of_bits(seed: Any = None) -> Any:
        return make_generator(seed)

    def seeded(seed: Any = None) -> Any:
        return make_generator(_seeded_pcg64(_as_sequence(seed)))

    if isinstance(seed, Generator):
        return itself
    if isinstance(seed, BitGenerator):
        return of_bits
    return seeded if isinstance(seed, SeedSequence) or has_entropy(seed) else None


def _spawn_generators(self: Any, n_children: Any) -> Any:
    del n_children
    seeded = _SEEDED[self.kind]

    def spawn(self: Any, n_children: Any) -> Any:
        return [make_generator(seeded(seeds)) for seeds in _spawn(self.bit_generator.seed_seq, n_children)]

    return spawn


def _spawn_bit_generators(self: Any, n_children: Any) -> Any:
    del n_children
    seeded = _SEEDED[self.kind]

    def spawn(self: Any, n_children: Any) -> Any:
        return [seeded(seeds) for seeds in _spawn(self.seed_seq, n_children)]

    return spawn


def _legacy_key(seed: Any) -> Any:
    """The words of a RandomState's seed that is not one number. Compiled only."""
    raise NotImplementedError


@implement(_legacy_key)
def _legacy_key_of(seed: Any) -> Any:
    def of_job(seed: Any) -> Any:
        return entropy_of(seed)

    if is_none(seed):
        return of_job

    def checked(seed: Any) -> Any:
        for item in seed:
            if item < 0 or item > _LEGACY_SEED_MAX:
                raise ValueError("Seed must be between 0 and 2**32 - 1")
        if len(seed) == 0:
            raise ValueError("Seed must be non-empty")
        return entropy_of(seed)

    return checked


def _random_state(seed: Any = None) -> Any:
    if not has_entropy(seed):
        return None

    def state(seed: Any = None) -> Any:
        made = make_random_state(np.zeros(_TWISTER_WORDS, np.uint64))
        reseed(seed, bits_of(made))
        return made

    return state


def reseed(seed: Any, bits: Any) -> None:
    """Seed a RandomState. Compiled only."""
    raise NotImplementedError


@implement(reseed)
def _reseed_of(seed: Any, bits: Any) -> Any:
    del bits

    def with_number(seed: Any, bits: Any) -> Any:
        if seed < 0 or seed > _LEGACY_SEED_MAX:
            raise ValueError("Seed must be between 0 and 2**32 - 1")
        _seed_with_number(np.uint64(seed), bits)

    def with_words(seed: Any, bits: Any) -> Any:
        _seed_with_words(_legacy_key(seed), bits)

    return with_number if is_integer(seed) else with_words
