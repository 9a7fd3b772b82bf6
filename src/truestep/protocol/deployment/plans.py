"""What a deployment creates and connects, and what must hold then (docs/protocol.md S2.4, S9.4)."""

from dataclasses import astuple, dataclass

from truestep.base.ids import Address
from truestep.commitments.merkle import ZERO_NODES
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment import availability, draws, judges, logs, validity
from truestep.protocol.deployment.judges import NO_JUDGES, Judges
from truestep.protocol.deployment.plan import (
    AddressOf,
    Answer,
    Argument,
    Create,
    Fact,
    Fixed,
    Invoke,
    OnlyNamed,
    Plan,
    Step,
)
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.standing import EVERYBODY, Admission

MEMORY_DEPTH = 27
"""Levels of the memory's tree, whose empty subtrees Step computes in its constructor (machine M3)."""

NOBODY = "0x" + "00" * 20

_MODULES = {
    "Jobs": "let Jobs lock stakes",
    "Disputes": "let Disputes seize stakes",
    "Assurances": "let Assurances seize stakes",
    "Sortition": "let Sortition lock pledges",
}
"""Of every network."""
_STEP_FACTS = (
    Fixed(
        contract="Step",
        name="witness_paths.ZERO_NODES",
        expected=b"".join(ZERO_NODES[:MEMORY_DEPTH]),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelockTerms:
    """Who may change what can be changed, and how late (S2.4)."""

    proposer: Address
    guardian: Address
    guardian_seconds: int
    delay_seconds: int


def network_plan(
    rules: Parameters,
    timelock: TimelockTerms,
    kept_by: Rules | None = None,
    *,
    has_proofs: bool = False,
    admission: Admission = EVERYBODY,
    drawn_by: DrawRules = DRAW_RULES,
    log_terms: Terms | None = None,
    judged_by: Judges = NO_JUDGES,
) -> Plan:
    """The plan of a network whose first parameters are `rules`, which asks `admission` of its operators.

    It draws by `drawn_by`. With availability if `kept_by` is given, with Verifiers if it `has_proofs`, with
    Quorums, Audits and Lots if `judged_by` has rules for them, with Anchors if there are `log_terms`.
    Policies have numbers in this order: raises ValueError if one is missing before.
    """
    if has_proofs and kept_by is None:
        raise ValueError("expected rules of availability in a network that believes proofs, got none")
    judges.check(judged_by, has_proofs=has_proofs)
    address = {name: _address(name) for name in CONTRACTS}
    jobs, disputes, results = address["Jobs"], address["Disputes"], address["Results"]
    who = (timelock.proposer, timelock.guardian, timelock.guardian_seconds, timelock.delay_seconds)
    served = (address["Operators"], address["Programs"], address["Parameters"])
    links = (address["Assurances"], disputes, results)
    return Plan(
        steps=(
            Create(contract="Step"),
            Create(contract="Timelock", arguments=who),
            Create(contract="Parameters", arguments=(address["Timelock"], astuple(rules))),
            Create(
                contract="Operators",
                arguments=(
                    address["Timelock"],
                    admission.fresh_share_bps,
                    admission.gate_wei,
                    int(admission.first_phase),
                ),
            ),
            Create(contract="Programs"),
            Create(contract="Jobs", arguments=served),
            Create(contract="Leaves", arguments=(jobs,)),
            Create(contract="Disputes", arguments=(jobs, address["Leaves"], address["Step"])),
            Create(contract="Assurances", arguments=(address["Timelock"], disputes)),
            Create(contract="Results", arguments=(jobs,)),
            *draws.steps(drawn_by),
            *(logs.steps(log_terms) if log_terms else ()),
            *_module_steps(log_terms),
            Invoke(contract="Operators", function="seal", title="seal Operators"),
            *(availability.steps(kept_by) if kept_by else ()),
            *(validity.steps() if has_proofs else ()),
            *judges.steps(judged_by),
            Invoke(contract="Jobs", function="connect", arguments=links, title="connect Jobs"),
        ),
        facts=(
            *network_facts(
                rules,
                timelock.delay_seconds,
                kept_by,
                has_proofs=has_proofs,
                admission=admission,
                drawn_by=drawn_by,
                log_terms=log_terms,
                judged_by=judged_by,
            ),
            *_first_owners(timelock),
            Answer(contract="Operators", function="phase", expected=int(admission.first_phase)),
        ),
    )


def _module_steps(log_terms: Terms | None) -> tuple[Step, ...]:
    """Name the modules of Operators."""
    return tuple(
        Invoke(
            contract="Operators",
            function="add_module",
            arguments=(_address(name),),
            title=title,
            needs_storage=True,  # the phase, which its word gets, and how many there are
        )
        for name, title in _modules(log_terms).items()
    )


def _first_owners(timelock: TimelockTerms) -> tuple[Fact, ...]:
    """Who owns a network that was just deployed; later the timelock may name others (S2.4)."""
    guardian = timelock.guardian if timelock.guardian_seconds else NOBODY
    return (
        Answer(contract="Timelock", function="proposer", expected=timelock.proposer),
        Answer(contract="Timelock", function="guardian", expected=guardian),
    )


CONTRACTS = (
    "Step",
    "Timelock",
    "Parameters",
    "Operators",
    "Programs",
    "Jobs",
    "Leaves",
    "Disputes",
    "Assurances",
    "Results",
    *draws.CONTRACTS,
)
"""In order of their creation."""


def network_facts(
    rules: Parameters,
    delay_seconds: int,
    kept_by: Rules | None = None,
    *,
    has_proofs: bool = False,
    admission: Admission = EVERYBODY,
    drawn_by: DrawRules = DRAW_RULES,
    log_terms: Terms | None = None,
    judged_by: Judges = NO_JUDGES,
) -> tuple[Fact, ...]:
    """What holds in a network whose first set of parameters is `rules`, with availability by `kept_by`."""
    modules = tuple(map(_address, _modules(log_terms)))
    jobs, disputes = _address("Jobs"), _address("Disputes")
    disputes_links = ("Operators", "Jobs", "Parameters", "Leaves", "Step")
    return (
        *_STEP_FACTS,
        Fixed(contract="Timelock", name="delay_seconds", expected=delay_seconds),
        Fixed(contract="Parameters", name="owner", expected=_address("Timelock")),
        Answer(contract="Parameters", function="get", arguments=(1,), expected=astuple(rules)),
        *_fixed("Jobs", {name.lower(): _address(name) for name in ("Operators", "Programs", "Parameters")}),
        *_fixed("Disputes", {name.upper(): _address(name) for name in disputes_links}),
        *_fixed("Assurances", {"owner": _address("Timelock"), "disputes": disputes}),
        *_fixed("Assurances", {name.upper(): _address(name) for name in ("Jobs", "Operators", "Parameters")}),
        *_fixed("Leaves", {"jobs": jobs}),
        *_fixed("Results", {"jobs": jobs}),
        _answer("Jobs", "assurances", "Assurances"),
        _answer("Jobs", "disputes", "Disputes"),
        _answer("Jobs", "results", "Results"),
        *_fixed(
            "Operators",
            {
                "owner": _address("Timelock"),
                "FRESH_SHARE_BPS": admission.fresh_share_bps,
                "GATE_WEI": admission.gate_wei,
            },
        ),
        Answer(contract="Operators", function="is_sealed", expected=True),
        OnlyNamed(contract="Operators", event="ModuleAdded", expected=modules),
        *draws.facts(drawn_by),
        *(availability.facts(kept_by) if kept_by else ()),
        *(validity.facts() if has_proofs else ()),
        *(logs.facts(log_terms) if log_terms else ()),
        *judges.facts(judged_by, drawn_by.exit_seconds),
    )


def _modules(log_terms: Terms | None) -> dict[str, str]:
    """The modules of Operators, and what naming each does."""
    return _MODULES | ({logs.CONTRACT: logs.MODULE_TITLE} if log_terms else {})


def _address(contract: str) -> AddressOf:
    return AddressOf(contract=contract)


def _answer(contract: str, function: str, expected: str) -> Answer:
    return Answer(contract=contract, function=function, expected=_address(expected))


def _fixed(contract: str, values: dict[str, Argument]) -> tuple[Fixed, ...]:
    return tuple(Fixed(contract=contract, name=name, expected=value) for name, value in values.items())
