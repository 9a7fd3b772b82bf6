"""np.random's functions and RandomState's methods, which draw the same."""

import importlib
from typing import Any

import numpy as np

from truestep.guest.python.compiler.randomness.bits import global_bits, next_double
from truestep.guest.python.compiler.randomness.choosing import legacy_indices
from truestep.guest.python.compiler.randomness.distributions import OF_RANDOM_STATE, Distribution
from truestep.guest.python.compiler.randomness.drawing import define, function_from
from truestep.guest.python.compiler.randomness.draws import standard_gamma
from truestep.guest.python.compiler.randomness.integers import randint_of
from truestep.guest.python.compiler.randomness.overloading import implement, implement_method
from truestep.guest.python.compiler.randomness.owners import RandomState, bits_of
from truestep.guest.python.compiler.randomness.seeding import has_entropy, reseed
from truestep.guest.python.compiler.randomness.selecting import (
    can_be_shuffled,
    choice_of,
    permuted_number,
    shuffle_items,
)
from truestep.guest.python.compiler.randomness.sources import standard_exponential, standard_normal
from truestep.guest.python.compiler.randomness.vectors import (
    dirichlet_function,
    multinomial_function,
    normal_function,
)
from truestep.guest.python.compiler.sums import forget

_BASIC = (
    Distribution(name="random", draw=next_double, parameters=()),
    Distribution(name="random_sample", draw=next_double, parameters=()),
    Distribution(name="standard_normal", draw=standard_normal, parameters=()),
    Distribution(name="standard_exponential", draw=standard_exponential, parameters=()),
    Distribution(name="standard_gamma", draw=standard_gamma, parameters=("shape",), refused=("shape < 0",)),
)
_ALIASES = (
    Distribution(name="ranf", draw=next_double, parameters=()),
    Distribution(name="sample", draw=next_double, parameters=()),
)


def install_random_state() -> None:
    """Replace Numba's own, which are registered when their module is imported."""
    importlib.import_module("numba.np.random.legacy")
    distributions = (*OF_RANDOM_STATE, *_BASIC)
    for name in (*(distribution.name for distribution in (*distributions, *_ALIASES)), "randint", *_MAKERS):
        forget(getattr(np.random, name), "")
    define(distributions, RandomState, {"bits_of": bits_of})
    define((*distributions, *_ALIASES), None, {"global_bits": global_bits})
    implement_method(RandomState, "randint", randint_of({"bits_of": bits_of}, is_method=True))
    implement(np.random.randint, randint_of({"global_bits": global_bits}, is_method=False))
    implement_method(RandomState, "rand", _rand)
    implement_method(RandomState, "randn", _randn)
    for name, make in _MAKERS.items():
        _implement_twice(name, *make)


def _rand(self: Any, *d: Any) -> Any:
    del self

    def one(self: Any, *d: Any) -> Any:
        return self.random_sample()

    def many(self: Any, *d: Any) -> Any:
        return self.random_sample(d)

    return many if d else one


def _randn(self: Any, *d: Any) -> Any:
    del self

    def one(self: Any, *d: Any) -> Any:
        return self.standard_normal()

    def many(self: Any, *d: Any) -> Any:
        return self.standard_normal(d)

    return many if d else one


def _implement_twice(name: str, parameters: str, choose: Any) -> None:
    """Implement a method, and the function of the same name. `choose(head, *kinds)` makes the function."""
    heads = ", ".join(parameter.partition("=")[0] for parameter in parameters.split(", "))
    for is_method in (True, False):
        owner, bits = ("self, ", "bits_of(self)") if is_method else ("", "global_bits()")
        head = f"def draw({owner}{parameters}):\n    bits = {bits}\n"
        known = {"choose": choose, "head": head}
        chooser = function_from(f"def draw({owner}{parameters}):\n    return choose(head, {heads})\n", known)
        if is_method:
            implement_method(RandomState, name, chooser)
        else:
            implement(getattr(np.random, name), chooser)


_NAMES = {"np": np, "bits_of": bits_of, "global_bits": global_bits}


def _seed(head: str, seed: Any) -> Any:
    if not has_entropy(seed):
        return None
    return function_from(f"{head}    reseed(seed, bits)\n", {**_NAMES, "reseed": reseed})


def _choice(head: str, a: Any, size: Any, replace: Any, p: Any) -> Any:
    head += "    axis = 0\n    shuffle = True\n"
    return choice_of(legacy_indices, _NAMES, head, "bits")(a, size, replace, p, 0)


def _shuffle(head: str, x: Any) -> Any:
    if not can_be_shuffled(x):
        return None
    return function_from(f"{head}    shuffle_items(bits, x)\n", {**_NAMES, "shuffle_items": shuffle_items})


def _permutation(head: str, x: Any) -> Any:
    names = {**_NAMES, "permuted_number": permuted_number}
    return function_from(f"{head}    return permuted_number(bits, x)\n", names)


def _multinomial(head: str, n: Any, pvals: Any, size: Any) -> Any:
    return multinomial_function(head, n, pvals, size, _NAMES)


def _dirichlet(head: str, alpha: Any, size: Any) -> Any:
    return dirichlet_function(head, alpha, size, True, _NAMES)


def _multivariate_normal(head: str, mean: Any, cov: Any, size: Any, check_valid: Any, tol: Any) -> Any:
    del check_valid, tol  # they only decide about a warning
    return normal_function(head, mean, cov, size, _NAMES, "legacy")


_MAKERS: dict[str, tuple[str, Any]] = {
    "seed": ("seed=None", _seed),
    "choice": ("a, size=None, replace=True, p=None", _choice),
    "shuffle": ("x", _shuffle),
    "permutation": ("x", _permutation),
    "multinomial": ("n, pvals, size=None", _multinomial),
    "dirichlet": ("alpha, size=None", _dirichlet),
    "multivariate_normal": ("mean, cov, size=None, check_valid='warn', tol=1e-8", _multivariate_normal),
}
