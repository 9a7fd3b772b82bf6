"""Where the contracts of one network are: the file that clients and daemons are given."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.protocol.deployment.plan import Fact
from truestep.protocol.deployment.plans import SETTLEMENT_CONTRACTS, first_facts, settlement_facts
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.parameters import Parameters as SettlementParameters

FORMAT_VERSION = 2
_ADDRESS = Field(pattern=r"^0x[0-9a-fA-F]{40}$")


class ContractAddresses(BaseModel):
    """One address for each contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = _ADDRESS
    operators: str = _ADDRESS
    programs: str = _ADDRESS
    jobs: str = _ADDRESS
    disputes: str = _ADDRESS


class RulesOfDeployment(BaseModel):
    """The parameters that were fixed at deployment (docs/protocol.md P6.2)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator_bond_wei: int
    challenger_bond_wei: int
    window_seconds: int
    clock_seconds: int
    lease_penalty_bps: int
    winner_share_bps: int
    gas_price_cap_wei: int
    arity: int

    @classmethod
    def of(cls, parameters: Parameters) -> "RulesOfDeployment":
        """The same rules in the file's form."""
        return cls(**{name: getattr(parameters, name) for name in cls.model_fields})

    def as_parameters(self) -> Parameters:
        """The same rules as the roles read them."""
        return Parameters(**self.model_dump())


class _File(BaseModel):
    """What every deployment file has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = FORMAT_VERSION
    chain_id: int
    block_number: int
    """The block before the first contract: no event is older."""

    @model_validator(mode="before")
    @classmethod
    def _read_version_1(cls, stated: Any) -> Any:
        """Version 1 did not state the version of the protocol, because there was only one."""
        if isinstance(stated, dict) and cast("dict[str, Any]", stated).get("version") == 1:
            return {**cast("dict[str, Any]", stated), "version": FORMAT_VERSION, "protocol": 1}
        return cast("Any", stated)

    def write(self, path: Path) -> None:
        """Write the file. Raises `Unavailable` if the disk fails."""
        try:
            write_file(path, self.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise Unavailable(f"cannot write the deployment file {path}: {error}") from error


class Deployment(_File):
    """One network of version 1 of the protocol: its chain, its contracts, its rules."""

    protocol: Literal[1] = 1
    addresses: ContractAddresses
    parameters: RulesOfDeployment

    def address(self, contract: str) -> Address:
        """The address of a contract by its name, such as `Jobs`."""
        return Address(getattr(self.addresses, contract.lower()))

    @property
    def contracts(self) -> tuple[str, ...]:
        """The names of its contracts."""
        return ("Step", "Operators", "Programs", "Jobs", "Disputes")

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What its contracts must say of each other and of its rules."""
        return first_facts(self.parameters.as_parameters())


class SettlementAddresses(BaseModel):
    """One address for each contract of version 2."""

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


class SettlementDeployment(_File):
    """One network of version 2 of the protocol (docs/settlement.md). Its rules may change, as S2.4 says."""

    protocol: Literal[2] = 2
    addresses: SettlementAddresses
    parameters: dict[str, int]
    """The first set."""
    delay_seconds: int
    operators_transaction: str = Field(pattern=r"^[0-9a-f]{64}$")
    """It created Operators, so that nobody can leave out a module that was named early."""

    @field_validator("parameters")
    @classmethod
    def _is_complete(cls, values: dict[str, int]) -> dict[str, int]:
        expected = [field.name for field in fields(SettlementParameters)]
        if list(values) != expected:
            raise ValueError(f"expected the parameters {', '.join(expected)}, in this order")
        return values

    def address(self, contract: str) -> Address:
        """The address of a contract by its name, such as `Jobs`."""
        return Address(getattr(self.addresses, contract.lower()))

    @property
    def contracts(self) -> tuple[str, ...]:
        """The names of its contracts."""
        return SETTLEMENT_CONTRACTS

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What its contracts must say of each other and of its first rules."""
        return settlement_facts(SettlementParameters(**self.parameters), self.delay_seconds)


AnyDeployment = Deployment | SettlementDeployment


def read_deployment(path: Path) -> Deployment:
    """Read a deployment file for clients and daemons. Raises `Rejected` if it is missing or malformed."""
    found = read_any_deployment(path)
    if isinstance(found, Deployment):
        return found
    raise Rejected(
        Reject.DEPLOYMENT_FILE,
        f"{path} is of a network of version {found.protocol} of the protocol, and this version of truestep"
        " works in networks of version 1; use a newer truestep, or another network",
    )


def read_any_deployment(path: Path) -> AnyDeployment:
    """Read a deployment file of any version of the protocol. Raises `Rejected`."""
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


def parse_deployment(text: str, name: str) -> AnyDeployment:
    """A deployment file's content. Raises `Rejected`; `name` says where it is from."""
    try:
        stated = _Stated.model_validate_json(text)
        if stated.version > FORMAT_VERSION:
            raise Rejected(
                Reject.DEPLOYMENT_FILE,
                f"{name} has the form of version {stated.version}, and this version of truestep reads up to"
                f" version {FORMAT_VERSION}; use a newer truestep",
            )
        return (Deployment if stated.protocol == 1 else SettlementDeployment).model_validate_json(text)
    except ValidationError as error:
        raise _malformed(name, f"{error}") from error


class _Stated(BaseModel):
    """What decides how the rest is read."""

    version: int
    protocol: int = 1


def _malformed(name: str, why: str) -> Rejected:
    return Rejected(
        Reject.DEPLOYMENT_FILE,
        f"{name} does not have the form of version {FORMAT_VERSION}; get the network's file again. {why}",
    )
