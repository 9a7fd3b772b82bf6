"""A devnet's accounts, deployed contracts, and the files that name them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import Account

from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import carry_out, deployment_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import Devnet
from truestep.adapters.chain.fees import GWEI, TransactionPolicy
from truestep.adapters.files import OPEN_TO_OWNER, write_file
from truestep.adapters.keystore import create_keystore, keystore_address
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.audits.contracts.audits import Rules as AuditRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.rules import (
    ANSWER_GAS,
    ANSWERS_LIMIT,
    BLOB_GAS,
    NODES_GAS,
    SHARE_LIMIT_BPS,
    TIME_MIN_SECONDS,
    TREE_BONDS_IN_BOND,
)
from truestep.protocol.calls import NOBODY
from truestep.protocol.deployment.judges import Judges
from truestep.protocol.deployment.plans import TimelockTerms, network_plan
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.lots.contracts.lots import Rules as LotRules
from truestep.protocol.quorum.contracts.quorums import Rules as QuorumRules
from truestep.protocol.settlement.parameters import (
    BOND_RATIO,
    BPS,
    CLOCK_MIN_SECONDS,
    DAY_SECONDS,
    GAME_CLOCKS,
    Parameters,
)
from truestep.protocol.settlement.standing import EVERYBODY, Admission, Phase

GOVERNOR = "governor"
"""Announces entries of Verifiers and stops them: proposer and guardian of the timelock."""
ROLES = ("requester", "operator-1", "operator-2", "operator-3", "challenger", GOVERNOR)
COIN_WEI = 10**18
ACCOUNT_WEI = 1_000 * COIN_WEI
PASSWORD = "truestep"
"""It protects nothing: anybody who can read the directory has the keys, and they are worthless."""
POLICY = TransactionPolicy(poll_seconds=0.1)

SEND_SECONDS = 2
"""A transaction lands at once here. Workers use this to estimate the time for a dispute."""
START_SECONDS = 1
"""Blobs come from this computer; workers weigh each move of a dispute by this."""
ACKNOWLEDGE_SECONDS = 600
"""For four keepers to fetch and check 160 blobs (20 MB), all on the cores of one computer."""
HASHED_PAGES_PER_SECOND = 10**9
"""Nobody posts hostile programs here, and clocks are short: workers need not allow time for hashing."""

LOG_TERMS = Terms(bond_wei=COIN_WEI, exit_seconds=3_600, epoch_seconds=600)
"""The least epochs there are: a devnet's time can be moved."""
GUARDIAN_SECONDS = 365 * DAY_SECONDS
"""Longer than a devnet runs."""

_README = """Keys and files of a local truestep network. The keys are worthless, and the password lies beside
them: never send anything of value to these accounts.
"""


WINDOW_CLOCKS = 2 * GAME_CLOCKS
"""The least that the contracts allow (S2.1)."""
WINDOW_MIN_SECONDS = WINDOW_CLOCKS * CLOCK_MIN_SECONDS
"""The shortest window that there can be."""


def devnet_parameters(window_seconds: int) -> Parameters:
    """The rules of a network on one computer: as in a real network, but as fast as the window allows."""
    clock_seconds = window_seconds // WINDOW_CLOCKS
    return Parameters(
        operator_bond_wei=COIN_WEI,
        challenger_bond_wei=COIN_WEI // BOND_RATIO,
        window_seconds=window_seconds,
        cycles_per_second=10**8,
        clock_seconds=clock_seconds,
        rescue_seconds=clock_seconds // 2,
        reveal_seconds=clock_seconds,
        arity=64,
        lease_penalty_bps=1_000,
        release_penalty_bps=100,
        winner_share_bps=5_000,
        gas_price_cap_wei=5 * GWEI,
    )


DEVNET_DRAWS = DrawRules(
    commit_seconds=12,
    reveal_seconds=16,
    draw_seconds=12,
    entropy_bond_wei=COIN_WEI // 100,
    least_pledge_wei=COIN_WEI // 10,
    exit_seconds=10_800,  # two leases of an hour, and what comes before and after them
)
"""The rules of draws on one computer. A busy one needs seconds to reveal a secret, or loses its bond."""
DEVNET_QUORUM = QuorumRules(
    needed=3,
    seats=5,
    pool=0,
    leader_seconds=20,
    member_seconds=20,
    commit_seconds=5,
    fee_wei=COIN_WEI // 10_000,
    cycle_fee_wei=COIN_WEI // 10_000,
    late_wei=COIN_WEI // 100,
    lie_wei=COIN_WEI // 10,
    stretch_seconds=30,
    full_value_wei=1_000 * COIN_WEI,
    full_tasks=1_000,
    load_seconds=600,
)
"""3 of 5, and turns that somebody can watch."""


DEVNET_AUDITS = AuditRules(
    pool=0,
    rate_bps=BPS,
    trap_bps=BPS // 10,
    fee_wei=COIN_WEI // 1_000,
    cycle_fee_wei=COIN_WEI // 1_000,
    penalty_factor=30,
    answer_seconds=60,
    draw_seconds=180,
    load=4,
)
"""The rules of audits on one computer, where every claim is drawn."""


