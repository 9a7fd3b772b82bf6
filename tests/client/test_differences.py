"""What differs between two records is said by field, in words."""

from dataclasses import dataclass
from typing import Any

from truestep.client.differences import differences
from truestep.client.receipt import RulesPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    output_size: int
    output_root: bytes
    is_accepted: bool = True


def test_only_the_fields_that_differ_are_named() -> None:
    found = differences((3, "ab", 5), (3, "cd", 6), ("size", "root", "cycle"))
    assert found == "root: expected ab, got cd; cycle: expected 5, got 6"
    left, right = Claim(output_size=1, output_root=b"\1"), Claim(output_size=1, output_root=b"\2")
    assert differences(left, right) == "output root: expected 01, got 02"
    assert differences(("0x1", left), ("0x1", right), ("operator", "claim")) == (
        "claim output root: expected 01, got 02"
    )
    assert differences(True, False) == "expected yes, got no"


def test_what_has_other_fields_is_compared_as_a_whole() -> None:
    assert differences((1, 2), (1,)) == "expected 2 of them, got 1 of them"
    assert differences(None, Claim(output_size=1, output_root=b"")).startswith("expected none, got Claim(")


def test_a_part_of_a_receipt_is_compared_by_its_fields() -> None:
    first: dict[str, Any] = dict.fromkeys(RulesPart.model_fields, 1)
    rules = RulesPart.model_construct(None, **first)
    other = RulesPart.model_construct(None, **{**first, "operator_bond_wei": 2})
    assert differences(rules, other) == "operator bond wei: expected 1, got 2"
