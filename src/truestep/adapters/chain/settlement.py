"""The settlement contracts by the types of their calls and events (docs/protocol.md)."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from types import ModuleType
from typing import Any, cast, get_args

from truestep.adapters.chain.abi import ContractTypes
from truestep.adapters.chain.answers import Junk, RawLog
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.erc20 import approval
from truestep.adapters.chain.sidecars import SentBlob
from truestep.availability.encoding import EncodedBlob
from truestep.base.errors import Bug
from truestep.base.ids import Address, Bytes32
from truestep.protocol.assignment.contracts import randomness, sortition
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.contracts import audits
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers, kept
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.state import Deployment as DataContracts
from truestep.protocol.deployment.audits import POLICY as AUDITED_POLICY
from truestep.protocol.deployment.availability import POLICY as KEPT_POLICY
from truestep.protocol.deployment.lots import POLICY as DRAWN_POLICY
from truestep.protocol.deployment.quorum import POLICY as QUORUM_POLICY
from truestep.protocol.deployment.validity import POLICY as VALIDITY_POLICY
from truestep.protocol.logs.contracts.anchors import Attest
from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
    tokens,
)
from truestep.protocol.settlement.facts.judging import with_policies
from truestep.protocol.settlement.facts.records import Event, Facts
from truestep.protocol.settlement.facts.rehearsal import Ready
from truestep.protocol.settlement.games import arity_of, claim_of_game_id
from truestep.protocol.settlement.ids import BATCH_LIMIT, PackedItem, unpack_item
from truestep.protocol.settlement.jobs import SHARD_LIMIT
from truestep.protocol.settlement.parameters import ARITIES
from truestep.protocol.settlement.state import Deployment as Links
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.proving import Proving

MODULES: dict[str, ModuleType] = {
    "Parameters": parameters,
    "Programs": programs,
    "Operators": operators,
    "Assurances": assurances,
    "Jobs": jobs,
    "Results": results,
    "Disputes": disputes,
}
DATA_MODULES: dict[str, ModuleType] = {
    "Keepers": keepers,
    "Items": items,
    "Challenges": challenges,
    "Bindings": bindings,
    "Kept": kept,
}
"""Of networks that keep data."""
PROOF_MODULES: dict[str, ModuleType] = {"Verifiers": verifiers}
"""Of networks that believe proofs."""
QUORUM_MODULES: dict[str, ModuleType] = {"Quorums": quorums}
"""Of networks that draw committees."""
DRAW_MODULES: dict[str, ModuleType] = {"Randomness": randomness, "Sortition": sortition}
"""Whose events nobody reads: what they keep is asked for."""
AUDIT_MODULES: dict[str, ModuleType] = {"Audits": audits}
"""Of networks whose claims can be audited."""
LOT_MODULES: dict[str, ModuleType] = {"Lots": lots}
"""Of networks that draw lots."""
LOG_CALLS = (Attest,)
"""Of Anchors: the one call of it that nodes make."""
_JUDGE_MODULES = QUORUM_MODULES | DRAW_MODULES | AUDIT_MODULES | LOT_MODULES
_ALL_MODULES = MODULES | DATA_MODULES | PROOF_MODULES | _JUDGE_MODULES


def _members(union: Any) -> list[type]:
    return list(get_args(union)) or [union]


CONTRACT_OF = {
    kind: name
    for name, module in _ALL_MODULES.items()
    for kind in (*_members(module.Call), *_members(module.Event))
} | dict.fromkeys(LOG_CALLS, "Anchors")
"""Which contract has a call or an event."""


@cache
def contract_types() -> dict[str, ContractTypes]:
    """How the calls and events of each contract are encoded. Raises `Bug` if one does not fit its ABI."""
    return {
        name: ContractTypes(name, _members(module.Call), _members(module.Event))
        for name, module in _ALL_MODULES.items()
    } | {"Anchors": ContractTypes("Anchors", LOG_CALLS, [])}


@cache
def event_topics(contract: str) -> tuple[bytes, ...]:
    """The first topics of all events of a contract that are needed."""
    return tuple(contract_types()[contract].topics)


def event_topic(event: type) -> Bytes32:
    """The first topic of an event."""
    return contract_types()[CONTRACT_OF[event]].topic_of(event)


def links_of(deployment: Deployment) -> Links:
    """The addresses as the model of the contracts names them. Only timelock and guardian may change."""
    links = Links(
        chain_id=deployment.chain_id,
        operators=deployment.address("Operators"),
        jobs=deployment.address("Jobs"),
        disputes=deployment.address("Disputes"),
        assurances=deployment.address("Assurances"),
        owner=deployment.address("Timelock"),
        guardian=deployment.address("Timelock"),
        guardian_until=0,
    )
    parts = (keeping_of(deployment), proving_of(deployment), seating_of(deployment), auditing_of(deployment))
    return with_policies(links, *parts, dealing_of(deployment))


def keeping_of(deployment: Deployment) -> Keeping | None:
    """The contracts of availability and their rules; None for a network that keeps no data."""
    rules = deployment.kept_by
    if rules is None:
        return None
    return Keeping(
        policy=KEPT_POLICY,
        kept=deployment.address("Kept"),
        contracts=DataContracts(
            chain_id=deployment.chain_id,
            keepers=deployment.address("Keepers"),
            items=deployment.address("Items"),
            challenges=deployment.address("Challenges"),
            bindings=deployment.address("Bindings"),
        ),
        rules=rules,
    )


def proving_of(deployment: Deployment) -> Proving | None:
    """Verifiers and its policy; None for a network that believes no proofs."""
    if deployment.validity is None:
        return None
    return Proving(policy=VALIDITY_POLICY, verifiers=deployment.address("Verifiers"))


def seating_of(deployment: Deployment) -> Seating | None:
    """Quorums, its policy and its rules; None for a network that draws no committees."""
    rules, drawn_by = deployment.judged_by.quorum, deployment.drawn_by
    if rules is None:
        return None
    return Seating(
        policy=QUORUM_POLICY,
        quorums=deployment.address("Quorums"),
        sortition=deployment.address("Sortition"),
        rules=rules,
        phases=drawn_by.phases,
        exit_seconds=drawn_by.exit_seconds,
    )


def auditing_of(deployment: Deployment) -> Auditing | None:
    """Audits, its policy and rules; None for a network that audits no claims."""
    rules = deployment.judged_by.audits
    if rules is None:
        return None
    return Auditing(
        policy=AUDITED_POLICY,
        audits=deployment.address("Audits"),
        sortition=deployment.address("Sortition"),
        rules=rules,
        exit_seconds=deployment.drawn_by.exit_seconds,
    )


def dealing_of(deployment: Deployment) -> Dealing | None:
    """Lots, its policy and its rules; None for a network that draws no lots."""
    rules = deployment.judged_by.drawn
    if rules is None:
        return None
    return Dealing(
        policy=DRAWN_POLICY,
        lots=deployment.address("Lots"),
        sortition=deployment.address("Sortition"),
        rules=rules,
        phases=deployment.drawn_by.phases,
    )


def genesis_facts(deployment: Deployment, keeps: frozenset[Address] | None) -> Facts:
    """What is known before the first event, by whoever wants results of these accounts, or of all."""
    return Facts(
        deployment=links_of(deployment),
        keeping=keeping_of(deployment),
        proving=proving_of(deployment),
        seating=seating_of(deployment),
        auditing=auditing_of(deployment),
        dealing=dealing_of(deployment),
        keeps=keeps,
    )


URI_LIMIT = 256
"""The contracts take no longer ones (`String[256]`)."""


class EventDecoder:
    """The events in a deployment's logs. Satisfies `truestep.adapters.chain.logs.EventSource`."""

    def __init__(self, deployment: Deployment) -> None:
        names = MODULES | (DATA_MODULES if deployment.availability is not None else {})
        names |= PROOF_MODULES if deployment.validity is not None else {}
        names |= QUORUM_MODULES if deployment.quorum is not None else {}
        names |= AUDIT_MODULES if deployment.audits is not None else {}
        names |= LOT_MODULES if deployment.drawn is not None else {}
        self._names = {deployment.address(name).lower(): name for name in names}

    @property
    def addresses(self) -> Mapping[str, str]:
        """The names of the contracts by their addresses."""
        return self._names

    def topics(self, contract: str) -> tuple[bytes, ...]:
        """The first topics of a contract's events."""
        return event_topics(contract)

    def event(self, log: RawLog) -> Event | None:
        """The event; None for one that is not needed. Raises for a log that the contract does not emit."""
        name = self._names.get(log.address)
        if name is None or not log.topics:
            return None
        event = cast("Event | None", contract_types()[name].event(log))
        check_shape(event)
        return event


