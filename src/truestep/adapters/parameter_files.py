"""Reads the parameters of a network that is to be deployed: a TOML file, and changes to it."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

from web3 import Web3

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.units import parse_coins, parse_duration, parse_share
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.audits.contracts.audits import Rules as AuditRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.audit_bounds import check_audits
from truestep.protocol.deployment.availability_bounds import check_rules
from truestep.protocol.deployment.bounds import check_admission, check_parameters, key_of
from truestep.protocol.deployment.draw_bounds import check_draws
from truestep.protocol.deployment.judges import NO_JUDGES, Judges
from truestep.protocol.deployment.logs_bounds import check_terms
from truestep.protocol.deployment.lots_bounds import check_lots
from truestep.protocol.deployment.plan import Plan
from truestep.protocol.deployment.plans import TimelockTerms, network_plan
from truestep.protocol.deployment.quorum_bounds import check_quorum
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.lots.contracts.lots import Rules as LotRules
from truestep.protocol.quorum.contracts.quorums import Rules as QuorumRules
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.standing import USUAL, Admission, Phase

SHIPPED = ("testnet", "mainnet")
"""The files that come with the package."""
FILE_LIMIT_BYTES = 1 << 16
ZERO_ADDRESS = "0x" + "00" * 20
_FOLDER = resources.files("truestep.contracts") / "parameters"
_ACCOUNTS = ("proposer", "guardian")
_NUMBERS = (*(field.name for field in fields(Parameters)), "delay_seconds", "guardian_time_seconds")
_AVAILABILITY = "availability"
"""The table of the rules of availability, which a network may go without."""
_ADMISSION, _PHASE = "admission", "phase"
"""The table of what is asked of operators, and its key for the first phase."""
PHASES = {phase.name.lower().replace("_", "-"): phase for phase in Phase}
"""The phases by their names for people."""
_VALIDITY = "validity"
"""Whether the network believes proofs: "yes" or "none"."""
_LOGS = "logs"
"""The table of the terms of logs, which a network may go without."""
_YES, _NONE = "yes", "none"
_RULES = tuple(field.name for field in fields(Rules))
_DRAWS = "draws"
"""The table of the rules of draws; a file without it means the usual ones."""
_DRAW_RULES = tuple(field.name for field in fields(DrawRules))
_QUORUM = "quorum"
"""The table of the rules of quorums, which a network may go without."""
_QUORUM_RULES = tuple(field.name for field in fields(QuorumRules))
_AUDITED = "audited"
"""The table of the rules of audits, which a network may go without."""
_AUDIT_RULES = tuple(field.name for field in fields(AuditRules))
_DRAWN = "drawn"
"""The table of the rules of lots, which a network may go without."""
_LOT_RULES = tuple(field.name for field in fields(LotRules))
_TABLES = (_AVAILABILITY, _ADMISSION, _DRAWS, _LOGS, _QUORUM, _AUDITED, _DRAWN)
_LEFT_OUT = tuple((table, _NONE) for table in (_AVAILABILITY, _LOGS, _QUORUM, _AUDITED, _DRAWN))
"""Changes that drop a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a network is deployed with, checked against the contracts' bounds."""

    rules: Parameters
    """The first set."""
    timelock: TimelockTerms
    kept_by: Rules | None
    """The rules of availability; None for a network without."""
    has_proofs: bool = False
    """Whether it believes proofs (docs/validity.md)."""
    admission: Admission = USUAL
    log_terms: Terms | None = None
    """The terms of logs; None for a network in which they are not registered."""
    """What it asks of operators (docs/operators.md)."""
    drawn_by: DrawRules = DRAW_RULES
    """The rules of draws (docs/assignment.md)."""
    judged_by: Judges = NO_JUDGES
    """The rules of quorums (docs/quorum.md), audits (docs/audits.md) and lots (docs/drawn.md)."""

    @property
    def values(self) -> dict[str, int]:
        """The numbers, by the names of their fields; those of tables after the name of their table."""
        admission = {
            "fresh_share_bps": self.admission.fresh_share_bps,
            "gate_wei": self.admission.gate_wei,
            _PHASE: int(self.admission.first_phase),
        }
        tables = {_ADMISSION: admission, _DRAWS: asdict(self.drawn_by)}
        if self.kept_by:
            tables[_AVAILABILITY] = asdict(self.kept_by)
        if self.log_terms:
            tables[_LOGS] = asdict(self.log_terms)
        if self.judged_by.quorum:
            tables[_QUORUM] = asdict(self.judged_by.quorum)
        if self.judged_by.audits:
            tables[_AUDITED] = asdict(self.judged_by.audits)
        if self.judged_by.drawn:
            tables[_DRAWN] = asdict(self.judged_by.drawn)
        found = self._own_values
        for table, values in tables.items():
            found |= {f"{table}.{field}": value for field, value in values.items()}
        return found

    @property
    def _own_values(self) -> dict[str, int]:
        times = {
            "delay_seconds": self.timelock.delay_seconds,
            "guardian_time_seconds": self.timelock.guardian_seconds,
        }
        return {**asdict(self.rules), **times}

    def plan(self) -> Plan:
        """The plan that deploys it."""
        return network_plan(
            self.rules,
            self.timelock,
            self.kept_by,
            has_proofs=self.has_proofs,
            admission=self.admission,
            drawn_by=self.drawn_by,
            log_terms=self.log_terms,
            judged_by=self.judged_by,
        )


