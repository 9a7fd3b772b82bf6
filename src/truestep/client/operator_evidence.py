"""Files that an operator shows of itself: quotes and attestations, checked and never believed (O7)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import from_json

from truestep.adapters.documents import parsed
from truestep.adapters.quotes import QuoteReport, check_quote
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.client import typed_data
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode

_SUBJECT = keccak256(b"truestep operator")
QUOTE_FORMAT = "truestep tee evidence"
_EAS_NAME = "EAS Attestation"
_EAS_FIELDS = {
    "version": "uint16",
    "schema": "bytes32",
    "recipient": "address",
    "time": "uint64",
    "expirationTime": "uint64",
    "revocable": "bool",
    "refUID": "bytes32",
    "data": "bytes",
}
_EAS_VERSIONS: dict[int, dict[str, str]] = {1: _EAS_FIELDS, 2: _EAS_FIELDS | {"salt": "bytes32"}}
"""What an attestation off chain signs, by its version."""
_DOMAIN = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}

QuoteCheck = Callable[[bytes, str, int], QuoteReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom evidence is about."""

    chain_id: int
    contract: Address
    operator: Address

    @property
    def report_data(self) -> bytes:
        """The first 32 bytes of the report data of a quote that is about this operator."""
        return keccak256(encode(_SUBJECT, self.chain_id, self.contract, self.operator))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a file shows."""

    kind: str
    sha256: str
    problem: str | None = None
    """Why it shows nothing."""
    says: dict[str, str] = field(default_factory=dict[str, str])


class TeeEvidence(BaseModel):
    """A quote with what is needed to check it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep tee evidence"]
    version: Literal[1]
    quote: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){1,32768}$")]
    collateral: dict[str, Any]
    """As dcap-qvl writes it."""


def examined(content: bytes, subject: Subject, now: int, check: QuoteCheck = check_quote) -> Evidence:
    """What a file shows of an operator, at a time. A file that shows nothing says why."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        values = _object(content)
    except ValueError:
        return Evidence(kind="file", sha256=digest, problem="of no known form: only its hash is checked")
    kind = "quote" if values.get("format") == QUOTE_FORMAT else "attestation"
    try:
        said = _quote(content, subject, now, check) if kind == "quote" else _attestation(values, subject, now)
    except Rejected as error:
        return Evidence(kind=kind, sha256=digest, problem=f"{error}")
    return Evidence(kind=kind, sha256=digest, says=said)


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object of a file. Raises ValueError for anything else."""
    found = from_json(content)  # however deep it is nested
    if not isinstance(found, dict):
        raise ValueError("no object")
    return cast("dict[str, Any]", found)


# --- quotes ---------------------------------------------------------------------------------------


def _quote(content: bytes, subject: Subject, now: int, check: QuoteCheck) -> dict[str, str]:
    file = parsed(TeeEvidence, content, Reject.EVIDENCE, "a file of a quote and its collateral")
    report = check(bytes.fromhex(file.quote), json.dumps(file.collateral), now)
    if report.report_data[:32] != subject.report_data:
        raise Rejected(
            Reject.EVIDENCE,
            f"the quote is about something else: expected report data that begins with"
            f" {subject.report_data.hex()}, got {report.report_data[:32].hex()}",
        )
    return {
        "environment": f"{report.environment}, {report.status}",
        "advisories": ", ".join(report.advisories) or "none",
        "runs": report.measurement,
    }


# --- attestations ---------------------------------------------------------------------------------


def _attestation(values: dict[str, Any], subject: Subject, now: int) -> dict[str, str]:
    """An attestation of the Ethereum Attestation Service that is kept off chain."""
    try:
        signed, attester = cast("dict[str, Any]", values.get("sig", values)), str(values["signer"])
        message, version = _eas_message(signed["message"])
        data = _eas_data(signed["domain"], message, version)
        parts = signed["signature"]
        signature = f"{_hex(parts['r'], 32)}{_hex(parts['s'], 32)}{_number(parts['v'], 8):02x}"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Rejected(
            Reject.EVIDENCE, f"expected an attestation as EAS exports it, off chain, version 1 or 2 ({error})"
        ) from error
    typed_data.check_signature(data, signature, attester)
    if str(message["recipient"]).lower() != subject.operator.lower():
        raise Rejected(
            Reject.EVIDENCE, f"it is about {message['recipient']}, and not about {subject.operator}"
        )
    until = message["expirationTime"]
    if until and now > until:
        raise Rejected(Reject.EVIDENCE, "its time is over")
    return {
        "attester": attester,
        "schema": f"0x{message['schema'].hex()}",
        "data": f"0x{message['data'].hex()}",
        "chain": f"{data['domain']['chainId']}; whether it was revoked there is not looked up",
    }


def _eas_message(given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    version = _number(given["version"], 16)
    kinds = _EAS_VERSIONS[version]
    message: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = given[name]
        if kind.startswith("uint"):
            message[name] = _number(value, int(kind.removeprefix("uint")))
        elif kind == "bool":
            message[name] = _flag(value)
        elif kind == "address":
            message[name] = f"0x{_hex(value, 20)}"
        else:
            message[name] = bytes.fromhex(_hex(value, 32 if kind == "bytes32" else None))
    return message, version


def _eas_data(domain: dict[str, Any], message: dict[str, Any], version: int) -> dict[str, Any]:
    if domain["name"] != _EAS_NAME:
        raise ValueError(f"domain {domain['name']!r}")
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN.items()],
            "Attest": [{"name": name, "type": kind} for name, kind in _EAS_VERSIONS[version].items()],
        },
        "primaryType": "Attest",
        "domain": {
            "name": _EAS_NAME,
            "version": str(domain["version"]),
            "chainId": _number(domain["chainId"], 256),
            "verifyingContract": f"0x{_hex(domain['verifyingContract'], 20)}",
        },
        "message": message,
    }


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def _number(value: object, bits: int) -> int:
    """A whole number, or its digits: exporters write both."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78
    if (not is_digits and type(value) is not int) or not 0 <= int(cast(Any, value)) < 2**bits:
        raise ValueError(f"expected a whole number below 2^{bits}, got {str(value)[:80]!r}")
    return int(cast(Any, value))


def _hex(value: object, size_bytes: int | None) -> str:
    text = str(value).removeprefix("0x")
    if size_bytes is not None and len(text) != 2 * size_bytes:
        raise ValueError(f"expected {size_bytes} bytes in hexadecimal, got {len(text)} digits")
    bytes.fromhex(text)
    return text.lower()