def check_shape(event: object) -> None:
    """Refuse what no contract emits, so that whoever folds events can rely on it."""
    game_id, claim_id = getattr(event, "game_id", None), getattr(event, "claim_id", None)
    if game_id is not None and claim_id is not None and claim_of_game_id(game_id) != claim_id:  # S1.7
        raise Junk(f"expected game {game_id} to be on its own claim, got claim {claim_id}")
    game = getattr(event, "game", None)
    if isinstance(game, disputes.Game):
        _member(disputes.GameStage, game.stage)
        if arity_of(game) not in ARITIES:
            raise Junk(f"expected one of the arities {ARITIES}, got {arity_of(game)}")
        if game.stage == disputes.GameStage.ON_NODE and game.low >= game.high:
            raise Junk(f"expected an interval, got states {game.low} to {game.high}")
    match event:
        case jobs.Posted() if not 0 < event.work.shard_count <= SHARD_LIMIT:
            raise Junk(f"expected 1 to {SHARD_LIMIT} shards, got {event.work.shard_count}")
        case jobs.Posted(input_uri=uri) | programs.Registered(uri=uri) if len(uri) > URI_LIMIT:
            raise Junk(f"expected a URI of up to {URI_LIMIT} characters, got {len(uri):,}")
        case jobs.Cancelled() if not all(0 <= shard < SHARD_LIMIT for shard in event.shards):
            raise Junk(f"expected shards below {SHARD_LIMIT}, got shard {max(event.shards)}")
        case jobs.Taken():
            _check_items(event.items)
        case disputes.Settled(outcome=disputes.GameOutcome.UNDECIDED):
            raise Junk("expected the outcome of a game that is settled, got none")
        case items.StateChanged():
            _member(items.ItemState, event.state)
        case disputes.Settled():
            _member(disputes.GameOutcome, event.outcome)
        case _:
            pass


