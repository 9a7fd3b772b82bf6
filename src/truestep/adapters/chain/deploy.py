"""Carries out the plan of a deployment. It can be interrupted and restarted at any point."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from web3 import Web3

from truestep.adapters.chain.codec import Message, encode_creation, encode_function
from truestep.adapters.chain.connection import asking_node, reverted
from truestep.adapters.chain.deployment import (
    AdmissionRules,
    AuditsAddresses,
    AvailabilityAddresses,
    ContractAddresses,
    Deployment,
    LogsAddresses,
    LotsAddresses,
    QuorumAddresses,
    ValidityAddresses,
)
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.journal import Entry, Journal
from truestep.adapters.chain.sender import Sender, Signer
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.contracts.artifacts import load_artifact
from truestep.ports.chain import Outcome
from truestep.ports.store import Change, Store
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.audits import CONTRACT as AUDITS
from truestep.protocol.deployment.availability import CONTRACTS as KEEPING_CONTRACTS
from truestep.protocol.deployment.judges import NO_JUDGES, Judges
from truestep.protocol.deployment.logs import CONTRACT as ANCHORS
from truestep.protocol.deployment.lots import CONTRACT as LOTS
from truestep.protocol.deployment.plan import Create, Plan, Resolve, Step, resolved
from truestep.protocol.deployment.plans import TimelockTerms, network_plan
from truestep.protocol.deployment.quorum import CONTRACT as QUORUMS
from truestep.protocol.deployment.validity import CONTRACT as VERIFIERS
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.settlement.parameters import DAY_SECONDS, Parameters
from truestep.protocol.settlement.standing import EVERYBODY, Admission

TABLE = "deployment"
DEADLINE_SECONDS = 600.0
"""Time for each transaction."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What carrying out a plan has led to."""

    chain_id: int
    block_number: int
    """The newest block when it began."""
    entries: dict[str, Entry]
    """The transaction of each step, by its title."""

    @property
    def gas_used(self) -> int:
        """Of all transactions."""
        return sum(entry.gas_used for entry in self.entries.values())

    @property
    def cost_wei(self) -> int:
        """Of all transactions."""
        return sum(entry.gas_used * entry.gas_price_wei for entry in self.entries.values())


def deploy(
    web3: Web3,
    signer: Signer,
    store: Store,
    parameters: Parameters,
    *,
    kept_by: Rules | None = None,
    has_proofs: bool = False,
    drawn_by: DrawRules = DRAW_RULES,
    policy: TransactionPolicy | None = None,
) -> Deployment:
    """Deploy and connect all contracts, owned by the signer.

    With availability if there are rules for it, `kept_by`, and then with Verifiers if it `has_proofs`.
    After an interruption, call it again with the same store and it goes on where it stopped. Raises
    `Rejected` if a parameter is out of bounds or the account is short of coins, `Unavailable` if the node
    fails.
    """
    timelock = owned_by(Address(signer.address))
    plan = network_plan(parameters, timelock, kept_by, has_proofs=has_proofs, drawn_by=drawn_by)
    deployed = carry_out(web3, signer, store, plan, policy=policy)
    return deployment_of(parameters, timelock, deployed, kept_by, drawn_by=drawn_by)


def owned_by(account: Address) -> TimelockTerms:
    """One account may announce changes; there is no guardian."""
    return TimelockTerms(proposer=account, guardian=account, guardian_seconds=0, delay_seconds=DAY_SECONDS)


def carry_out(
    web3: Web3,
    signer: Signer,
    store: Store,
    plan: Plan,
    *,
    policy: TransactionPolicy | None = None,
    progress: Progress = lambda _: None,
) -> Deployed:
    """Send the transactions of a plan, one after another; `progress` gets a sentence for each.

    Called again with the same store, it goes on where it stopped. Raises `Rejected` if the store is of
    another deployment, a contract refuses or the account is short of coins; `Unavailable` if the node fails.
    """
    with asking_node():
        chain_id, newest = web3.eth.chain_id, web3.eth.block_number
    sender = Sender(web3, chain_id, signer, store, policy or TransactionPolicy())
    first_block = _begin(store, plan, chain_id, sender.account, newest)
    entries: dict[str, Entry] = {}

    def address_of(contract: str) -> Address:
        return Address(str(entries[contract].contract))

    done = done_steps(store, plan, sender.account)
    for step, before in zip(plan.steps, done, strict=True):
        try:
            entry = send_one(sender, _intent(step), encode_step(web3, step, address_of))
        except (Rejected, Unavailable) as error:
            raise _interrupted(error, step, len(entries), len(plan.steps)) from error
        entries[step.title] = entry
        where = f" at {entry.contract}" if isinstance(step, Create) else ""
        when = " (done before)" if before else ""
        progress(f"{step.title}{where} for {entry.gas_used:,} gas{when}")
    return Deployed(chain_id=chain_id, block_number=first_block, entries=entries)


def check_state(store: Store, plan: Plan, chain_id: int, account: Address) -> None:
    """Refuse a store in which another deployment was begun: its contracts would be taken for this one's."""
    then = {key: store.read(TABLE, key) for key in _identity(plan, chain_id, account)}
    begun_by = then["account"]
    if begun_by is None or Journal(store, Address(begun_by)).entry(_intent(plan.steps[0])) is None:
        return
    words = {
        "chain": f"on chain id {then['chain']}, and the node is of chain id {chain_id}",
        "account": f"by {then['account']}, and now the account is {account}",
        "plan": "with other parameters, or by another version of truestep",
    }
    for key, now in _identity(plan, chain_id, account).items():
        if then[key] is not None and then[key] != now:
            raise Rejected(
                Reject.DEPLOYMENT_STATE,
                f"a deployment with this state file was begun {words[key]}; to go on with it, give what was"
                " given then, and for a new deployment give another --state",
            )


