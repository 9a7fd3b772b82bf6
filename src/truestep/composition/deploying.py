"""Deploys a network: tries the plan, sends it, inspects the result, writes the deployment file."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from web3 import Web3

from truestep.adapters.chain.connection import asking_node, check_chain, connect
from truestep.adapters.chain.deploy import (
    Deployed,
    Progress,
    carry_out,
    check_state,
    deployment_of,
    done_steps,
)
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.inspection import Finding, inspect, refuse_wrong
from truestep.adapters.chain.known_deployments import remember
from truestep.adapters.chain.pinned import PinnedReader, given
from truestep.adapters.chain.record_codec import View, checksummed, number
from truestep.adapters.chain.signing import Signer
from truestep.adapters.chain.trial import Trial, try_plan
from truestep.adapters.parameter_files import Settings
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.ports.store import Store
from truestep.protocol.settlement.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploying:
    """A deployment that is about to begin, or to go on."""

    web3: Web3
    chain_id: int
    settings: Settings
    account: Address
    store: Store
    policy: TransactionPolicy

    def trial(self) -> Trial:
        """What is left to do, and what it takes. Raises `Rejected` if a contract would refuse."""
        plan = self.settings.plan()
        check_state(self.store, plan, self.chain_id, self.account)
        done = done_steps(self.store, plan, self.account)
        return try_plan(self.web3, self.account, plan, self.policy, done)

    def deploy(self, signer: Signer, progress: Progress) -> tuple[Deployment, Deployed]:
        """Send what is left. Raises `Rejected` or `Unavailable`; called again, it goes on."""
        plan = self.settings.plan()
        deployed = carry_out(self.web3, signer, self.store, plan, policy=self.policy, progress=progress)
        settings = self.settings
        deployment = deployment_of(
            settings.rules,
            settings.timelock,
            deployed,
            settings.kept_by,
            settings.admission,
            settings.drawn_by,
            settings.log_terms,
            settings.judged_by,
        )
        return deployment, deployed

    def verify(self, deployment: Deployment) -> list[Finding]:
        """Inspect what was deployed. Raises `Rejected` if anything is not as it should be."""
        findings = inspect(self.web3, deployment, self.settings.plan().facts)
        refuse_wrong(findings)
        remember(deployment)
        return findings


@contextmanager
def opened_deploying(
    *,
    rpc: Sequence[str],
    settings: Settings,
    account: Address,
    state: Path | None,
    policy: TransactionPolicy,
    chain_id: int | None,
) -> Generator[Deploying]:
    """A connection, and the state file if there is one. Raises `Rejected` for another chain."""
    web3 = connect(rpc)
    with asking_node():
        found = web3.eth.chain_id
    if chain_id is not None and found != chain_id:
        raise Rejected(
            Reject.WRONG_CHAIN,
            f"expected chain id {chain_id}, as --chain-id says, but the node is of chain id {found}; give the"
            " URL of a node of that chain",
        )
    with SqliteStore(state) as store:
        yield Deploying(
            web3=web3, chain_id=found, settings=settings, account=account, store=store, policy=policy
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who may change what can be changed, as the chain says now (S2.4)."""

    proposer: Address
    guardian: Address
    """The zero address if there is none, or if its time is over."""
    guardian_until: int
    """Since the epoch."""
    parameters_id: int
    """The newest set of parameters."""
    parameters: dict[str, int]


def owners(rpc: Sequence[str], deployment: Deployment) -> Owners:
    """Ask the contracts. Raises `Unavailable`."""
    reader = PinnedReader(connect(rpc), deployment)
    names = [field.name for field in fields(Parameters)]
    newest = reader.one(number("Parameters", "count"))
    proposer, guardian, until, values = (
        given(each)
        for each in reader.views(
            [
                number("Timelock", "proposer"),
                number("Timelock", "guardian"),
                number("Timelock", "guardian_until"),
                View(contract="Parameters", function="get", arguments=[newest], build=tuple),
            ]
        )
    )
    return Owners(
        proposer=checksummed(proposer),
        guardian=checksummed(guardian),
        guardian_until=until,
        parameters_id=newest,
        parameters=dict(zip(names, values, strict=True)),
    )


def inspected(rpc: Sequence[str], deployment: Deployment) -> list[Finding]:
    """What a chain says about a deployment. Raises `Rejected` for another chain, `Unavailable`."""
    web3 = connect(rpc)
    check_chain(web3, deployment.chain_id)
    return inspect(web3, deployment)