def _check_items(packed: Sequence[PackedItem]) -> None:
    """The ranges of a batch: one after the other, and of as many tasks as a word has bits (S1.5, S4.1)."""
    offset = 0
    for item in map(unpack_item, packed):
        if item.offset != offset or not item.count or item.shards.stop > SHARD_LIMIT:
            raise Junk(f"expected an item of tasks from {offset} on, got {item}")
        offset += item.count
    if not 0 < offset <= BATCH_LIMIT:
        raise Junk(f"expected 1 to {BATCH_LIMIT} tasks in a batch, got {offset}")


def _member(kind: type[IntEnum], value: int) -> None:
    if value not in set(kind):
        raise Junk(f"expected a {kind.__name__}, got {value}")


def encode_call(deployment: Deployment, ready: Ready) -> Message:
    """The message that makes a call."""
    call = ready.call
    if isinstance(call, tokens.Approve):
        return Message(to=call.token, payload=approval(call))
    contract = CONTRACT_OF.get(type(call))
    if contract is None:
        raise Bug(f"no contract has the call {type(call).__name__}")
    return Message(
        to=Address(deployment.address(contract)),
        payload=contract_types()[contract].payload(call),
        value_wei=ready.value_wei,
        blobs=tuple(map(_sent_blob, ready.blobs)),
    )


def _sent_blob(encoded: EncodedBlob) -> SentBlob:
    if encoded.extended is None:
        raise Bug(f"blob {encoded.index} of an item is to be sent, and has no proofs of its cells")
    return SentBlob(blob=encoded.blob, commitment=encoded.commitment, cell_proofs=encoded.extended.proofs)
