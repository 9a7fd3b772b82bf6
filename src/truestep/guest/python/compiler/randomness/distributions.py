"""What each distribution is called, its parameters, when it refuses them, and the function that draws it."""

from dataclasses import dataclass
from typing import Any

from truestep.guest.python.compiler.randomness import counts, draws, generator_draws, legacy_draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One distribution of NumPy."""

    name: str
    draw: Any
    """draw(bits, *parameters) gives one number."""
    parameters: tuple[str, ...]
    """`name` or `name=default`; `name: int` is an integer, everything else a float64."""
    refused: tuple[str, ...] = ()
    """Conditions on the parameters, as Python; they are also the message."""
    makes_counts: bool = False
    """Its numbers are int64, not float64."""


_NO_PROBABILITY = "p <= 0.0 or p > 1.0 or p != p"
_POISSON_MAX = 9.223372006484771e18
"""The largest mean: ten deviations more still fit into 64 bits."""


_SHAPE = ("shape", "scale=1.0")
_PLACE = ("loc=0.0", "scale=1.0")


def _floats(name: str, draw: Any, parameters: tuple[str, ...], *refused: str) -> Distribution:
    return Distribution(name=name, draw=draw, parameters=parameters, refused=refused)


def _counts(name: str, draw: Any, parameters: tuple[str, ...], *refused: str) -> Distribution:
    return Distribution(name=name, draw=draw, parameters=parameters, refused=refused, makes_counts=True)


_SHARED = (
    _floats("gamma", draws.gamma, _SHAPE, "shape < 0", "scale < 0"),
    _floats("chisquare", draws.chisquare, ("df",), "df <= 0"),
    _floats("f", draws.f, ("dfnum", "dfden"), "dfnum <= 0", "dfden <= 0"),
    _floats("noncentral_chisquare", draws.noncentral_chisquare, ("df", "nonc"), "df <= 0", "nonc < 0"),
    _floats(
        "noncentral_f", draws.noncentral_f, ("dfnum", "dfden", "nonc"), "dfnum <= 0", "dfden <= 0", "nonc < 0"
    ),
    _floats("standard_t", draws.standard_t, ("df",), "df <= 0"),
    _floats("standard_cauchy", draws.standard_cauchy, ()),
    _floats("normal", draws.normal, _PLACE, "scale < 0"),
    _floats("lognormal", draws.lognormal, ("mean=0.0", "sigma=1.0"), "sigma < 0"),
    _floats("exponential", draws.exponential, ("scale=1.0",), "scale < 0"),
    _floats("uniform", draws.uniform, ("low=0.0", "high=1.0"), "not np.isfinite(high - low)"),
    _floats("weibull", draws.weibull, ("a",), "a < 0"),
    _floats("laplace", draws.laplace, _PLACE, "scale < 0"),
    _floats("gumbel", draws.gumbel, _PLACE, "scale < 0"),
    _floats("logistic", draws.logistic, _PLACE, "scale < 0"),
    _floats(
        "triangular",
        draws.triangular,
        ("left", "mode", "right"),
        "left > mode",
        "mode > right",
        "left == right",
    ),
    _counts("poisson", counts.poisson, ("lam=1.0",), "lam < 0 or lam != lam", f"lam > {_POISSON_MAX}"),
    _counts("binomial", counts.binomial, ("n: int", "p"), "n < 0", "p < 0.0 or p > 1.0 or p != p"),
    _counts("negative_binomial", draws.negative_binomial, ("n", "p"), "n <= 0 or n != n", _NO_PROBABILITY),
)


def _own(module: Any, smallest_sample: int) -> tuple[Distribution, ...]:
    """Those that Generator and RandomState draw differently."""
    return (
        _floats("beta", module.beta, ("a", "b"), "a <= 0", "b <= 0"),
        _floats("rayleigh", module.rayleigh, ("scale=1.0",), "scale < 0"),
        _floats("pareto", module.pareto, ("a",), "a <= 0"),
        _floats("power", module.power, ("a",), "a <= 0"),
        _floats("wald", module.wald, ("mean", "scale"), "mean <= 0", "scale <= 0"),
        _floats("vonmises", module.vonmises, ("mu", "kappa"), "kappa < 0"),
        _counts("geometric", module.geometric, ("p",), _NO_PROBABILITY),
        _counts("logseries", module.logseries, ("p",), "p < 0.0 or p >= 1.0 or p != p"),
        _counts("zipf", module.zipf, ("a",), "not a > 1.0"),
        _counts(
            "hypergeometric",
            module.hypergeometric,
            ("ngood: int", "nbad: int", "nsample: int"),
            "ngood < 0",
            "nbad < 0",
            f"nsample < {smallest_sample}",
            "ngood >= 1000000000 or nbad >= 1000000000",
            "ngood + nbad < nsample",
        ),
    )


OF_GENERATOR = (*_SHARED, *_own(generator_draws, 0))
OF_RANDOM_STATE = (*_SHARED, *_own(legacy_draws, 1))