def _identity(plan: Plan, chain_id: int, account: Address) -> dict[str, str]:
    """What makes a deployment: rows of the store."""
    return {"chain": f"{chain_id}", "account": account, "plan": _fingerprint(plan)}


def _begin(store: Store, plan: Plan, chain_id: int, account: Address, block_number: int) -> int:
    """Note which deployment the store is of. Returns the block before its first transaction."""
    check_state(store, plan, chain_id, account)
    first_block = store.read(TABLE, "block_number")
    if first_block is not None and Journal(store, account).entry(_intent(plan.steps[0])):
        return int(first_block)
    rows = {**_identity(plan, chain_id, account), "block_number": f"{block_number}"}
    store.write([Change(table=TABLE, key=key, value=value) for key, value in rows.items()])
    return block_number


def _intent(step: Step) -> str:
    return f"deploy/{step.title}"


def deployment_of(
    rules: Parameters,
    timelock: TimelockTerms,
    deployed: Deployed,
    kept_by: Rules | None = None,
    admission: Admission = EVERYBODY,
    drawn_by: DrawRules = DRAW_RULES,
    log_terms: Terms | None = None,
    judged_by: Judges = NO_JUDGES,
) -> Deployment:
    """The deployment file's content."""
    addresses = {
        name.lower(): str(entry.contract) for name, entry in deployed.entries.items() if entry.contract
    }
    keeping = {name.lower(): addresses.pop(name.lower()) for name in KEEPING_CONTRACTS if kept_by}
    verifiers, audits = addresses.pop(VERIFIERS.lower(), None), addresses.pop(AUDITS.lower(), "")
    anchors = addresses.pop(ANCHORS.lower(), None)
    quorums, lots = addresses.pop(QUORUMS.lower(), ""), addresses.pop(LOTS.lower(), "")
    return Deployment(
        chain_id=deployed.chain_id,
        block_number=deployed.block_number,
        addresses=ContractAddresses(**addresses),
        parameters=asdict(rules),
        delay_seconds=timelock.delay_seconds,
        draws=asdict(drawn_by),
        operators_transaction=deployed.entries["Operators"].landed_hash,
        admission=AdmissionRules(fresh_share_bps=admission.fresh_share_bps, gate_wei=admission.gate_wei),
        availability=AvailabilityAddresses(**keeping, rules=asdict(kept_by)) if kept_by else None,
        validity=ValidityAddresses(verifiers=verifiers) if verifiers else None,
        logs=LogsAddresses(anchors=anchors, terms=asdict(log_terms)) if anchors and log_terms else None,
        quorum=(
            QuorumAddresses(quorums=quorums, rules=asdict(judged_by.quorum)) if judged_by.quorum else None
        ),
        audits=AuditsAddresses(audits=audits, rules=asdict(judged_by.audits)) if judged_by.audits else None,
        drawn=LotsAddresses(lots=lots, rules=asdict(judged_by.drawn)) if judged_by.drawn else None,
    )


def encode_step(web3: Web3, step: Step, address_of: Resolve) -> Message:
    """The message of a step, once the contracts that it names are there."""
    arguments: list[Any] = [resolved(each, address_of) for each in step.arguments]
    if isinstance(step, Create):
        return creation(web3, step, arguments)
    payload = encode_function(web3, step.contract, step.function, arguments)
    return Message(to=address_of(step.contract), payload=payload)


def creation(web3: Web3, step: Create, arguments: list[Any]) -> Message:
    """The message that creates a contract: one that truestep ships, or code that the step brings."""
    if step.code is None:
        return encode_creation(web3, step.contract, arguments)
    return Message(to=None, payload=step.code)


def done_steps(store: Store, plan: Plan, account: Address) -> list[Entry | None]:
    """For each step of a plan its transaction that landed, None if there is none yet."""
    journal = Journal(store, account)
    entries = [journal.entry(_intent(step)) for step in plan.steps]
    return [entry if entry and entry.outcome is Outcome.CONFIRMED else None for entry in entries]


def send_one(sender: Sender, intent: str, message: Message) -> Entry:
    """Send a message and wait for it. Raises Rejected if it is refused, Unavailable."""
    sender.submit(message, intent)
    entry = sender.wait(intent, DEADLINE_SECONDS)
    if entry.outcome is Outcome.REVERTED:
        raise reverted(entry.reason, f" ({intent})")
    return entry


def _interrupted(
    error: Rejected | Unavailable, step: Step, done_count: int, count: int
) -> Rejected | Unavailable:
    """The failure with what is done, and how to go on."""
    progress = (
        f"{done_count} of {count} steps are done, the next is {step.title!r}; the same command with the same"
        " state goes on there"
    )
    if isinstance(error, Unavailable):
        return Unavailable(f"{error}. {progress}")
    return Rejected(error.reason, f"{str(error).removeprefix(f'{error.reason.value}: ')}. {progress}")


def _fingerprint(plan: Plan) -> str:
    """A hash of everything that a plan does: steps, arguments, code."""
    digest = hashlib.sha256(repr(plan.steps).encode())
    for step in plan.steps:
        if isinstance(step, Create):
            digest.update(step.code or load_artifact(step.contract).bytecode)
    return digest.hexdigest()
