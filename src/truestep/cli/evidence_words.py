"""Evidence that operators show of themselves, in words and as fields (docs/operators.md O7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from truestep.base.text import visible
from truestep.cli.failure import Failure

if TYPE_CHECKING:
    from truestep.adapters.chain.operators_desk import OperatorsDesk
    from truestep.base.ids import Address

WARNING = "it proves nothing about results"
SHOWN_LIMIT = 200
SIZE_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvidence:
    """One file."""

    fields: dict[str, Any]
    words: str


def read_evidence(path: Path) -> bytes:
    """A file. Raises Failure if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise Failure("evidence", f"cannot read {path}: {error.strerror}") from error
    if len(content) > SIZE_LIMIT_BYTES:
        raise Failure("evidence", f"expected at most {SIZE_LIMIT_BYTES:,} bytes in {path}")
    return content


def shown_evidence(
    paths: Sequence[Path], desk: "OperatorsDesk", operator: "Address", listed: Sequence[str]
) -> list[ShownEvidence]:
    """What files show of an operator; `listed` are the hashes that its record names."""
    from truestep.client.operator_evidence import Subject, examined

    subject = Subject(chain_id=desk.chain_id, contract=desk.address, operator=operator)
    now = desk.owner.now()
    shown: list[ShownEvidence] = []
    for path in paths:
        found = examined(read_evidence(path), subject, now)
        is_listed = found.sha256 in listed
        said = found.problem or "; ".join(f"{key} {value}" for key, value in found.says.items())
        where = "named by the record" if is_listed else "NOT named by the record"
        holds = "holds" if found.problem is None else "shows nothing"
        words = visible(f"{found.kind} in {path}, {where}, {holds}: {said}", limit=3 * SHOWN_LIMIT)
        fields = {
            "file": str(path),
            "sha256": found.sha256,
            "kind": found.kind,
            "in_record": is_listed,
            "holds": found.problem is None,
            "problem": found.problem,
            "says": found.says,
            "report_data": subject.report_data.hex(),
        }
        shown.append(ShownEvidence(fields=fields, words=f"{escape(words)}; {WARNING}"))
    return shown
