"""What an operator says of itself: a record that it signs and publishes (docs/operators.md O5)."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from truestep.adapters.documents import AddressText, Hex32, parsed
from truestep.base.errors import Reject, Rejected
from truestep.base.text import visible
from truestep.client import typed_data
from truestep.protocol.settlement.parameters import DAY_SECONDS

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

RECORD_VERSION = 1
RECORD_LIMIT_BYTES = 4_096
"""What `publish` of Operators takes."""
DAYS_LIMIT = 731
"""Whoever is to be reached says so again every other year."""
_Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,200}$")]
_Capability = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]{0,39}$")]
_Seconds = Annotated[int, Field(ge=0, lt=2**64)]

_TYPES = {
    "EIP712Domain": typed_data.CONTRACT_DOMAIN,
    "OperatorRecord": [
        {"name": "operator", "type": "address"},
        {"name": "revision", "type": "uint256"},
        {"name": "name", "type": "string"},
        {"name": "endpoints", "type": "string[]"},
        {"name": "capabilities", "type": "string[]"},
        {"name": "logKey", "type": "string"},
        {"name": "evidence", "type": "bytes32[]"},
        {"name": "validFrom", "type": "uint256"},
        {"name": "validUntil", "type": "uint256"},
    ],
}


class OperatorRecord(BaseModel):
    """Who an operator says it is. Its text on chain is `to_bytes`, which `parse_record` reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep operator record"] = "truestep operator record"
    version: Literal[1] = RECORD_VERSION
    chain_id: Annotated[int, Field(ge=0, lt=2**256)]
    contract: AddressText
    """Operators of the network that the record is for."""
    operator: AddressText
    revision: Annotated[int, Field(ge=1, lt=2**32)]
    """The newest counts: it rises by one with each record."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    endpoints: Annotated[list[_Endpoint], Field(max_length=8)] = []
    capabilities: Annotated[list[_Capability], Field(max_length=16)] = []
    log_key: Annotated[str, StringConstraints(max_length=200)] = ""
    """The verifier key of its log, as the note format has it (docs/logs.md)."""
    evidence: Annotated[list[Hex32], Field(max_length=8)] = []
    """SHA-256 of files that it shows to whoever asks. They prove nothing about results."""
    valid_from: _Seconds
    valid_until: _Seconds
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")] | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> "OperatorRecord":
        if not self.valid_from < self.valid_until <= self.valid_from + DAYS_LIMIT * DAY_SECONDS:
            raise ValueError(f"expected valid_until after valid_from, by at most {DAYS_LIMIT} days")
        for text in (self.name, self.log_key):
            if visible(text) != text:
                raise ValueError(f"expected visible characters, got {visible(text)!r}")
        return self

    def typed_data(self) -> dict[str, Any]:
        """What the operator signs (EIP-712)."""
        return {
            "types": _TYPES,
            "primaryType": "OperatorRecord",
            "domain": {
                "name": "truestep operator record",
                "version": "1",
                "chainId": self.chain_id,
                "verifyingContract": self.contract,
            },
            "message": {
                "operator": self.operator,
                "revision": self.revision,
                "name": self.name,
                "endpoints": list(self.endpoints),
                "capabilities": list(self.capabilities),
                "logKey": self.log_key,
                "evidence": [bytes.fromhex(each) for each in self.evidence],
                "validFrom": self.valid_from,
                "validUntil": self.valid_until,
            },
        }

    def signed_by(self, signer: "Signer") -> "OperatorRecord":
        """The record with the operator's signature. Raises Rejected if it is too large to publish."""
        signed = self.model_copy(update={"signature": typed_data.sign(signer, self.typed_data())})
        size = len(signed.to_bytes())
        if size > RECORD_LIMIT_BYTES:
            raise Rejected(
                Reject.OPERATOR_RECORD,
                f"expected a record of at most {RECORD_LIMIT_BYTES:,} bytes, got {size:,}; say less, or by"
                " shorter names",
            )
        return signed

    def to_bytes(self) -> bytes:
        """As it is published."""
        return self.model_dump_json().encode()


def parse_record(content: bytes) -> OperatorRecord:
    """The record that was published. Raises Rejected, which names the first wrong field."""
    return parsed(OperatorRecord, content, Reject.OPERATOR_RECORD, "a record from `truestep operator record`")


def check_record(record: OperatorRecord, *, chain_id: int, contract: str, operator: str) -> None:
    """Raises Rejected unless the operator has signed the record, for this network."""
    expected = (chain_id, contract.lower(), operator.lower())
    said = (record.chain_id, record.contract.lower(), record.operator.lower())
    if said != expected:
        raise Rejected(
            Reject.OPERATOR_RECORD,
            f"expected a record of {operator} for chain {chain_id} and Operators at {contract}, got one of"
            f" {record.operator} for chain {record.chain_id} and {record.contract}",
        )
    if record.signature is None:
        raise Rejected(Reject.SIGNATURE_OTHER, "expected a signed record, got one that nobody has signed")
    typed_data.check_signature(record.typed_data(), record.signature, operator)


def validity_in_words(record: OperatorRecord, now: int) -> str:
    """Whether its time runs."""
    if now < record.valid_from:
        return "not valid yet"
    return "valid" if now <= record.valid_until else "no longer valid"
