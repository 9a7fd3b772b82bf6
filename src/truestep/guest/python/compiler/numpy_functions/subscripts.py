"""Formulas of np.einsum, such as "ij,jk->ik"."""

from dataclasses import dataclass
from string import ascii_letters

from numba.core import errors

_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscripts:
    """What a formula says about its operands."""

    operands: tuple[str, ...]
    """The labels of each operand's axes."""
    labels: str
    """All labels: first those of the result, in their order, then those that are summed over."""
    kept: int
    """How many axes the result has."""

    @property
    def labels_of(self) -> tuple[tuple[int, ...], ...]:
        """For each operand and axis, which label it has."""
        return tuple(tuple(self.labels.index(label) for label in operand) for operand in self.operands)

    @property
    def axes_of(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """For each operand and label, the axes with that label."""
        return tuple(
            tuple(
                tuple(axis for axis, other in enumerate(operand) if other == label) for label in self.labels
            )
            for operand in self.operands
        )

    def first_pair(self) -> tuple[str, str]:
        """The formula of the first two operands, and the one of their product and the rest."""
        first, second, *rest = self.operands
        result = self.labels[: self.kept]
        needed = {*result, *"".join(rest)}
        joint = "".join(label for label in self.labels if label in needed and label in first + second)
        return f"{first},{second}->{joint}", f"{','.join([joint, *rest])}->{result}"


def parse_subscripts(formula: str, ndims: list[int]) -> Subscripts:
    """The formula with labels in place of "...". Raises TypingError if it does not fit the operands."""
    inputs, arrow, output = formula.replace(" ", "").partition("->")
    operands = inputs.split(",")
    if len(operands) != len(ndims):
        raise errors.TypingError(f"np.einsum {formula!r} is for {len(operands)} arrays, got {len(ndims)}")
    spare = [letter for letter in ascii_letters if letter not in formula]
    hidden = [
        ndim - len(operand.replace(_ELLIPSIS, "")) if _ELLIPSIS in operand else 0
        for operand, ndim in zip(operands, ndims, strict=True)
    ]
    dots = "".join(spare[: max(hidden)]) if max(hidden) > 0 else ""
    named = [
        operand.replace(_ELLIPSIS, dots[len(dots) - count :] if count else "")
        for operand, count in zip(operands, hidden, strict=True)
    ]
    joined = "".join(named)
    if not arrow:
        output = _ELLIPSIS + "".join(
            sorted(label for label in {*joined} - {*dots} if joined.count(label) == 1)
        )
    result = output.replace(_ELLIPSIS, dots)
    fits = all(len(operand) == ndim for operand, ndim in zip(named, ndims, strict=True))
    is_valid = all(label in ascii_letters for label in joined + result) and {*result} <= {*joined}
    if not fits or not is_valid or len({*result}) != len(result):
        raise errors.TypingError(f"np.einsum {formula!r} does not fit arrays with {ndims} dimensions")
    summed = "".join(dict.fromkeys(label for label in joined if label not in result))
    return Subscripts(operands=tuple(named), labels=result + summed, kept=len(result))
