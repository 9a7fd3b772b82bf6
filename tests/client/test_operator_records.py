"""Records of operators: what is signed, and what is refused (docs/operators.md O5)."""

from __future__ import annotations

from typing import Any

import pytest
from web3 import Account

from truestep.base.errors import Rejected
from truestep.client.operator_records import (
    DAY_SECONDS,
    OperatorRecord,
    check_record,
    parse_record,
    validity_in_words,
)

NOW = 1_700_000_000
CONTRACT = "0x" + "c" * 40
SIGNER: Any = Account.from_key(b"\1" * 32)
OTHER: Any = Account.from_key(b"\2" * 32)


def record(**changes: Any) -> OperatorRecord:
    values: dict[str, Any] = {
        "chain_id": 7,
        "contract": CONTRACT,
        "operator": SIGNER.address,
        "revision": 3,
        "name": "Ada",
        "endpoints": ["https://ada.example/a"],
        "capabilities": ["python", "64-cores"],
        "evidence": ["5a" * 32],
        "valid_from": NOW,
        "valid_until": NOW + DAY_SECONDS,
    }
    return OperatorRecord(**(values | changes))


def check(found: OperatorRecord, **changes: Any) -> None:
    place: dict[str, Any] = {"chain_id": 7, "contract": CONTRACT, "operator": SIGNER.address} | changes
    check_record(found, **place)


def test_what_is_published_is_read_again() -> None:
    signed = record().signed_by(SIGNER)
    assert parse_record(signed.to_bytes()) == signed
    check(signed)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Eve"},
        {"revision": 4},
        {"endpoints": []},
        {"capabilities": ["python"]},
        {"log_key": "key"},
        {"evidence": []},
        {"valid_from": NOW + 1},
        {"valid_until": NOW + 2 * DAY_SECONDS},
        {"chain_id": 8},
        {"contract": "0x" + "d" * 40},
    ],
)
def test_every_field_is_signed(changes: dict[str, Any]) -> None:
    changed = record().signed_by(SIGNER).model_copy(update=changes)
    place = {key: value for key, value in changes.items() if key in ("chain_id", "contract")}
    with pytest.raises(Rejected, match="signature of somebody else"):
        check(changed, **place)


def test_a_record_of_another_network_or_operator_is_refused() -> None:
    signed = record().signed_by(SIGNER)
    for changes in ({"chain_id": 8}, {"contract": "0x" + "d" * 40}, {"operator": OTHER.address}):
        with pytest.raises(Rejected, match="not a record of this operator"):
            check(signed, **changes)
    with pytest.raises(Rejected, match="signature of somebody else"):
        check(record().signed_by(OTHER))
    with pytest.raises(Rejected, match="nobody has signed"):
        check(record())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a\u202eb"},
        {"name": "two\nlines"},
        {"log_key": "\x1b[31m"},
        {"endpoints": ["javascript:alert(1)"]},
        {"endpoints": ["https://a b"]},
        {"capabilities": ["Python"]},
        {"revision": 0},
        {"valid_until": NOW},
        {"valid_until": NOW + 800 * DAY_SECONDS},
    ],
)
def test_a_record_that_nobody_should_see_is_refused(changes: dict[str, Any]) -> None:
    raw = record().model_copy(update=changes).to_bytes()
    with pytest.raises(Rejected, match="not a record of this operator"):
        parse_record(raw)


def test_a_record_is_not_too_large_to_publish() -> None:
    long = [f"https://{'a' * 180}.example/{number}" for number in range(8)]
    assert record(endpoints=long).signed_by(SIGNER)
    with pytest.raises(Rejected, match="at most 4,096 bytes"):
        record(endpoints=long, evidence=["5a" * 32] * 8, capabilities=["a" * 40] * 16, name="é" * 80,
               log_key="k" * 200, ).model_copy(update={"endpoints": long * 2}).signed_by(SIGNER)  # fmt: skip


def test_its_time_is_told() -> None:
    words = [validity_in_words(record(), NOW + seconds) for seconds in (-1, 0, DAY_SECONDS, DAY_SECONDS + 1)]
    assert words == ["not valid yet", "valid", "valid", "no longer valid"]
