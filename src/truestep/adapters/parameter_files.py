"""Reads the parameters of a network that is to be deployed: a TOML file, and changes to it."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from web3 import Web3

from truestep.adapters.chain.deploy import Rules
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.units import parse_coins, parse_duration, parse_share
from truestep.protocol.deployment.bounds import check_first, check_settlement, key_of, numbers_of
from truestep.protocol.deployment.plan import Plan
from truestep.protocol.deployment.plans import TimelockTerms, first_plan, settlement_plan
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.parameters import Parameters as SettlementParameters

SHIPPED = ("testnet", "mainnet")
"""The files that come with the package, one for each version of the protocol."""
FILE_LIMIT_BYTES = 1 << 16
ZERO_ADDRESS = "0x" + "00" * 20
_FOLDER = resources.files("truestep.contracts") / "parameters"
_ACCOUNTS = {1: (), 2: ("proposer", "guardian")}
_TIMES = {1: (), 2: ("delay_seconds", "guardian_time_seconds")}
_RULES: dict[int, type[Parameters] | type[SettlementParameters]] = {1: Parameters, 2: SettlementParameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a network is deployed with, checked against the contracts' bounds."""

    protocol: int
    rules: Rules

    @property
    def values(self) -> dict[str, int]:
        """The numbers, by the names of their fields."""
        if isinstance(self.rules, Parameters):
            return asdict(self.rules)
        first_set, timelock = self.rules
        times = {"delay_seconds": timelock.delay_seconds, "guardian_time_seconds": timelock.guardian_seconds}
        return {**asdict(first_set), **times}

    def plan(self) -> Plan:
        """The plan that deploys it."""
        return first_plan(self.rules) if isinstance(self.rules, Parameters) else settlement_plan(*self.rules)


def read_settings(place: str, changes: Sequence[str], protocol: int | None, deployer: Address) -> Settings:
    """The settings in a file, or in the shipped one of this name, with changes such as `window=12h`.

    Raises `Rejected` for what is not understood or out of bounds; the message says what would be right.
    """
    version = protocol or 1
    name = f"{place}-{version}.toml" if place in SHIPPED else place
    fields = _table(name, _text(place, version))
    stated = fields.pop("protocol", None)
    if stated not in _RULES:
        raise _refusal(f"{name}: protocol: expected 1 or 2, got {stated!r}")
    if protocol is not None and stated != protocol:
        raise _refusal(f"{name} is for version {stated} of the protocol, not {protocol}; change --protocol")
    fields |= _changes(changes)
    return _settings(name, int(stated), fields, deployer)


def shipped_text(name: str, protocol: int) -> str:
    """A shipped file's content. Raises `Rejected` if there is none of this name."""
    if name not in SHIPPED:
        raise _refusal(f"expected one of {', '.join(SHIPPED)}, got {name!r}")
    return (_FOLDER / f"{name}-{protocol}.toml").read_text(encoding="utf-8")


def _text(place: str, protocol: int) -> str:
    if place in SHIPPED:
        return shipped_text(place, protocol)
    path = Path(place)
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise _refusal(
            f"cannot read {place}: {error.strerror}; give a file, or one of {', '.join(SHIPPED)}"
        ) from error
    if len(content) > FILE_LIMIT_BYTES:
        raise _refusal(f"{place} is too large for a file of parameters")
    return content.decode("utf-8", "replace")


def _table(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal(f"{name} is not TOML: {error}") from error


def _changes(changes: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for change in changes:
        key, is_given, value = change.partition("=")
        if not is_given or not key.strip():
            raise _refusal(f"expected a change such as window=12h, got {change!r}; see --set")
        found[key.strip()] = value.strip()
    return found


def _settings(name: str, protocol: int, fields: Mapping[str, Any], deployer: Address) -> Settings:
    numbers = [*numbers_of(_RULES[protocol]), *_TIMES[protocol]]
    by_key = {key_of(field): field for field in numbers}
    _check_keys(name, fields, [*by_key, *_ACCOUNTS[protocol]])
    values = {field: _number(key, field, fields[key]) for key, field in by_key.items()}
    if protocol == 1:
        first = Parameters(**values)
        check_first(first)
        return Settings(protocol=1, rules=first)
    timelock = TimelockTerms(
        proposer=_account("proposer", fields["proposer"], deployer),
        guardian=_account("guardian", fields["guardian"], deployer, may_be_none=True),
        guardian_seconds=values.pop("guardian_time_seconds"),
        delay_seconds=values.pop("delay_seconds"),
    )
    rules = SettlementParameters(**values)
    check_settlement(rules, timelock)
    return Settings(protocol=2, rules=(rules, timelock))


def _check_keys(name: str, fields: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in fields:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise _refusal(f"{name}: unknown parameter {key!r}; {hint}")
    missing = [key for key in known if key not in fields]
    if missing:
        raise _refusal(f"{name}: missing {', '.join(missing)}; the file testnet has an example of each")


def _number(key: str, field: str, given: Any) -> int:
    text = str(given)
    if isinstance(given, bool | float | list | dict):
        value, form = None, "a number or a text in quotes"
    elif field.endswith("_wei"):
        value, form = parse_coins(text), "an amount such as 0.05, 20gwei or 7wei"
    elif field.endswith("_seconds"):
        value, form = parse_duration(text), "a time such as 90s, 30min, 12h or 2d"
    elif field.endswith("_bps"):
        value, form = parse_share(text), "a share such as 10%"
    else:
        is_number = re.fullmatch(r"\d[\d_,]{0,30}", text)
        value, form = (int(re.sub("[_,]", "", text)) if is_number else None), "a whole number"
    if value is None:
        raise _refusal(f"{key}: expected {form}, got {text!r}")
    return value


def _account(key: str, given: Any, deployer: Address, *, may_be_none: bool = False) -> Address:
    if given == "deployer":
        return deployer
    if given == "none" and may_be_none:
        return Address(ZERO_ADDRESS)
    text = str(given)
    is_address = bool(re.fullmatch("0x[0-9a-fA-F]{40}", text)) and text != ZERO_ADDRESS
    if is_address and (text == text.lower() or Web3.is_checksum_address(text)):
        return Address(Web3.to_checksum_address(text))
    others = '"deployer" or "none"' if may_be_none else '"deployer"'
    raise _refusal(
        f"{key}: expected an address (with its checksum, if letters are mixed) or {others}, got {given!r};"
        f" pass --set {key}=..."
    )


def _refusal(message: str) -> Rejected:
    return Rejected(Reject.PARAMETER_FILE, message)
