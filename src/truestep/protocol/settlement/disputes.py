"""How games begin and move (docs/protocol.md S5.4, S6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.base.records import changed, record
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import climb
from truestep.machine.state import STATE_SIZE_BYTES, Status, final_state
from truestep.protocol.bisection import Interval, split_root
from truestep.protocol.settlement import games, operators, policies
from truestep.protocol.settlement.claims import check_leaf, initial_state_hash, is_refuted, state_hash
from truestep.protocol.settlement.contracts.disputes import (
    Adopt,
    Adopted,
    Descend,
    Game,
    GameStage,
    Moved,
    Open,
    Opened,
    Pick,
    Reveal,
    Split,
    SplitMade,
    Step,
    Stepped,
)
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.games import ChallengedClaim, NodeSplit
from truestep.protocol.settlement.ids import LeafGameId, LeafId, Role, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import Batch, BatchStage, JobTerms
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry
from truestep.protocol.state_numbers import MICRO_INDEX_LIMIT, is_micro, micro_number

ZERO_HASH = Bytes32(bytes(32))
GAMES_LIMIT = 2**24 - 1
"""Ordinals are packed into 24 bits; a window's blocks cannot hold so many."""
ARITY_LIMIT = 64
NODES_KEPT = 2**12
"""Ids of nodes: each is asked for at every look at a game that stands on it."""
ROOT_SHIFT = 40
"""A node keeps the first 216 bits of its root (S6.4)."""
_REGISTERS_START, _REGISTER_SIZE_BYTES = 49, 8
"""Where a packed state (machine M2.2) would have x0."""


@record
class Proved:
    """What the step contract answers to the witness of a `step` or `descend`."""

    before: Bytes32
    after: Bytes32
    """Of a descent: the first state of the micro-run."""
    template: Bytes32 = ZERO_HASH
    rd: int = 0


@record
class GameMessage:
    """A call of Disputes, and what comes with it."""

    message: Message
    base_fee_wei: int = 0
    proved: Proved | None = None


@record
class Disputes:
    """All that Disputes keeps."""

    games: Mapping[LeafGameId, Game] = field(default_factory=dict[LeafGameId, Game])
    claims: Mapping[LeafId, ChallengedClaim] = field(default_factory=dict[LeafId, ChallengedClaim])
    ordinals: Mapping[tuple[LeafId, Address], int] = field(default_factory=dict[tuple[LeafId, Address], int])
    splits: Mapping[Bytes32, NodeSplit] = field(default_factory=dict[Bytes32, NodeSplit])
    """By node."""
    shown: Mapping[tuple[LeafId, Bytes32], int] = field(default_factory=dict[tuple[LeafId, Bytes32], int])
    """Games that showed a state hash."""
    dissents: Mapping[LeafId, int] = field(default_factory=dict[LeafId, int])
    """Games that showed another state hash than the claimed one."""
    held: Mapping[BatchId, int] = field(default_factory=dict[BatchId, int])
    """The leaves of a batch with an open game, a bit each."""
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0


@dataclass(slots=True, kw_only=True)
class DisputeTurn:
    """One call while it is applied. `life` is the turn of the other contracts, and has all effects."""

    state: Disputes
    life: Turn
    base_fee_wei: int
    proved: Proved | None

    @property
    def sender(self) -> Address:
        """Who calls."""
        return self.life.message.sender

    @property
    def now(self) -> int:
        """The block's second."""
        return self.life.message.now

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = changed(self.state, **fields)

    def put_claim(self, claim_id: LeafId, claim: ChallengedClaim) -> None:
        """Keep a claim."""
        self.change(claims=with_entry(self.state.claims, claim_id, claim))

    def put_game(self, game_id: LeafGameId, game: Game) -> None:
        """Keep a game."""
        self.change(games=with_entry(self.state.games, game_id, game))

    def set_held(self, claim_id: LeafId, is_held: bool) -> None:
        """Let the leaf's batch wait for it, or not."""
        batch_id, leaf_bit = batch_of_claim(claim_id), 1 << leaf_of_claim(claim_id)
        others = self.state.held.get(batch_id, 0) & ~leaf_bit
        self.change(held=with_entry(self.state.held, batch_id, others | leaf_bit * is_held))

    def credit(self, account: Address, amount_wei: int) -> None:
        """Owe an account more."""
        if amount_wei:
            owed_wei = self.state.credits.get(account, 0) + amount_wei
            self.change(credits=with_entry(self.state.credits, account, owed_wei))

    def burn(self, amount_wei: int) -> None:
        """Keep coins for ever."""
        self.change(burned_wei=self.state.burned_wei + amount_wei)


