"""Where the contracts of one network are: the file that clients and daemons are given."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.audits.contracts.audits import Rules as AuditRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.audits import CONTRACT as AUDITS
from truestep.protocol.deployment.availability import CONTRACTS as KEEPING_CONTRACTS
from truestep.protocol.deployment.judges import Judges
from truestep.protocol.deployment.logs import CONTRACT as ANCHORS
from truestep.protocol.deployment.lots import CONTRACT as LOTS
from truestep.protocol.deployment.plan import Fact
from truestep.protocol.deployment.plans import CONTRACTS, network_facts
from truestep.protocol.deployment.quorum import CONTRACT as QUORUMS
from truestep.protocol.deployment.validity import CONTRACT as VERIFIERS
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.lots.contracts.lots import Rules as LotRules
from truestep.protocol.quorum.contracts.quorums import Rules as QuorumRules
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.standing import SHARE_MIN_BPS, STAKE_LIMIT_WEI, Admission

FORMAT_VERSION = 4
_ADDRESS = Field(pattern=r"^0x[0-9a-fA-F]{40}$")


def _numbers_of(form: type) -> AfterValidator:
    """Checks that all numbers of a form are there, in its order."""
    expected = [field.name for field in fields(form)]

    def check(values: dict[str, int]) -> dict[str, int]:
        if list(values) != expected:
            raise ValueError(f"expected the parameters {', '.join(expected)}, in this order")
        return values

    return AfterValidator(check)


class ContractAddresses(BaseModel):
    """One address for each contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = _ADDRESS
    timelock: str = _ADDRESS
    parameters: str = _ADDRESS
    operators: str = _ADDRESS
    programs: str = _ADDRESS
    jobs: str = _ADDRESS
    leaves: str = _ADDRESS
    disputes: str = _ADDRESS
    assurances: str = _ADDRESS
    results: str = _ADDRESS
    randomness: str = _ADDRESS
    sortition: str = _ADDRESS


