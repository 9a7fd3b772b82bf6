"""Files of JSON that people pass on: receipts, disclosures, deletion receipts."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, StringConstraints, ValidationError

from truestep.base.errors import Reject, Rejected

Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
AddressText = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
_Document = TypeVar("_Document", bound=BaseModel)


def parsed(kind: type[_Document], text: bytes | str, malformed: Reject, wanted: str) -> _Document:
    """The document that `text` encodes. Raises Rejected, which names the first wrong field."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Rejected(malformed, f"{where}: {first['msg']}; expected {wanted}") from error
