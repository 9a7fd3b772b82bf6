"""Parameters of requests: how each is written, read and described. Whatever is not canonical is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from truestep.base.ids import Address
from truestep.base.text import visible
from truestep.gateway.problems import Refused

JOB_LIMIT = 2**53 - 1
"""Numbers that every reader of JSON can hold; no chain will have as many jobs."""
PAGE_LIMIT = 200
PAGE_DEFAULT = 50
SHOWN_LIMIT = 80
"""Characters of a wrong value that a refusal repeats."""


class Parameter(Protocol):
    """One parameter."""

    @property
    def name(self) -> str:
        """As requests write it."""
        ...

    @property
    def place(self) -> Literal["path", "query"]:
        """Where it stands. In a path, what is not well formed is not found."""
        ...

    @property
    def default(self) -> Any:
        """The value where a query does not have it."""
        ...

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        ...

    def read(self, text: str) -> Any:
        """Its value; None if the text is none."""
        ...

    def words(self) -> str:
        """What it is, for people."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number within bounds."""

    name: str
    what: str
    place: Literal["path", "query"] = "query"
    low: int = 0
    high: int = JOB_LIMIT
    default: int | None = None

    def schema(self) -> dict[str, Any]:
        """See `Parameter`."""
        found: dict[str, Any] = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return found if self.default is None else {**found, "default": self.default}

    def read(self, text: str) -> int | None:
        """See `Parameter`."""
        if not re.fullmatch(r"0|[1-9][0-9]{0,15}", text):
            return None
        return int(text) if self.low <= int(text) <= self.high else None

    def words(self) -> str:
        """See `Parameter`."""
        return f"a number from {self.low} to {self.high}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of a pattern, without its ends."""

    name: str
    what: str
    pattern: str
    place: Literal["path", "query"] = "path"
    default: None = None

    def schema(self) -> dict[str, Any]:
        """See `Parameter`."""
        return {"type": "string", "pattern": f"^{self.pattern}$"}

    def read(self, text: str) -> str | None:
        """See `Parameter`."""
        return text if re.fullmatch(self.pattern, text, re.ASCII) else None

    def words(self) -> str:
        """See `Parameter`."""
        return self.what


JOB = Number(name="job_id", what="the job", place="path", low=1)
SHARD = Number(name="shard_index", what="the shard", place="path", high=65_534)
PROGRAM = Number(name="program_id", what="the program", place="path", low=1)
DISPUTE = Text(name="game_id", what="the dispute, a decimal number", pattern=r"[1-9][0-9]{0,59}")
OPERATOR = Text(name="address", what="the operator, 0x and 40 hex digits", pattern=r"0x[0-9a-fA-F]{40}")
LIMIT = Number(name="limit", what="the most of a page", low=1, high=PAGE_LIMIT, default=PAGE_DEFAULT)
BEFORE = Number(name="before", what="only older ones than this number", low=1)
FROM = Number(name="from", what="the first shard", high=65_535, default=0)
SKIP = Number(name="skip", what="how many of the newest to leave out", high=2_000, default=0)
AFTER = Text(name="after", what="only addresses behind this one", pattern=r"0x[0-9a-fA-F]{40}", place="query")
REQUESTER = Text(
    name="requester",
    what="only jobs of this account, 0x and 40 hex digits",
    pattern=r"0x[0-9a-fA-F]{40}",
    place="query",
)
PART = Number(name="part", what="also prove this part of the output", high=65_535)
PART_LEVEL = Number(name="part_level", what="parts of 2^K leaves of 32 bytes", high=8, default=8)


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters of a request, read."""

    _values: Mapping[str, Any]

    def number(self, parameter: Number) -> int:
        """A number that is in the path or has a default."""
        return self._values[parameter.name]

    def number_if_given(self, parameter: Number) -> int | None:
        """A number that may be left out."""
        return self._values[parameter.name]

    def text(self, parameter: Text) -> str:
        """A text in the path."""
        return self._values[parameter.name]

    def address_if_given(self, parameter: Text) -> Address | None:
        """An address that may be left out."""
        return self._values[parameter.name]


def read_values(
    parameters: tuple[Parameter, ...], path: Mapping[str, str], query: list[tuple[str, str]]
) -> Values:
    """All of them. Raises Refused for what is unknown, given twice or not well formed."""
    in_query = {each.name: each for each in parameters if each.place == "query"}
    values: dict[str, Any] = {name: each.default for name, each in in_query.items()}
    seen: set[str] = set()
    for name, text in query:
        parameter = in_query.get(name)
        if parameter is None:
            known = ", ".join(sorted(in_query)) or "none"
            raise Refused(400, f"expected only these parameters: {known}; got {_shown(name)}")
        if name in seen:
            raise Refused(400, f"expected {name} once, got it again")
        seen.add(name)
        values[name] = parameter.read(text)
        if values[name] is None:
            raise Refused(400, f"{name}: expected {parameter.words()}, got {_shown(text)}")
    for parameter in (each for each in parameters if each.place == "path"):
        values[parameter.name] = parameter.read(path[parameter.name])
        if values[parameter.name] is None:
            raise Refused(404, f"{parameter.name}: expected {parameter.words()}")
    return Values(values)


def _shown(text: str) -> str:
    return repr(visible(text, limit=SHOWN_LIMIT))
