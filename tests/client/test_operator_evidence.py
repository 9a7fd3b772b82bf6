"""Evidence of operators: checked, bound to its operator, and never more than shown (docs/operators.md O7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from web3 import Account

from truestep.adapters.quotes import QuoteReport, check_quote
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.client import typed_data
from truestep.client.operator_evidence import QUOTE_FORMAT, Evidence, Subject, examined

NOW = 1_700_000_000
OPERATOR = Address("0x" + "a1" * 20)
SUBJECT = Subject(chain_id=7, contract=Address("0x" + "c3" * 20), operator=OPERATOR)
AUDITOR: Any = Account.from_key(b"\5" * 32)


# --- quotes ---------------------------------------------------------------------------------------


def quote_file(**changes: Any) -> bytes:
    values: dict[str, Any] = {"format": QUOTE_FORMAT, "version": 1, "quote": "0400", "collateral": {"a": 1}}
    return json.dumps(values | changes).encode()


class Checker:
    """Stands for dcap-qvl."""

    def __init__(self, report_data: bytes = SUBJECT.report_data + bytes(32)) -> None:
        self.report_data = report_data
        self.asked: list[tuple[bytes, str, int]] = []

    def __call__(self, quote: bytes, collateral: str, now: int) -> QuoteReport:
        self.asked.append((quote, collateral, now))
        if quote == b"\xff":
            raise Rejected(Reject.EVIDENCE, "the quote does not hold: its signature")
        return QuoteReport(
            environment="TDX",
            status="OutOfDate",
            advisories=("INTEL-SA-00001",),
            measurement="ab" * 48,
            report_data=self.report_data,
        )


def test_a_quote_says_what_runs_where() -> None:
    checker = Checker()
    found = examined(quote_file(), SUBJECT, NOW, checker)
    assert (found.kind, found.problem) == ("quote", None)
    assert found.says == {
        "environment": "TDX, OutOfDate",
        "advisories": "INTEL-SA-00001",
        "runs": "ab" * 48,
    }
    assert checker.asked == [(b"\4\0", '{"a": 1}', NOW)]


def test_a_quote_of_somebody_else_shows_nothing() -> None:
    others = (
        Subject(chain_id=8, contract=SUBJECT.contract, operator=OPERATOR),
        Subject(chain_id=7, contract=OPERATOR, operator=OPERATOR),
        Subject(chain_id=7, contract=SUBJECT.contract, operator=SUBJECT.contract),
    )
    for other in others:
        found = examined(quote_file(), other, NOW, Checker())
        assert found.problem is not None and "about something else" in found.problem and not found.says


@pytest.mark.parametrize(
    "changes", [{"quote": "ff"}, {"quote": "0"}, {"version": 2}, {"collateral": []}, {"more": 1}]
)
def test_a_quote_that_does_not_hold_shows_nothing(changes: dict[str, Any]) -> None:
    found = examined(quote_file(**changes), SUBJECT, NOW, Checker())
    assert found.kind == "quote" and found.problem is not None and not found.says


def test_what_is_no_quote_is_refused_by_the_library_or_for_want_of_it() -> None:
    for quote, collateral in ((b"", "{}"), (bytes(700), "{}"), (b"\4\0\2\0" * 300, '{"tcb_info": 1}')):
        with pytest.raises(Rejected, match="evidence does not hold"):
            check_quote(quote, collateral, NOW)


# --- attestations ---------------------------------------------------------------------------------


def attestation(version: int = 2, signer: Any = AUDITOR, **changes: Any) -> dict[str, Any]:
    """As EAS exports one, with numbers as text here and there."""
    message: dict[str, Any] = {
        "version": version,
        "schema": "0x" + "5c" * 32,
        "recipient": OPERATOR,
        "time": str(NOW - 10),
        "expirationTime": NOW + 10,
        "revocable": True,
        "refUID": "0x" + "00" * 32,
        "data": "0x1234",
    }
    message |= {"salt": "0x" + "5a" * 32} if version == 2 else {}
    message |= changes
    kinds = {
        "version": "uint16", "schema": "bytes32", "recipient": "address", "time": "uint64",
        "expirationTime": "uint64", "revocable": "bool", "refUID": "bytes32", "data": "bytes",
        "salt": "bytes32",
    }  # fmt: skip
    domain = {
        "name": "EAS Attestation", "version": "1.2.0", "chainId": "1", "verifyingContract": "0x" + "ea" * 20,
    }  # fmt: skip
    data = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Attest": [{"name": name, "type": kinds[name]} for name in message],
        },
        "primaryType": "Attest",
        "domain": domain | {"chainId": 1},
        "message": message
        | {"time": int(message["time"])}
        | {name: bytes.fromhex(message[name][2:]) for name in ("schema", "refUID", "data")}
        | ({"salt": bytes.fromhex(message["salt"][2:])} if version == 2 else {}),
    }
    raw = bytes.fromhex(typed_data.sign(signer, data))
    signature = {"r": f"0x{raw[:32].hex()}", "s": f"0x{raw[32:64].hex()}", "v": raw[64]}
    sig = {"domain": domain, "message": message, "signature": signature, "uid": "0x" + "00" * 32}
    return {"sig": sig, "signer": AUDITOR.address}


def examine(file: dict[str, Any], now: int = NOW) -> Evidence:
    return examined(json.dumps(file).encode(), SUBJECT, now)


@pytest.mark.parametrize("version", [1, 2])
def test_an_attestation_says_who_says_what(version: int) -> None:
    found = examine(attestation(version))
    assert (found.kind, found.problem) == ("attestation", None)
    assert (found.says["attester"], found.says["data"]) == (AUDITOR.address, "0x1234")
    assert "whether it was revoked" in found.says["chain"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", "0x" + "5d" * 32),
        ("time", NOW),
        ("expirationTime", 0),
        ("revocable", False),
        ("refUID", "0x" + "01" * 32),
        ("data", "0x1235"),
        ("salt", "0x" + "5b" * 32),
    ],
)
def test_everything_of_an_attestation_is_signed(name: str, value: object) -> None:
    file = attestation()
    file["sig"]["message"][name] = value
    problem = examine(file).problem
    assert problem is not None and "signature of somebody else" in problem


def test_an_attestation_that_does_not_hold_shows_nothing() -> None:
    other: Any = Account.from_key(b"\6" * 32)
    about = attestation(recipient="0x" + "b2" * 20)
    broken = attestation()
    broken["sig"]["domain"] = broken["sig"]["domain"] | {"name": "EAS"}
    version = attestation()
    version["sig"]["message"]["version"] = 3
    cases = {
        "signature of somebody else": attestation(signer=other),
        "and not about": about,
        "as EAS exports it": broken,
        "version 1 or 2": version,
        "expected an attestation": {},
    }
    for words, file in cases.items():
        found = examine(file)
        assert found.problem is not None and words in found.problem and not found.says
    late = examine(attestation(), NOW + 11)
    assert late.problem is not None and "time is over" in late.problem
    assert examine(attestation(expirationTime=0), NOW + 11).problem is None


@pytest.mark.parametrize("number", ["1e999", "NaN", "-1", "1.5", "true", "null", '"-1"', str(2**256)])
@pytest.mark.parametrize("name", ["version", "time", "expirationTime", "chainId", "v"])
def test_numbers_of_an_attestation_that_are_none(name: str, number: str) -> None:
    file = attestation()["sig"]
    for part in (file["message"], file["domain"], file["signature"]):
        if name in part:
            part[name] = "HERE"
    content = json.dumps({"sig": file, "signer": AUDITOR.address}).replace('"HERE"', number).encode()
    found = examined(content, SUBJECT, NOW)
    assert found.problem is not None and not found.says


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b"7", b"{", b"[" * 100_000])
def test_other_files_have_only_their_hash(content: bytes) -> None:
    found = examined(content, SUBJECT, NOW)
    assert found.kind == "file" and found.problem is not None and len(found.sha256) == 64