# --- how games begin ------------------------------------------------------------------------------


def open_game(turn: DisputeTurn, call: Open) -> None:
    """Challenge a claim (S6.1, S6.2)."""
    claim_id, proof = call.claim_id, call.proof
    batch = claimed_batch(turn, claim_id)
    last_second = policies.open_until(turn.life.state, batch_of_claim(claim_id), batch)
    require(turn.now <= last_second, Reject.WINDOW_OVER)
    require(turn.sender != batch.operator, Reject.OWN_CLAIM)
    task_id = check_leaf(turn.life.state, claim_id, call.terms, proof)
    require(not is_refuted(proof.work, proof.leaf, b""), Reject.LEAF_SHAPE)
    parameters = parameters_of(turn, batch)
    claim = turn.state.claims.get(claim_id, ChallengedClaim())
    bond_wei = games.bond_wei(parameters, claim.open_count)
    value_wei = turn.life.message.value_wei
    require(value_wei >= bond_wei, Reject.WRONG_VALUE)
    turn.life.receive_coins(turn.life.state.deployment.disputes)
    turn.credit(turn.sender, value_wei - bond_wei)
    turn.set_held(claim_id, True)
    ordinal, open_count = claim.opened + 1, claim.open_count + 1
    require(ordinal <= GAMES_LIMIT, Reject.GAMES_LIMIT)
    if claim.peak < min(open_count, games.PEAK_LIMIT):
        risen = (*claim.risen, turn.now) if claim.peak else ()
        claim = changed(claim, peak=open_count, risen=risen)
    turn.put_claim(claim_id, changed(claim, opened=ordinal, open_count=open_count))
    require((claim_id, turn.sender) not in turn.state.ordinals, Reject.ALREADY_CHALLENGED)
    turn.change(ordinals=with_entry(turn.state.ordinals, (claim_id, turn.sender), ordinal))
    claimed_hash = state_hash(task_id, proof.work, proof.leaf)
    game = Game(
        stage=games.stage_at(proof.leaf.cycle),
        task_id=task_id,
        defender=batch.operator,
        challenger=turn.sender,
        low=0,
        high=proof.leaf.cycle,
        low_hash=initial_state_hash(task_id, proof.work),
        high_hash=claimed_hash,
        template=ZERO_HASH,
        rd=0,
        gas_units=games.OPEN_GAS,
        price_wei=min(turn.base_fee_wei, parameters.gas_price_cap_wei),
        defender_used_seconds=0,
        challenger_used_seconds=0,
        moved_at=turn.now,
        bond_wei=bond_wei,
        leaf_bond_wei=leaf_bond_wei(parameters, proof.job_terms),
        sponsor_bond_wei=0,
        commitment=call.commitment,
        claimed_hash=claimed_hash,
        rules=games.packed_rules(parameters),
    )
    game_id = LeafGameId(claim_id << 32 | ordinal)
    turn.put_game(game_id, game)
    turn.life.emit(
        Opened(
            game_id=game_id,
            claim_id=claim_id,
            challenger=turn.sender,
            credited_wei=value_wei - bond_wei,
            game=game,
        )
    )


def adopt(turn: DisputeTurn, call: Adopt) -> None:
    """Defend a game that the operator has lost on time (S6.8)."""
    game = call.game
    claim = standing_claim(turn, call.game_id, game)
    games.require_stage(game, call)
    require(game.sponsor_bond_wei == 0, Reject.GAME_SPONSORED)
    split = split_of(turn.state, call.game_id, game)
    require(games.is_defender_late(game, split, claim, turn.now), Reject.DEFENDER_IN_TIME)
    require(turn.now <= games.rescue_end(game, claim), Reject.RESCUE_OVER)
    require(turn.life.message.value_wei == game.leaf_bond_wei, Reject.WRONG_VALUE)
    turn.life.receive_coins(turn.life.state.deployment.disputes)
    adopted = changed(
        game,
        defender=turn.sender,
        sponsor_bond_wei=game.leaf_bond_wei,
        defender_used_seconds=0,
        moved_at=turn.now,
    )
    turn.put_game(call.game_id, adopted)
    turn.life.emit(Adopted(game_id=call.game_id, sponsor=turn.sender, game=adopted))


# --- moves ----------------------------------------------------------------------------------------


