"""What Anchors does, as functions of values (docs/logs.md L4 to L6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.bls import KEY_SIZE_BYTES, SIGNATURE_SIZE_BYTES, PublicKey, Signature
from truestep.protocol.logs.contracts.anchors import (
    GROUP_SIZE,
    Anchor,
    Anchored,
    AnchorNumber,
    Attest,
    Equivocated,
    Event,
    LogNumber,
    Moved,
    MoveTo,
    RecoverableSignature,
    Register,
    Registered,
    Release,
    Released,
    Report,
    Retire,
    Retired,
    Statement,
    Withdrawn,
    WithdrawTo,
)
from truestep.protocol.logs.epochs import (
    Row,
    epoch_message,
    group_of,
    is_anchored,
    number_at,
    place_of,
    possession_message,
    root_above,
)
from truestep.protocol.logs.notes import Checkpoint
from truestep.protocol.logs.statements import checkpoint_digest
from truestep.protocol.logs.tree import SIZE_LIMIT, consistency_roots
from truestep.protocol.settlement.contracts import operators
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.standing import Fact

NO_BATCH = BatchId(0)
"""What a bond of a log is locked for in Operators: no batch."""
INFINITY = PublicKey(bytes(KEY_SIZE_BYTES))
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""A signature of secp256k1 has a twin above this."""

BOND_LIMIT_WEI = 2**95 - 1
EPOCH_MIN_SECONDS, EPOCH_MAX_SECONDS = 600, 30 * 86_400
EXIT_MAX_SECONDS = 365 * 86_400
EPOCHS_TO_EXIT = 2
"""What an epoch's anchor contradicts can be shown while the bond is locked."""

