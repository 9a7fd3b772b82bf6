"""Remedies for the most common errors of guests, by what Numba says about them."""

import re

_CONVERT = (
    "give it values of other types, as in np.array(numbers), x.astype(np.float64) or float(x), "
    "or write what it does as a loop"
)

LEARNING = (
    *("sklearn", "xgboost", "lightgbm", "catboost", "torch", "tensorflow", "keras"),
    *("onnx", "onnxruntime", "jax", "statsmodels"),
)
"""Libraries whose models a guest does not compile."""

_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"Module\(<module 're'",
        "use find, split, partition, startswith, isdigit and slices: a guest has no regular expressions",
    ),
    (
        r"Module\(<module '(?:fractions|decimal)'|\(Fraction\(",
        "use integers for numerator and denominator, with math.gcd, or floats",
    ),
    (
        r"a guest must return its output",
        "end every path with `return` and an array, number, string or bytes, or with `raise`; "
        "one path at least must return",
    ),
    (r"a guest has no float16", "convert the argument first, as in np.sqrt(x.astype(np.float64))"),
    (
        r"a guest cannot put \S+ into a list",
        "make the list of such numbers from the start, as in [0.0] * n or [0j for _ in range(n)]",
    ),
    (
        r"a guest cannot keep a \w+ of its module inside of another value",
        "make it in the function, or keep a tuple or an array",
    ),
    (r"a guest cannot put a .+ into a .+ at ", _CONVERT),
    (r"a guest cannot put", "store a number that the dtype holds, or make the array of a wider dtype"),
    (r"a guest cannot return", "return an array, number, string or bytes, or a tuple of these"),
    (
        r"Module\(<module 'numpy\.random'"
        r"|Unknown attribute '\w+' of type (?:Generator|RandomState|BitGenerator|SeedSequence)",
        "use rng = np.random.default_rng(number) and rng.random(), rng.normal(), rng.integers() and so on",
    ),
    (
        r"Module\(<module '(?:time|datetime|os|sys|socket|subprocess|threading|secrets|uuid|pathlib)'",
        "a guest knows only its task and its input: take such values from the input, or compute "
        "them in the module, outside of the function, where they become constants",
    ),
    (r"np\.vectorize must return", "give all results one type: write 0.0 for 0"),
    (r"numpy\.vectorize", "write np.vectorize(f)(x) in one expression, or call f in a loop"),
    (
        r"numpy\.ma\b|MaskedArray",
        "keep the mask in an array of its own: x[mask], np.where(mask, x, 0.0), np.sum(x, where=mask)",
    ),
    (
        r"Module\(<module '(?:numpy|math|numpy\.linalg)'",
        "use loops or other functions of NumPy; the Numba documentation lists those that it compiles",
    ),
    (
        r"Unknown attribute '\w+' of type Module",
        "inside a guest only NumPy, math, cmath, random, heapq and functions of your own work; "
        "compute the rest in the module, outside of the function, where results become constants",
    ),
    (
        rf"Cannot determine Numba type of <class '(?:{'|'.join(LEARNING)})\b",
        "make a program of the model itself: truestep import model.onnx, or in Python "
        "truestep.models.from_sklearn(model); or take the trained numbers out of it in the module, as arrays "
        "(w = model.coef_), and compute the prediction with NumPy inside the guest (x @ w + b)",
    ),
    (
        r"Cannot determine Numba type of <class 'pandas\b",
        "take the columns as arrays in the module: prices = table['price'].to_numpy()",
    ),
    (
        r"_lru_cache_wrapper",
        "keep the results in a dictionary that the function takes as an argument: a guest's functions "
        "remember none, and this one calls itself",
    ),
    (
        r"args in function call should be a tuple",
        "write the items out, as in f(items[0], items[1]), or give the function the list itself",
    ),
    (r"global name 'super'", "write what the class takes from its base into the class itself"),
    (r"Cannot resolve setattr", "set every field in __init__; an instance gets no others later"),
    (r"a guest cannot have a class with", "leave that method out, and make instances by __init__"),
    (r"a guest's field has one type", "give the field its final type in __init__"),
    (
        r"a guest cannot set \w+ of \w+, which is frozen",
        "make a new instance with the new value, as dataclasses.replace does",
    ),
    (r"a guest cannot call \w+ like this", "pass the arguments that its __init__ takes"),
    (
        r"a guest cannot make the default of",
        "pass the value when you make the instance, or write an __init__",
    ),
    (r"Untyped global name 'frozenset'", "use a set: {a, b} or set(items)"),
    (
        r"Untyped global name '\$|Untyped global name .*<class 'builtin_function_or_method'>",
        "call it where you need it, or write a small function of your own that calls it",
    ),
    (
        r"Untyped global name .*<class 'type'>|Untyped global name .*<class '.*ABCMeta'>",
        "use a plain class, a dataclass or a NamedTuple, without a metaclass",
    ),
    (
        r"globals are considered compile-time constants|Untyped global name .*<class '(?:list|dict|set)'>",
        "a guest's functions read the lists, dictionaries and sets of a module, whose items have one type, "
        "but do not change or return them: make a copy first, as in list(name)",
    ),
    (
        r"Untyped global name|Cannot determine Numba type of",
        "make it a number, string, tuple or NumPy array; a dictionary, a list or an instance of a class is "
        "made inside the function",
    ),
    (r"NameError", "define or import the name in the module"),
    (r"No module named|ModuleNotFoundError", "install the package, or put the file beside the guest"),
    (
        r"[Cc]annot unify|[Cc]annot safely cast|can't unify",
        "give the variable one type: another name for the second use, or a conversion such as "
        "float(x) or np.int64(x)",
    ),
    (
        r"with \(context manager\)|[Cc]ontext manager",
        "a guest has no files and no context managers: use the input",
    ),
    (
        r"Unknown attribute '\w+' of type",
        "use a function of NumPy, or a loop; docs/python-guests.md says which methods and attributes work",
    ),
    (r"a guest's statistics\.\w+ takes floats", "write [float(number) for number in numbers]"),
    (r"a guest's itertools\.", "or write loops"),
    (r"a guest cannot format by", "write a specification that format() knows for this type"),
    (
        r"^a guest's \S+ has no \w+=$",
        "leave it out, and do what it does in a line of its own; docs/python-guests.md says what works",
    ),
    (
        r"Use of unsupported NumPy function",
        "use other functions of NumPy, or loops; docs/python-guests.md says what works",
    ),
    (r"too many positional arguments|missing a required argument", "pass the arguments that NumPy requires"),
    (
        r"unexpected keyword argument 'axis'|'axis'",
        "loop over the rows, or use the functions that take an axis: sum, mean, var, std, min, max, argmin, "
        "argmax, cumsum, sort",
    ),
    (
        r"unsupported array index|Unsupported array index",
        "index with integers, slices or one array of one dimension",
    ),
    (r"[Rr]eflected list|heterogeneous", "keep items of one type in a list, or use a tuple"),
    (r"IMPORT_NAME|IMPORT_FROM", "import at the top of the module, not inside a function"),
    (r"UNPACK_EX|unsupported opcode|UnsupportedBytecode", "write the line with simpler statements"),
    (
        r"[Cc]annot infer the type of variable|undefined\b",
        "give the empty list or dictionary a first item of the right type, or use "
        "numba.typed.List.empty_list(type) and Dict.empty(key, value)",
    ),
    (r"not contiguous|incompatible array for reshaping", "copy the array first: np.ascontiguousarray(x)"),
    (r"Invalid use of getiter", "loop over one array, list or tuple whose items have one type"),
    (r"non-constant value associated with variable", "pass what the inner function needs as a parameter"),
    (r"No implementation of function", _CONVERT),
)

_OF_OWN_SENTENCES = "write it in that way, or compute it with loops or other functions"
"""Where the compiler's own parts say what a guest has, and Numba's words around them would mislead."""


def remedy_for(message: str, *, is_own: bool = False) -> str:
    """The first remedy whose pattern matches the message; empty if none does."""
    found = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, message, re.MULTILINE)), "")
    return _OF_OWN_SENTENCES if is_own and found in {_CONVERT, ""} else found
