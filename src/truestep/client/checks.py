"""One thing that was checked of a file, and what differed."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.client.differences import differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `detail` says what was expected and what was found, if they differ."""

    name: str
    passed: bool
    detail: str = ""


def equal(name: str, expected: object, found: object, names: Sequence[str] = ()) -> Check:
    """Whether two values are the same; `names` are those of the members of tuples."""
    passed = expected == found
    return Check(name=name, passed=passed, detail="" if passed else differences(expected, found, names))