def read_settings(place: str, changes: Sequence[str], deployer: Address) -> Settings:
    """The settings in a file, or in the shipped one of this name, with changes such as `window=12h`.

    Raises `Rejected` for what is not understood or out of bounds; the message says what would be right.
    """
    name = f"{place}.toml" if place in SHIPPED else place
    return _settings(name, _changed(_table(name, _text(place)), _changes(changes)), deployer)


def shipped_text(name: str) -> str:
    """A shipped file's content. Raises `Rejected` if there is none of this name."""
    if name not in SHIPPED:
        raise _refusal(f"expected one of {', '.join(SHIPPED)}, got {name!r}")
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def _text(place: str) -> str:
    if place in SHIPPED:
        return shipped_text(place)
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


def _changed(stated: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """A file's table with changes. `availability.share=2` changes its own, `availability=none` drops it.

    And then also proofs, committees, audits and lots, whose policies come after that of availability.
    """
    table = dict(stated)
    if changes.get(_AVAILABILITY) == _NONE:
        table.pop(_AVAILABILITY, None)
        table.pop(_VALIDITY, None)
    if changes.get(_LOGS) == _NONE:
        table.pop(_LOGS, None)
    if _NONE in (changes.get(_AVAILABILITY), changes.get(_VALIDITY)):
        table.pop(_QUORUM, None)
    if _NONE in (changes.get(each) for each in (_AVAILABILITY, _VALIDITY, _QUORUM, _AUDITED)):
        table.pop(_AUDITED, None)
        table.pop(_DRAWN, None)
    if changes.get(_DRAWN) == _NONE:
        table.pop(_DRAWN, None)
    if changes.get(_QUORUM) == _NONE:
        table.pop(_QUORUM, None)
    outer: dict[str, str] = {}
    for key, value in changes.items():
        name, is_inner, field = key.partition(".")
        if is_inner and name in _TABLES:
            table[name] = {**table.get(name, {}), field: value}
        else:
            outer[key] = value
    outer = {key: value for key, value in outer.items() if (key, value) not in _LEFT_OUT}
    return table | outer


def _settings(name: str, stated: Mapping[str, Any], deployer: Address) -> Settings:
    own = {key: value for key, value in stated.items() if key not in (*_TABLES, _VALIDITY)}
    values = _numbers(name, own, _NUMBERS, _ACCOUNTS)
    timelock = TimelockTerms(
        proposer=_account("proposer", stated["proposer"], deployer),
        guardian=_account("guardian", stated["guardian"], deployer, may_be_none=True),
        guardian_seconds=values.pop("guardian_time_seconds"),
        delay_seconds=values.pop("delay_seconds"),
    )
    rules = Parameters(**values)
    check_parameters(rules, timelock)
    kept_by, has_proofs = _rules(name, stated), _has_proofs(name, stated)
    if has_proofs and kept_by is None:
        raise _refusal(
            f"{name}: a network that believes proofs needs the table [{_AVAILABILITY}], whose policy has the"
            f" number before; add it, or pass --set {_VALIDITY}={_NONE}"
        )
    return Settings(
        rules=rules,
        timelock=timelock,
        kept_by=kept_by,
        has_proofs=has_proofs,
        admission=_admission(name, stated),
        drawn_by=_draws(name, stated),
        log_terms=_log_terms(name, stated),
        judged_by=_judges(name, stated, has_proofs=has_proofs),
    )


def _admission(name: str, stated: Mapping[str, Any]) -> Admission:
    """What is asked of operators, within the bounds of Operators; the usual if the file says nothing."""
    table = stated.get(_ADMISSION)
    if table is None:
        return USUAL
    if not isinstance(table, dict):
        raise _refusal(f"{name}: expected a table [{_ADMISSION}], got {table!r}")
    given = cast("dict[str, Any]", table)
    phase = given.get(_PHASE, "open")
    if phase not in PHASES:
        raise _refusal(f"{name}, {_ADMISSION}.{_PHASE}: expected one of {', '.join(PHASES)}, got {phase!r}")
    usual = {"fresh_share": f"{USUAL.fresh_share_bps // 100}%", "gate": "0"}
    others = {key: value for key, value in given.items() if key != _PHASE}
    values = _numbers(f"{name}, [{_ADMISSION}]", usual | others, ("fresh_share_bps", "gate_wei"))
    check_admission(values)
    return Admission(first_phase=PHASES[phase], **values)


def _log_terms(name: str, stated: Mapping[str, Any]) -> Terms | None:
    """The terms of logs, within the bounds of Anchors; None if the file has none."""
    table = stated.get(_LOGS)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise _refusal(
            f"{name}: expected a table [{_LOGS}], got {table!r}; --set {_LOGS}=none deploys without it"
        )
    names = tuple(field.name for field in fields(Terms))
    terms = Terms(**_numbers(f"{name}, [{_LOGS}]", cast("dict[str, Any]", table), names))
    check_terms(terms)
    return terms


def _has_proofs(name: str, stated: Mapping[str, Any]) -> bool:
    """Whether the network believes proofs; not if the file does not say so."""
    given = stated.get(_VALIDITY, _NONE)
    if given not in (_YES, _NONE):
        raise _refusal(f"{name}, {_VALIDITY}: expected {_YES!r} or {_NONE!r}, got {given!r}")
    return given == _YES


def _rules(name: str, stated: Mapping[str, Any]) -> Rules | None:
    """The rules of availability, checked against the bounds of Keepers; None if the file has none."""
    table = stated.get(_AVAILABILITY)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise _refusal(
            f"{name}: expected a table [{_AVAILABILITY}], got {table!r}; --set {_AVAILABILITY}=none deploys"
            " without it"
        )
    rules = Rules(**_numbers(f"{name}, [{_AVAILABILITY}]", cast("dict[str, Any]", table), _RULES))
    check_rules(rules)
    return rules


def _judges(name: str, stated: Mapping[str, Any], *, has_proofs: bool) -> Judges:
    """The rules of quorums, audits and lots."""
    quorum = _quorum(name, stated, has_proofs=has_proofs)
    audits = _audits(name, stated, has_quorums=quorum is not None)
    return Judges(quorum=quorum, audits=audits, drawn=_drawn(name, stated, has_audits=audits is not None))


def _drawn(name: str, stated: Mapping[str, Any], *, has_audits: bool) -> LotRules | None:
    """The rules of lots, checked against the bounds of Lots; None if the file has none."""
    reason = (
        "a network that draws lots audits claims, whose policy has the number before;"
        f" add the table [{_AUDITED}]"
    )
    numbers = _policy_numbers(name, stated, _DRAWN, _LOT_RULES, None if has_audits else reason)
    if numbers is None:
        return None
    rules = LotRules(**numbers)
    check_lots(rules, _draws(name, stated))
    return rules


def _audits(name: str, stated: Mapping[str, Any], *, has_quorums: bool) -> AuditRules | None:
    """The rules of audits, checked against the bounds of Audits; None if the file has none."""
    reason = (
        "a network that audits claims draws committees, whose policy has the number before;"
        f" add the table [{_QUORUM}]"
    )
    numbers = _policy_numbers(name, stated, _AUDITED, _AUDIT_RULES, None if has_quorums else reason)
    if numbers is None:
        return None
    rules = AuditRules(**numbers)
    check_audits(rules)
    return rules


def _draws(name: str, stated: Mapping[str, Any]) -> DrawRules:
    """The rules of draws, checked against the bounds of Randomness and Sortition."""
    table = stated.get(_DRAWS, {})
    if not isinstance(table, dict):
        raise _refusal(f"{name}: expected a table [{_DRAWS}], got {table!r}; leave it out for usual rules")
    usual = {key_of(field): value for field, value in asdict(DRAW_RULES).items()}
    given = cast("dict[str, Any]", table)
    _check_keys(f"{name}, [{_DRAWS}]", usual | given, list(usual))
    stated_numbers = {
        field: _number(key_of(field), field, given[key_of(field)])
        for field in _DRAW_RULES
        if key_of(field) in given
    }
    rules = replace(DRAW_RULES, **stated_numbers)
    check_draws(rules)
    return rules


def _quorum(name: str, stated: Mapping[str, Any], *, has_proofs: bool) -> QuorumRules | None:
    """The rules of quorums, checked against the bounds of Quorums; None if the file has none."""
    reason = (
        "a network that draws committees believes proofs, whose policy has the number before;"
        f' set {_VALIDITY} = "{_YES}"'
    )
    numbers = _policy_numbers(name, stated, _QUORUM, _QUORUM_RULES, None if has_proofs else reason)
    if numbers is None:
        return None
    rules = QuorumRules(**numbers)
    check_quorum(rules, _draws(name, stated))
    return rules


def _policy_numbers(
    name: str, stated: Mapping[str, Any], policy: str, expected: Sequence[str], obstacle: str | None
) -> dict[str, int] | None:
    """The numbers of a policy's table; None without one. `obstacle` says why there can be none."""
    table = stated.get(policy)
    if table is None or table == _NONE:
        return None
    if not isinstance(table, dict):
        raise _refusal(
            f"{name}: expected a table [{policy}], got {table!r}; --set {policy}={_NONE} deploys without it"
        )
    if obstacle is not None:
        raise _refusal(f"{name}: {obstacle}, or pass --set {policy}={_NONE}")
    return _numbers(f"{name}, [{policy}]", cast("dict[str, Any]", table), expected)


def _numbers(
    name: str, stated: Mapping[str, Any], expected: Sequence[str], others: Sequence[str] = ()
) -> dict[str, int]:
    """The numbers of a table by their fields; it must have these, the others, and nothing else."""
    by_key = {key_of(field): field for field in expected}
    _check_keys(name, stated, [*by_key, *others])
    return {field: _number(key, field, stated[key]) for key, field in by_key.items()}


def _check_keys(name: str, stated: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in stated:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise _refusal(f"{name}: unknown parameter {key!r}; {hint}")
    missing = [key for key in known if key not in stated]
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