DEVNET_LOTS = LotRules(pool=0, lot_tasks=4, turn_seconds=40, open_seconds=180, late_wei=COIN_WEI // 400)
"""Turns that somebody can watch: longer than a round, so that a busy computer has time for its take."""


DEVNET_JUDGES = Judges(quorum=DEVNET_QUORUM, audits=DEVNET_AUDITS, drawn=DEVNET_LOTS)
"""Committees, auditors, and operators that are drawn for jobs."""


def devnet_availability() -> Rules:
    """The rules of availability on one computer: answers as fast as they may have to be."""
    price_wei = 5 * GWEI
    tree_bond_wei = ANSWERS_LIMIT * NODES_GAS * price_wei
    registrant_bond_wei = TREE_BONDS_IN_BOND * tree_bond_wei
    element_bond_wei = ANSWER_GAS * price_wei
    return Rules(
        share_wei=2 * registrant_bond_wei,
        registrant_bond_wei=registrant_bond_wei,
        element_bond_wei=element_bond_wei,
        blob_bond_wei=element_bond_wei + BLOB_GAS * price_wei,
        tree_bond_wei=tree_bond_wei,
        gas_price_cap_wei=price_wei,
        blob_gas_price_cap_wei=price_wei,
        answer_seconds=TIME_MIN_SECONDS,
        acknowledge_seconds=ACKNOWLEDGE_SECONDS,
        winner_share_bps=SHARE_LIMIT_BPS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetFolder:
    """The files of a devnet."""

    path: Path

    @property
    def lock(self) -> Path:
        """The file that a running devnet holds."""
        return self.path / "devnet.lock"

    @property
    def deployment(self) -> Path:
        """The deployment file."""
        return self.path / "deployment.json"

    @property
    def password(self) -> Path:
        """The file with the password of the keystores."""
        return self.path / "password"

    @property
    def environment(self) -> Path:
        """The file with shell variables, which replace options."""
        return self.path / "environment"

    @property
    def blobs(self) -> Path:
        """Programs, inputs and outputs."""
        return self.path / "blobs"

    def keystore(self, role: str) -> Path:
        """The keystore of one role."""
        return self.path / f"{role}.json"

    def prepare(self) -> dict[str, Address]:
        """Make the keys that are missing. Returns the addresses by role."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_file(self.path / "README", _README)
        write_file(self.password, f"{PASSWORD}\n", mode=OPEN_TO_OWNER)
        for role in ROLES:
            if not self.keystore(role).exists():
                create_keystore(self.keystore(role), PASSWORD, guards_money=False)
        return {role: keystore_address(self.keystore(role)) for role in ROLES}


def set_up(
    devnet: Devnet,
    folder: DevnetFolder,
    parameters: Parameters,
    progress: Callable[[int, str], None],
    admission: Admission = EVERYBODY,
) -> tuple[Deployment, dict[str, Address]]:
    """Fund accounts, deploy contracts, write the files; `progress` counts to SET_UP_STEPS.

    The deployer is new each time, and so are the contracts' addresses. A state directory of an earlier chain
    is therefore not taken for one of this chain, whose ids start at 1 again.
    """
    addresses = folder.prepare()
    deployer: Any = Account.create()
    done = 0
    for role, address in {**addresses, "deployer": Address(deployer.address)}.items():
        progress(done, f"funding {role}")
        devnet.fund(address, ACCOUNT_WEI)
        done += 1

    def deployed(_: str) -> None:
        nonlocal done
        done += 1
        progress(done, "deploying contracts")

    timelock, kept_by = governed_by(addresses[GOVERNOR]), devnet_availability()
    plan = network_plan(
        parameters,
        timelock,
        kept_by,
        has_proofs=True,
        admission=admission,
        drawn_by=DEVNET_DRAWS,
        log_terms=LOG_TERMS,
        judged_by=DEVNET_JUDGES,
    )
    made = carry_out(connect(devnet.node), deployer, SqliteStore(), plan, policy=POLICY, progress=deployed)
    others = DEVNET_DRAWS, LOG_TERMS, DEVNET_JUDGES
    deployment = deployment_of(parameters, timelock, made, kept_by, admission, *others)
    deployment.write(folder.deployment)
    return deployment, addresses


def devnet_admission(first_phase: Phase, fresh_share_bps: int = EVERYBODY.fresh_share_bps) -> Admission:
    """What a devnet asks of operators: while it is gated by stake, the bonds of two tasks.

    Whole stakes may be at risk unless it is told otherwise: who tries something must not wait for a cap.
    """
    return Admission(fresh_share_bps=fresh_share_bps, gate_wei=2 * COIN_WEI, first_phase=first_phase)


def governed_by(governor: Address) -> TimelockTerms:
    """One account proposes and guards. The delay is the least there is; a devnet's time can be moved."""
    return TimelockTerms(
        proposer=governor,
        guardian=governor,
        guardian_seconds=GUARDIAN_SECONDS,
        delay_seconds=DAY_SECONDS,
    )


_ANYBODY = governed_by(NOBODY)
_PLAN = network_plan(
    devnet_parameters(WINDOW_MIN_SECONDS),
    _ANYBODY,
    devnet_availability(),
    has_proofs=True,
    log_terms=LOG_TERMS,
    judged_by=DEVNET_JUDGES,
)
SET_UP_STEPS = len(ROLES) + 1 + len(_PLAN.steps)
"""Accounts, and the transactions of the deployment."""


def write_environment(folder: DevnetFolder, rpc: str, blobs: str) -> None:
    """Variables for a shell's `source`."""
    lines = {
        "TRUESTEP_RPC": rpc,
        "TRUESTEP_DEPLOYMENT": str(folder.deployment.absolute()),
        "TRUESTEP_BLOBS": blobs,
        "TRUESTEP_PASSWORD_FILE": str(folder.password.absolute()),
        "TRUESTEP_SEND_SECONDS": f"{SEND_SECONDS}",
        "TRUESTEP_START_SECONDS": f"{START_SECONDS}",
        "TRUESTEP_HASHED_PAGES_PER_SECOND": f"{HASHED_PAGES_PER_SECOND}",
    }
    text = "".join(f"export {name}='{value}'\n" for name, value in lines.items())
    write_file(folder.environment, text)