def split(turn: DisputeTurn, call: Split) -> None:
    """The defender's move, for all games that are or come to this node (S6.4)."""
    check_defender(turn, call.defender)
    parts = min(call.arity, call.high - call.low)
    require(call.low < call.high and len(call.hashes) == parts - 1, Reject.SPLIT_COUNT)
    node = node_of(
        call.claim_id, call.defender, call.arity, call.low, call.high, call.low_hash, call.high_hash
    )
    require(node not in turn.state.splits, Reject.NODE_SPLIT)
    root = split_root([call.low_hash, *call.hashes, call.high_hash], call.arity)
    kept = NodeSplit(root=int.from_bytes(root, "big") >> ROOT_SHIFT, at=turn.now)
    turn.change(splits=with_entry(turn.state.splits, node, kept))
    turn.life.emit(
        SplitMade(
            claim_id=call.claim_id,
            defender=call.defender,
            node=node,
            low=call.low,
            high=call.high,
            hashes=call.hashes,
        )
    )


def pick(turn: DisputeTurn, call: Pick) -> None:
    """The challenger's move: one part (S6.5, S11.5)."""
    game = call.game
    claim = standing_claim(turn, call.game_id, game)
    games.require_stage(game, call)
    require(turn.sender == game.challenger, Reject.NOT_CHALLENGER)
    kept = split_of(turn.state, call.game_id, game)
    if kept is None:
        raise Refused(Reject.GAME_STAGE)
    arity, interval = games.arity_of(game), Interval(low=game.low, high=game.high)
    require(call.part < interval.part_count(arity), Reject.PICK_PART)
    require(len(call.siblings) == arity.bit_length() - 1, Reject.PICK_PROOF)
    root = climb(keccak256(call.start + call.end), call.part, call.siblings)
    require(int.from_bytes(root, "big") >> ROOT_SHIFT == kept.root, Reject.PICK_PROOF)
    split_at = max(kept.at, game.moved_at)
    defender_used_seconds = game.defender_used_seconds + split_at - game.moved_at
    most_seconds = games.with_rescue(game, games.defender_seconds(game, claim))
    part = interval.part(call.part, arity)
    moved = changed(
        game,
        defender_used_seconds=min(defender_used_seconds, most_seconds),
        challenger_used_seconds=_challenger_used_seconds(turn, game, split_at),
        low=part.low,
        high=part.high,
        low_hash=call.start,
        high_hash=call.end,
        stage=games.stage_at(part.length),
    )
    _keep_challengers(turn, call.game_id, moved, games.PICK_GAS)


def step(turn: DisputeTurn, call: Step) -> Game:
    """Execute the one step that is left. The game, which its end follows at once; by anybody."""
    game = call.game
    standing_claim(turn, call.game_id, game)
    games.require_stage(game, call)
    moved = changed(
        game,
        challenger_used_seconds=_challenger_used_seconds(turn, game, game.moved_at),
        gas_units=game.gas_units + games.STEP_GAS,
        price_wei=min(game.price_wei, turn.base_fee_wei),
    )
    proved = _proved(turn, game)
    turn.life.emit(
        Stepped(game_id=call.game_id, before=proved.before, after=proved.after, expected=game.high_hash)
    )
    return moved


def descend(turn: DisputeTurn, call: Descend) -> None:
    """Go on over the micro-run of the float instruction that is left. By anybody, once a game."""
    game = call.game
    standing_claim(turn, call.game_id, game)
    games.require_stage(game, call)
    challenger_used_seconds = _challenger_used_seconds(turn, game, game.moved_at)
    require(not is_micro(game.low), Reject.GAME_DESCENDED)
    proved = _proved(turn, game)
    moved = changed(
        game,
        stage=GameStage.REVEAL_DUE,
        challenger_used_seconds=challenger_used_seconds,
        low=micro_number(game.low, 0),
        low_hash=proved.after,
        template=proved.template,
        rd=proved.rd,
    )
    _keep_challengers(turn, call.game_id, moved, games.DESCEND_GAS)


def reveal(turn: DisputeTurn, call: Reveal) -> None:
    """The defender's move: the result of the float instruction, and how its micro-run comes to that."""
    game = call.game
    claim = standing_claim(turn, call.game_id, game)
    games.require_stage(game, call)
    check_defender(turn, game.defender)
    require(turn.now <= games.last_second(game, claim), Reject.CLOCK_OVER)
    require(0 < call.cycles <= MICRO_INDEX_LIMIT, Reject.REVEAL_CYCLES)
    is_state = len(call.after) == STATE_SIZE_BYTES and keccak256(call.after) == game.high_hash
    require(is_state, Reject.REVEAL_STATE)
    result_start = _REGISTERS_START + _REGISTER_SIZE_BYTES * game.rd
    result_end = result_start + _REGISTER_SIZE_BYTES
    rest = call.after[:result_start] + bytes(_REGISTER_SIZE_BYTES) + call.after[result_end:]
    require(keccak256(rest + bytes([game.rd])) == game.template, Reject.REVEAL_TEMPLATE)
    end = final_state(
        memory_root=call.memory_root,
        cycle=call.cycles,
        status=Status.EXITED,
        code=int.from_bytes(call.after[result_start:result_end], "big"),
    )
    moved = changed(
        game,
        stage=games.stage_at(call.cycles),
        high=game.low + call.cycles,
        high_hash=end.hash(),
        defender_used_seconds=game.defender_used_seconds + turn.now - game.moved_at,
    )
    _keep(turn, call.game_id, moved)