Effect = operators.Event | operators.Noted | Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What never changes of a deployment."""

    bond_wei: int
    exit_seconds: int
    epoch_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A registered log."""

    operator: Address
    signer: Address
    note_key: Bytes32
    key: PublicKey
    origin: str
    url: str
    leaves_at: int = 0
    """When the operator's bond is free; 0 if the log is not retired."""
    is_slashed: bool = False
    is_released: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it can be attested."""
        return not self.leaves_at and not self.is_slashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """All that Anchors keeps."""

    logs: tuple[Log, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0

    def log_of(self, operator: Address) -> LogNumber:
        """The operator's log that is live, or 0."""
        found = (
            number for number, log in enumerate(self.logs, 1) if log.is_live and log.operator == operator
        )
        return LogNumber(next(found, 0))

    def live(self, group: int) -> int:
        """The logs of a group that are live, a bit each."""
        numbers = (LogNumber(number) for number, log in enumerate(self.logs, 1) if log.is_live)
        return sum(1 << place_of(number) for number in numbers if group_of(number) == group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Anchors is, and what it asks."""

    chain_id: int
    anchors: Address
    operators: Address
    terms: Terms
    free_wei: Callable[[Address], int]
    """An operator's free stake."""
    possesses: Callable[[PublicKey, Bytes32, Signature], bool]
    """Whether a signature shows that somebody has a key. Refused if it is no point."""
    signs: Callable[[tuple[PublicKey, ...], Bytes32, Signature], bool]
    """Whether a signature is that of these keys together. Refused if it is no point."""
    recover: Callable[[Bytes32, RecoverableSignature], Address | None]
    """Who has signed a digest."""


@dataclass(slots=True, kw_only=True)
class AnchorsTurn:
    """One call while it is applied."""

    state: Anchors
    message: Message
    links: Links
    effects: list[Effect] = field(default_factory=list[Effect])

    def log(self, number: LogNumber) -> Log | None:
        """The log of this number."""
        return self.state.logs[number - 1] if 0 < number <= len(self.state.logs) else None

    def put(self, number: LogNumber, log: Log) -> None:
        """Replace a log."""
        before, behind = self.state.logs[: number - 1], self.state.logs[number:]
        self.state = replace(self.state, logs=(*before, log, *behind))


def register(turn: AnchorsTurn, call: Register) -> None:
    """Register the caller's log."""
    links, operator = turn.links, turn.message.sender
    bond_wei = links.terms.bond_wei
    require(turn.state.log_of(operator) == 0, Reject.LOG_HELD)
    require(call.signer != NOBODY, Reject.NO_ADDRESS)
    require(call.origin != "", Reject.LOG_NAMELESS)
    require(call.key != INFINITY and len(call.possession) == SIGNATURE_SIZE_BYTES, Reject.BLS_POINT)
    message = possession_message(links.chain_id, links.anchors, operator, call.key)
    require(links.possesses(call.key, message, call.possession), Reject.BLS_POSSESSION)
    number = LogNumber(len(turn.state.logs) + 1)
    log = Log(
        operator=operator,
        signer=call.signer,
        note_key=call.note_key,
        key=call.key,
        origin=call.origin,
        url=call.url,
    )
    turn.state = replace(turn.state, logs=(*turn.state.logs, log))
    turn.effects.append(
        Registered(
            number=number,
            operator=operator,
            signer=call.signer,
            note_key=call.note_key,
            key=call.key,
            origin=call.origin,
            url=call.url,
        )
    )
    require(bond_wei <= links.free_wei(operator), Reject.STAKE_TOO_LOW)
    turn.effects.append(operators.Locked(operator=operator, batch_id=NO_BATCH, amount_wei=bond_wei))


def move_to(turn: AnchorsTurn, call: MoveTo) -> None:
    """Say where the log is served now."""
    log = _own_log(turn, call.number)
    turn.put(call.number, replace(log, url=call.url))
    turn.effects.append(Moved(number=call.number, url=call.url))


def retire(turn: AnchorsTurn, call: Retire) -> None:
    """End the log."""
    log = _own_log(turn, call.number)
    require(log.is_live, Reject.LOG_OVER)
    require(call.key == log.key, Reject.BLS_KEY_OTHER)
    leaves_at = turn.message.now + turn.links.terms.exit_seconds
    turn.put(call.number, replace(log, leaves_at=leaves_at))
    turn.effects.append(Retired(number=call.number, leaves_at=leaves_at))


def release(turn: AnchorsTurn, call: Release) -> None:
    """Free the bond of a log that was retired long enough ago."""
    log = turn.log(call.number)
    if log is None or not log.leaves_at:
        raise Refused(Reject.LOG_NOT_RETIRED)
    require(not log.is_slashed and not log.is_released, Reject.LOG_OVER)
    require(turn.message.now > log.leaves_at, Reject.EXIT_EARLY)
    turn.put(call.number, replace(log, is_released=True))
    turn.effects.append(Released(number=call.number))
    bond_wei = turn.links.terms.bond_wei
    turn.effects.append(operators.Unlocked(operator=log.operator, batch_id=NO_BATCH, amount_wei=bond_wei))


def attest(turn: AnchorsTurn, call: Attest) -> None:
    """Anchor the root of the rows of a group's logs."""
    links = turn.links
    now = turn.message.now // links.terms.epoch_seconds
    require(call.epoch in (now, now - 1), Reject.EPOCH_OTHER)
    require(call.group <= group_of(LogNumber(len(turn.state.logs))), Reject.LOG_UNKNOWN)
    require(len(call.places) == len(call.keys), Reject.LISTED_LOGS)
    listed = 0
    for place, key in zip(call.places, call.keys, strict=True):
        require(place < GROUP_SIZE and listed < 1 << place, Reject.LISTED_LOGS)
        listed |= 1 << place
        log = turn.log(number_at(call.group, place))
        require(log is not None and log.key == key, Reject.BLS_KEY_OTHER)
    live = turn.state.live(call.group)
    require(listed & live == listed, Reject.LOG_OVER)
    bitmap = live ^ listed if call.lists_absent else listed
    require(bitmap != 0, Reject.EPOCH_UNSIGNED)
    require(len(call.signature) == SIGNATURE_SIZE_BYTES, Reject.BLS_POINT)
    places = [place for place in range(GROUP_SIZE) if bitmap >> place & 1]
    keys = tuple(turn.state.logs[number_at(call.group, place) - 1].key for place in places)
    message = epoch_message(links.chain_id, links.anchors, call.group, call.epoch, call.root)
    require(links.signs(keys, message, call.signature), Reject.EPOCH_SIGNATURE)
    anchor = Anchor(group=call.group, epoch=call.epoch, root=call.root, bitmap=bitmap)
    turn.state = replace(turn.state, anchors=(*turn.state.anchors, anchor))
    number = AnchorNumber(len(turn.state.anchors))
    values = {"group": call.group, "epoch": call.epoch, "bitmap": bitmap}
    turn.effects.append(Anchored(number=number, root=call.root, **values))


def report(turn: AnchorsTurn, call: Report) -> None:
    """Show that a log has contradicted itself."""
    log = turn.log(call.number)
    if log is None:
        raise Refused(Reject.LOG_UNKNOWN)
    require(not log.is_slashed and not log.is_released, Reject.LOG_OVER)
    for statement in (call.first, call.second):
        _check_statement(turn, call.number, log, statement)
    _check_contradiction(call)
    require(not log.is_live or call.key == log.key, Reject.BLS_KEY_OTHER)
    turn.put(call.number, replace(log, is_slashed=True))
    reporter, bond_wei = turn.message.sender, turn.links.terms.bond_wei
    reward_wei = bond_wei // 2
    turn.effects += (
        Equivocated(number=call.number, operator=log.operator, reporter=reporter, reward_wei=reward_wei),
        operators.Seized(
            operator=log.operator, batch_id=NO_BATCH, receiver=turn.links.anchors, amount_wei=bond_wei
        ),
        operators.Noted(operator=log.operator, fact=Fact.STRUCK),
    )
    owed = {**turn.state.credits, reporter: turn.state.credits.get(reporter, 0) + reward_wei}
    burned_wei = turn.state.burned_wei + bond_wei - reward_wei
    turn.state = replace(turn.state, credits=owed, burned_wei=burned_wei)


def withdraw_to(turn: AnchorsTurn, call: WithdrawTo) -> None:
    """Send all that the caller is owed."""
    sender = turn.message.sender
    amount_wei = turn.state.credits.get(sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.state = replace(turn.state, credits={**turn.state.credits, sender: 0})
    turn.effects.append(Withdrawn(account=sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)


def _own_log(turn: AnchorsTurn, number: LogNumber) -> Log:
    log = turn.log(number)
    if log is None or log.operator != turn.message.sender:
        raise Refused(Reject.NOT_LOG_OPERATOR)
    return log


def _check_statement(turn: AnchorsTurn, number: LogNumber, log: Log, statement: Statement) -> None:
    require(statement.size < SIZE_LIMIT, Reject.LOG_SIZE)
    shown_by, links = statement.shown_by, turn.links
    if isinstance(shown_by, RecoverableSignature):
        checkpoint = Checkpoint(origin=log.origin, size=statement.size, root=statement.root)
        digest = checkpoint_digest(links.chain_id, links.anchors, checkpoint)
        is_stated = shown_by.s <= HALF_ORDER and links.recover(digest, shown_by) == log.signer
    else:
        row = Row(number=number, size=statement.size, root=statement.root)
        is_stated = (
            is_anchored(turn.state.anchors, row, shown_by.number, shown_by.anchor)
            and root_above(row, shown_by.path) == shown_by.anchor.root
        )
    require(is_stated, Reject.LOG_STATEMENT)


def _check_contradiction(call: Report) -> None:
    if call.first.size == call.second.size:
        require(call.first.root != call.second.root, Reject.LOG_CONSISTENT)
        return
    try:
        old, new = consistency_roots(call.first.size, call.second.size, call.path)
    except Rejected as error:
        raise Refused(Reject.PROOF_SIZES) from error
    require(new == call.second.root, Reject.PROOF_OTHER_LOG)
    require(old != call.first.root, Reject.LOG_CONSISTENT)


HANDLERS: Mapping[type, Callable[[AnchorsTurn, Any], None]] = {
    Register: register,
    MoveTo: move_to,
    Retire: retire,
    Release: release,
    Attest: attest,
    Report: report,
    WithdrawTo: withdraw_to,
}


def apply_anchors(state: Anchors, message: Message, links: Links) -> tuple[Anchors, tuple[Effect, ...]]:
    """The state after a call, and its events; raises Refused if nothing changes."""
    require(message.value_wei == 0, Reject.WRONG_VALUE)
    turn = AnchorsTurn(state=state, message=message, links=links)
    HANDLERS[type(message.call)](turn, message.call)
    return turn.state, tuple(turn.effects)
