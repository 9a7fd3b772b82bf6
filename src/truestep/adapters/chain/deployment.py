"""Where the contracts of one network are: the file that clients and daemons are given."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.protocol.records import Parameters

FORMAT_VERSION = 1
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


class Deployment(BaseModel):
    """One network: its chain, its contracts, its rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = FORMAT_VERSION
    chain_id: int
    block_number: int
    """The block before the first contract: no event is older."""
    addresses: ContractAddresses
    parameters: RulesOfDeployment

    def address(self, contract: str) -> Address:
        """The address of a contract by its name, such as `Jobs`."""
        return Address(getattr(self.addresses, contract.lower()))

    def write(self, path: Path) -> None:
        """Write the file. Raises `Unavailable` if the disk fails."""
        try:
            write_file(path, self.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise Unavailable(f"cannot write the deployment file {path}: {error}") from error


def read_deployment(path: Path) -> Deployment:
    """Read a deployment file. Raises `Rejected` if it is missing or malformed."""
    try:
        return Deployment.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            f"cannot read {path}: {error.strerror}; give the path of the network's deployment JSON file",
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            f"{path} does not have the form of version {FORMAT_VERSION};"
            f" get the network's file again. {error}",
        ) from error