# --- shared by the calls --------------------------------------------------------------------------


def claimed_batch(turn: DisputeTurn, claim_id: LeafId) -> Batch:
    """The batch of a claim that stands and is not final."""
    batch = turn.life.state.batches.get(batch_of_claim(claim_id))
    if batch is None or batch.stage is not BatchStage.CLAIMED or batch.struck >> leaf_of_claim(claim_id) & 1:
        raise Refused(Reject.CLAIM_NOT_STANDING)
    return batch


def parameters_of(turn: DisputeTurn, batch: Batch) -> Parameters:
    """The parameter set of a batch."""
    return turn.life.state.parameters[batch.parameters_id - 1]


def leaf_bond_wei(parameters: Parameters, terms: JobTerms) -> int:
    """What the operator has locked for one task of a job."""
    return parameters.operator_bond_wei * terms.bond_multiple


def stated_game(turn: DisputeTurn, game_id: LeafGameId, game: Game) -> ChallengedClaim:
    """The claim of a game. Refuses a record that is not the game's."""
    kept = turn.state.games.get(game_id)
    require(kept is not None, Reject.GAME_UNKNOWN)
    require(kept == game, Reject.GAME_OTHER)
    return turn.state.claims[games.claim_of_game_id(game_id)]


def standing_claim(turn: DisputeTurn, game_id: LeafGameId, game: Game) -> ChallengedClaim:
    """The claim of a game, which is not struck."""
    claim = stated_game(turn, game_id, game)
    require(claim.struck_at == 0, Reject.GAME_CLAIM_STRUCK)
    return claim


def check_defender(turn: DisputeTurn, defender: Address) -> None:
    """Refuse a caller that may not move for the defender."""
    may_move = operators.has_role(turn.life.state, defender, turn.sender, Role.MOVE)
    require(may_move, Reject.NOT_DEFENDER)


@lru_cache(maxsize=NODES_KEPT)
def node_of(
    claim_id: LeafId,
    defender: Address,
    arity: int,
    low: int,
    high: int,
    low_hash: bytes,
    high_hash: bytes,
) -> Bytes32:
    """The id of a node (S6.4)."""
    return keccak256(encode(claim_id, defender, arity, low, high, low_hash, high_hash))


def split_of(state: Disputes, game_id: LeafGameId, game: Game) -> NodeSplit | None:
    """The split of the node on which a game stands, if there is one."""
    if game.stage != GameStage.ON_NODE:
        return None
    claim_id, arity = games.claim_of_game_id(game_id), games.arity_of(game)
    node = node_of(claim_id, game.defender, arity, game.low, game.high, game.low_hash, game.high_hash)
    return state.splits.get(node)


def commitment_of(challenger: Address, final_hash: bytes, salt: bytes) -> Bytes32:
    """What a challenger says when it opens a game (S6.1)."""
    return keccak256(encode(challenger, final_hash, salt))


def game_hash(game: Game) -> Bytes32:
    """What the contract keeps of a game."""
    return hash_struct(game)


def _proved(turn: DisputeTurn, game: Game) -> Proved:
    proved = turn.proved
    if proved is None or proved.before != game.low_hash:
        raise Refused(Reject.STEP_OTHER_STATE)
    return proved


def _challenger_used_seconds(turn: DisputeTurn, game: Game, since: int) -> int:
    """What a challenger's move now brings its clock to."""
    used_seconds = game.challenger_used_seconds + turn.now - since
    require(used_seconds <= games.clock_seconds(game), Reject.CLOCK_OVER)
    return used_seconds


def _keep(turn: DisputeTurn, game_id: LeafGameId, game: Game) -> None:
    moved = changed(game, moved_at=turn.now)
    turn.put_game(game_id, moved)
    turn.life.emit(Moved(game_id=game_id, game=moved))


def _keep_challengers(turn: DisputeTurn, game_id: LeafGameId, game: Game, gas_units: int) -> None:
    """Keep a game after a move of the challenger's, for which it is repaid gas if it wins."""
    price_wei = min(game.price_wei, turn.base_fee_wei)
    _keep(turn, game_id, changed(game, gas_units=game.gas_units + gas_units, price_wei=price_wei))
