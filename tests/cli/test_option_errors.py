"""A value that an option does not take is refused with what was expected and what was got."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Invoke

NETWORK = ("--rpc", "http://127.0.0.1:9", "--network", "none", "--blobs", "http://127.0.0.1:9")
SUBMIT = ("submit", __file__, *NETWORK, "--keystore", __file__)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("submit", "x", "--keepers", "1"), "'--keepers': expected a whole number from 2 to 16, got '1'"),
        (("submit", "x", "--shards", "0"), "'--shards': expected a whole number from 1 to 65,535, got '0'"),
        (("submit", "x", "--lease", "soon"), "'--lease': expected a whole number of at least 1, got 'soon'"),
        (("worker", "--poll", "0"), "'--poll': expected a number of at least 0.05, got '0'"),
        (("items", "3", "none"), "'ITEM': expected a whole number of at least 1, got 'none'"),
        (("account", "encryption-key", "--number", "-1"), "expected a whole number from 0 to"),
        (
            ("supply", "3", "--availability", "foo"),
            "expected one of none, keepers, calldata, blob, got 'foo'",
        ),
    ],
)
def test_wrong_values_are_explained(truestep: Invoke, words: tuple[str, ...], said: str) -> None:
    finished = truestep(*words)
    assert finished.exit_code == 2
    shown = " ".join(finished.stderr.replace("│", " ").split())
    assert said in shown, shown


@pytest.mark.parametrize(
    ("availability", "option", "value", "remedy"),
    [
        ("none", "--keepers", 3, "--availability keepers"),
        ("none", "--keep-for", "60d", "--availability keepers or --availability blob"),
        ("none", "--keeper-fee", "0.1", "--availability keepers"),
        ("calldata", "--keepers", 3, "--availability keepers"),
        ("calldata", "--keep-for", "60d", "--availability keepers or --availability blob"),
        ("calldata", "--keeper-fee", "0.1", "--availability keepers"),
        ("blob", "--keepers", 3, "--availability keepers"),
        ("blob", "--keeper-fee", "0.1", "--availability keepers"),
    ],
)
def test_what_means_nothing_for_a_way_of_keeping_is_refused(
    truestep: Invoke, availability: str, option: str, value: object, remedy: str
) -> None:
    finished = truestep(*SUBMIT, "--availability", availability, option, value)
    shown = " ".join(finished.stderr.replace("│", " ").split())
    assert finished.exit_code == 2, shown
    assert f"{option}: it means nothing with --availability {availability}" in shown
    assert f"; add {remedy}, or leave it out" in shown