class AvailabilityAddresses(BaseModel):
    """The contracts that keep data available, and their rules, which never change (docs/availability.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keepers: str = _ADDRESS
    items: str = _ADDRESS
    challenges: str = _ADDRESS
    bindings: str = _ADDRESS
    kept: str = _ADDRESS
    rules: Annotated[dict[str, int], _numbers_of(Rules)]


class AdmissionRules(BaseModel):
    """What Operators asks of operators, which never changes (docs/operators.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fresh_share_bps: int = Field(default=BPS, ge=SHARE_MIN_BPS, le=BPS)
    gate_wei: int = Field(default=0, ge=0, le=STAKE_LIMIT_WEI)


class ValidityAddresses(BaseModel):
    """The contract that believes proofs (docs/validity.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verifiers: str = _ADDRESS


class LogsAddresses(BaseModel):
    """The contract that logs of operators are registered at, and its terms (docs/logs.md L4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchors: str = _ADDRESS
    terms: Annotated[dict[str, int], _numbers_of(Terms)]


class QuorumAddresses(BaseModel):
    """The contract that draws committees, and its rules, which never change (docs/quorum.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quorums: str = _ADDRESS
    rules: Annotated[dict[str, int], _numbers_of(QuorumRules)]


class AuditsAddresses(BaseModel):
    """The contract under which claims are audited, and its rules, which never change (docs/audits.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audits: str = _ADDRESS
    rules: Annotated[dict[str, int], _numbers_of(AuditRules)]


class LotsAddresses(BaseModel):
    """The contract that draws lots, and its rules, which never change (docs/drawn.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lots: str = _ADDRESS
    rules: Annotated[dict[str, int], _numbers_of(LotRules)]


class Deployment(BaseModel):
    """One network: its chain, its contracts, its first rules. These may change, as S2.4 says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[4] = FORMAT_VERSION
    chain_id: int = Field(ge=0, lt=2**256)
    block_number: int = Field(ge=0, lt=2**64)
    """The block before the first contract: no event is older."""
    addresses: ContractAddresses
    parameters: Annotated[dict[str, int], _numbers_of(Parameters)]
    """The first set."""
    delay_seconds: int
    draws: Annotated[dict[str, int], _numbers_of(DrawRules)]
    """The rules of draws, which never change (docs/assignment.md)."""
    operators_transaction: str = Field(pattern=r"^[0-9a-f]{64}$")
    """It created Operators, so that nobody can leave out a module that was named early."""
    admission: AdmissionRules = AdmissionRules()
    availability: AvailabilityAddresses | None = None
    """None if the network keeps no data."""
    validity: ValidityAddresses | None = None
    """None if the network believes no proofs."""
    logs: LogsAddresses | None = None
    """None if logs are not registered in this network."""
    quorum: QuorumAddresses | None = None
    """None if the network draws no committees."""
    audits: AuditsAddresses | None = None
    """None if the network audits no claims."""
    drawn: LotsAddresses | None = None
    """None if the network draws no lots."""

    @model_validator(mode="after")
    def _is_numbered(self) -> "Deployment":
        if self.validity is not None and self.availability is None:
            raise ValueError("expected the contracts of availability, whose policy has the number before")
        if self.quorum is not None and self.validity is None:
            raise ValueError("expected the contract of proofs, whose policy has the number before")
        if self.audits is not None and self.quorum is None:
            raise ValueError("expected the contract of quorums, whose policy has the number before")
        if self.drawn is not None and self.audits is None:
            raise ValueError("expected the contract of audits, whose policy has the number before")
        return self

    def address(self, contract: str) -> Address:
        """The address of a contract by its name, such as `Jobs`. It must be one of `contracts`."""
        part = self.availability if contract in KEEPING_CONTRACTS else self.addresses
        if contract == VERIFIERS:
            part = self.validity
        elif contract == ANCHORS:
            part = self.logs
        elif contract == QUORUMS:
            part = self.quorum
        elif contract == AUDITS:
            part = self.audits
        elif contract == LOTS:
            part = self.drawn
        return Address(getattr(part, contract.lower()))

    @property
    def contracts(self) -> tuple[str, ...]:
        """The names of its contracts."""
        others = (*(KEEPING_CONTRACTS if self.availability else ()), *((VERIFIERS,) if self.validity else ()))
        others += ((QUORUMS,) if self.quorum else ()) + ((AUDITS,) if self.audits else ())
        others += (LOTS,) if self.drawn else ()
        return (*CONTRACTS, *others, *((ANCHORS,) if self.logs else ()))

    @property
    def kept_by(self) -> Rules | None:
        """The rules of availability, if the network has it."""
        return Rules(**self.availability.rules) if self.availability else None

    @property
    def judged_by(self) -> Judges:
        """The rules of quorums, audits and lots, if the network has them."""
        return Judges(
            quorum=QuorumRules(**self.quorum.rules) if self.quorum else None,
            audits=AuditRules(**self.audits.rules) if self.audits else None,
            drawn=LotRules(**self.drawn.rules) if self.drawn else None,
        )

    @property
    def drawn_by(self) -> DrawRules:
        """The rules of draws."""
        return DrawRules(**self.draws)

    @property
    def log_terms(self) -> Terms | None:
        """The terms of logs, if they are registered in the network."""
        return Terms(**self.logs.terms) if self.logs else None

    @property
    def rules(self) -> Parameters:
        """The first set of parameters."""
        return Parameters(**self.parameters)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What its contracts must say of each other and of its first rules."""
        has_proofs = self.validity is not None
        admission = Admission(
            fresh_share_bps=self.admission.fresh_share_bps, gate_wei=self.admission.gate_wei
        )
        return network_facts(
            self.rules,
            self.delay_seconds,
            self.kept_by,
            has_proofs=has_proofs,
            admission=admission,
            drawn_by=self.drawn_by,
            log_terms=self.log_terms,
            judged_by=self.judged_by,
        )

    def write(self, path: Path) -> None:
        """Write the file. Raises `Unavailable` if the disk fails."""
        try:
            write_file(path, self.model_dump_json(indent=2, exclude_none=True) + "\n")
        except OSError as error:
            raise Unavailable(f"cannot write the deployment file {path}: {error}") from error


def read_deployment(path: Path) -> Deployment:
    """Read a deployment file. Raises `Rejected` if it is missing or malformed."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            f"cannot read {path}: {error.strerror}; give the path of the network's deployment JSON file",
        ) from error
    except UnicodeDecodeError as error:
        raise _malformed(str(path), "it is not UTF-8 text") from error
    return parse_deployment(text, str(path))


def parse_deployment(text: str, name: str) -> Deployment:
    """A deployment file's content. Raises `Rejected`; `name` says where it is from."""
    try:
        stated = _Stated.model_validate_json(text)
        if stated.version != FORMAT_VERSION:
            advice = (
                "use a newer truestep"
                if stated.version > FORMAT_VERSION
                else "its contracts are no longer used"
            )
            raise Rejected(
                Reject.DEPLOYMENT_FILE,
                f"{name} has the form of version {stated.version}, and this version of truestep reads version"
                f" {FORMAT_VERSION}; {advice}",
            )
        return Deployment.model_validate_json(text)
    except ValidationError as error:
        raise _malformed(name, _in_words(error)) from error


class _Stated(BaseModel):
    """What decides how the rest is read."""

    version: int


def _in_words(error: ValidationError) -> str:
    """The first thing that is wrong with a file: `addresses.jobs: Field required`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def _malformed(name: str, why: str) -> Rejected:
    return Rejected(
        Reject.DEPLOYMENT_FILE,
        f"{name} does not have the form of version {FORMAT_VERSION}; get the network's file again. {why}",
    )
