"""Addresses that people type: a wrong checksum is a typing error."""

import pytest

from truestep.adapters.addresses import checked_address, with_checksum

# EIP-55, "Test Cases"
CHECKED = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("address", CHECKED)
def test_checksums(address: str) -> None:
    assert with_checksum(address.lower()) == address
    assert checked_address(address) == checked_address(address.lower()) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "7",
        f"{CHECKED[2]}0",
        CHECKED[2][:-1],
        CHECKED[2].replace("aA", "Aa"),
        CHECKED[2][2:],
        "0x" + "g" * 40,
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert checked_address(text) is None
