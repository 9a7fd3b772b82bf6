"""A plan: contracts to create and calls to make, in order, and the facts that hold afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from truestep.base.ids import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressOf:
    """Stands for the address of a contract of the plan."""

    contract: str


Argument = int | bool | str | bytes | AddressOf | tuple[Any, ...]
"""A value of the ABI; tuples may hold the addresses of contracts too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Deploy a contract."""

    contract: str
    arguments: tuple[Argument, ...] = ()
    code: bytes | None = field(default=None, repr=False)
    """What creates it, if truestep ships no contract with this name; arguments are part of it."""

    @property
    def title(self) -> str:
        """A name for people, and for the journal."""
        return self.contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """Call a function of a contract, as the deployer."""

    contract: str
    function: str
    arguments: tuple[Argument, ...] = ()
    title: str
    needs_storage: bool = False
    """Whether it minds what earlier calls have stored: then it cannot be tried before they are made."""


Step = Create | Invoke


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An immutable of a contract, which stands behind its code, has this value."""

    contract: str
    name: str
    expected: Argument

    @property
    def title(self) -> str:
        """What is looked at."""
        return f"{self.contract}: {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A function of a contract returns this."""

    contract: str
    function: str
    arguments: tuple[Argument, ...] = ()
    expected: Argument

    @property
    def title(self) -> str:
        """What is looked at."""
        shown = ", ".join(
            each.contract if isinstance(each, AddressOf) else f"{each}" for each in self.arguments
        )
        return f"{self.contract}: {self.function}({shown})" if shown else f"{self.contract}: {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyNamed:
    """A contract has named these contracts and no others, as its events since its creation say."""

    contract: str
    event: str
    expected: tuple[AddressOf, ...]

    @property
    def title(self) -> str:
        """What is looked at."""
        return f"{self.contract}: only what {self.event} should name"


Fact = Fixed | Answer | OnlyNamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The deployment of a network."""

    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts, in order of their creation."""
        return tuple(step.contract for step in self.steps if isinstance(step, Create))


Resolve = Callable[[str], Address]
"""The address of a contract by its name."""


def resolved(argument: Argument, address_of: Resolve) -> Any:
    """The value with the addresses of contracts in their places."""
    if isinstance(argument, AddressOf):
        return address_of(argument.contract)
    if isinstance(argument, tuple):
        return tuple(resolved(each, address_of) for each in argument)
    return argument
