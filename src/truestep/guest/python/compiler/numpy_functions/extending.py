"""How functions of NumPy and methods of arrays are added to Numba's, which are tried first."""

from collections.abc import Callable
from typing import Any

from numba.core import errors, imputils, types
from numba.core.datamodel import models
from numba.core.datamodel import registry as models_registry
from numba.core.extending import overload
from numba.core.typing import context as typing_context
from numba.core.typing import npydecl
from numba.core.typing.templates import builtin_registry

_METHODS: dict[str, Any] = {}
"""The function that does what an array's method does, by the method's name."""

_COMES_FIRST: dict[str, Callable[[Any], bool]] = {}
"""Whether it is taken for an array of a type although Numba has something, by the method's name."""

_METHODS_KEY = "truestep method"

ITEM_OF_ARRAY = (_METHODS_KEY, "item")
"""What promotion knows `x.item(…)` by, which is a number of Python."""

_is_redirected: list[bool] = [False]
"""Whether a function that Numba compiles as a method is being resolved; the innermost last."""

_registry: Any = imputils.builtin_registry
_BOUND: Any = types.BoundFunction
_CONTEXT: Any = typing_context.BaseContext


def extend(function: Any, implementation: Callable[..., Any]) -> None:
    """Compile `function` as `implementation` says where Numba has nothing for the types of a call."""
    overload(function, strict=False, prefer_literal=True)(implementation)


def extend_first(function: Any, implementation: Callable[..., Any]) -> None:
    """Compile `function` as `implementation` says, and as Numba does where that has nothing."""
    extend(function, implementation)
    registered: list[Any] = builtin_registry.globals
    added = registered.pop()
    first = next(index for index, (known, _) in enumerate(registered) if known is function)
    registered.insert(first, added)


def extend_method(
    name: str, implementation: Callable[..., Any], comes_first: Callable[[Any], bool] | None = None
) -> None:
    """Compile an array's method as `implementation` says, which gets the array, where Numba has nothing."""

    def function() -> None:
        """Stands for the method; NumPy's function may lead to the method again."""

    function.__name__ = name
    extend(function, implementation)
    _METHODS[name] = function
    if comes_first:
        _COMES_FIRST[name] = comes_first

    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        typing_context = context.typing_context
        kind = typing_context.resolve_value_type(function)
        compiled = context.get_function(kind, kind.get_call_type(typing_context, signature.args, {}))
        context.add_linking_libs(getattr(compiled, "libs", ()))
        return compiled(builder, arguments)

    _registry.lower((_METHODS_KEY, name), types.Array, types.VarArg(types.Any))(call)


def extend_method_further(name: str, implementation: Callable[..., Any]) -> None:
    """Add another implementation of a method that was added before."""
    extend(_METHODS[name], implementation)


def _never(array: Any) -> bool:
    del array
    return False


def is_method_of_array(kind: Any) -> bool:
    """Whether it is the type of an array's method."""
    return isinstance(kind, _BOUND) and isinstance(kind.this, types.Array)


def is_method_of_number(kind: Any) -> bool:
    """Whether it is the type of a number's method."""
    return isinstance(kind, _BOUND) and isinstance(kind.this, types.Number | types.Boolean)


class _Method(_BOUND):
    """A method of an array: Numba's, or a function that takes the array first."""

    def __init__(self, name: str, this: Any, numbas: Any) -> None:
        self.name_of_method = name
        self.numbas = numbas
        self.this = this
        self.typing_key = (_METHODS_KEY, name)
        self._keys: dict[Any, Any] = {}
        types.Type.__init__(self, f"method {name} of {this}")

    def unify(self, typingctx: Any, other: Any) -> Any:
        """The same method of the array that both become."""
        if not (isinstance(other, _Method) and other.name_of_method == self.name_of_method):
            return None
        this = typingctx.unify_pairs(self.this, other.this)
        return None if this is None else typingctx.resolve_getattr(this, self.name_of_method)

    @property
    def key(self) -> Any:
        """What makes it equal to another one."""
        return self.typing_key, self.this

    @property
    def template(self) -> Any:
        """Numba's, for its messages."""
        return getattr(self.numbas, "template", None)

    def get_impl_key(self, sig: Any) -> Any:
        """Which implementation belongs to a signature."""
        return self._keys[sig.as_function().args]

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature of a call: Numba's, else the function's."""
        found, refusal = self._numbas_call_type(context, args, kws)
        if found is not None:
            self._keys[found.as_function().args] = self.numbas.get_impl_key(found)
            return found
        function = context.resolve_value_type(_METHODS[self.name_of_method])
        try:
            found = function.get_call_type(context, (self.this, *args), kws).as_method()
        except errors.NumbaError as error:
            raise error from refusal
        self._keys[found.as_function().args] = self.typing_key
        return found

    def _numbas_call_type(self, context: Any, args: Any, kws: Any) -> tuple[Any, Exception | None]:
        if self.numbas is None or _COMES_FIRST.get(self.name_of_method, _never)(self.this):
            return None, None
        try:
            return self.numbas.get_call_type(context, args, kws), None
        except (errors.NumbaError, AssertionError, ValueError) as error:
            return None, error

    def get_call_signatures(self) -> Any:
        """None are fixed."""
        return (), True


_registered: Any = models_registry
_models: Any = models
_registered.register_default(_Method)(_models.handle_bound_function)


def install_methods() -> None:
    """Let arrays have the methods that were added."""
    resolve = _CONTEXT.resolve_getattr

    def resolve_getattr(context: Any, kind: Any, name: str) -> Any:
        found = resolve(context, kind, name)
        if not isinstance(kind, types.Array) or name not in _METHODS or _is_redirected[-1]:
            return found
        return _Method(name, kind, found if isinstance(found, _BOUND) else None)

    _CONTEXT.resolve_getattr = resolve_getattr
    _keep_redirections(npydecl.Numpy_method_redirection)


def _keep_redirections(template: Any) -> None:
    """Functions that Numba compiles as methods, such as np.argsort, lead to its own methods only."""
    generic = template.generic

    def generic_redirected(instance: Any, args: Any, kws: Any) -> Any:
        _is_redirected.append(True)
        try:
            return generic(instance, args, kws)
        finally:
            _is_redirected.pop()

    template.generic = generic_redirected
