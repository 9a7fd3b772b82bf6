#pragma version 0.4.3
"""
@title Where a game stands, whose clock runs, and how it has ended (docs/protocol.md S6.3 to S6.8)
"""
from interfaces import IDisputes
from modules import challenged_claims
from modules import game_rules
from modules import split_tree

# stages of a game
ON_NODE: constant(uint256) = 1
STEP_DUE: constant(uint256) = 2
REVEAL_DUE: constant(uint256) = 3
CLOSED: constant(uint256) = 4
SHOWN: constant(uint256) = 5

# outcomes
UNDECIDED: constant(uint256) = 0
DEFENDER_WON: constant(uint256) = 1
CHALLENGER_WON: constant(uint256) = 2
CLAIM_FELL: constant(uint256) = 3

MASK40: constant(uint256) = 2**40 - 1

splits: public(HashMap[bytes32, uint256])  # node: [ root's first 216 bits | time 40 ]
risen: public(HashMap[uint256, uint256])  # claim id: when its peak became 3 and 2 [ third 40 | second 40 ]


@internal
@pure
def stage_at(length: uint256) -> uint256:
    """
    @notice What is due on an interval of `length` steps.
    """
    return STEP_DUE if length == 1 else ON_NODE


@internal
@pure
def check_stage(is_due: bool):
    """
    @notice Refuse a call that the game's stage does not allow. (One place for the reason: code is dear.)
    """
    assert is_due, "not the stage for this move"


@internal
@pure
def depth_of(arity: uint256) -> uint256:
    """
    @notice The depth of the tree over the parts of a split.
    """
    depth: uint256 = 0
    for level: uint256 in range(1, split_tree.DEPTH_LIMIT + 1):
        if arity >> level != 0:
            depth = level
    return depth


@internal
@pure
def node_of(game_id: uint256, game: IDisputes.Game) -> bytes32:
    """
    @notice The node on which a game stands (S6.4).
    """
    return keccak256(
        abi_encode(
            game_id >> 32,
            game.defender,
            game_rules.arity(game.rules),
            game.low,
            game.high,
            game.low_hash,
            game.high_hash,
        )
    )


@internal
def keep_rise(claim_id: uint256, peak: uint256):
    """
    @notice Keep when more games than ever were open on a claim. Not for the first.
    """
    if peak == 2:
        self.risen[claim_id] = block.timestamp
    else:
        self.risen[claim_id] |= block.timestamp << 40


@internal
@view
def defender_seconds(game_id: uint256, game: IDisputes.Game, peak: uint256) -> uint256:
    """
    @notice The defender's time for all its moves in the game: other games lengthen it only while it runs (S6.6).
    """
    clock_seconds: uint256 = game_rules.clock_seconds(game.rules)
    if peak == 1:
        return clock_seconds
    risen: uint256 = self.risen[game_id >> 32]
    last_second: uint256 = game.moved_at + clock_seconds - game.defender_used_seconds
    if risen & MASK40 > last_second:
        return clock_seconds
    if peak == 2 or risen >> 40 > last_second + clock_seconds:
        return 2 * clock_seconds
    return 3 * clock_seconds - game_rules.rescue_seconds(game.rules)


@internal
@view
def own_seconds(game: IDisputes.Game, defender_seconds: uint256) -> uint256:
    """
    @notice What is left of the defender's time without the rescue.
    """
    return max(defender_seconds, game.defender_used_seconds) - game.defender_used_seconds


@internal
@view
def with_rescue(game: IDisputes.Game, defender_seconds: uint256) -> uint256:
    """
    @notice The time after which a game is lost: a game has one rescue, and a sponsor has none (S6.8).
    """
    if game.sponsor_bond_wei != 0:
        return defender_seconds
    return defender_seconds + game_rules.rescue_seconds(game.rules)


@internal
@view
def challenger_used_seconds(game: IDisputes.Game, since: uint256) -> uint256:
    """
    @notice What a challenger's move now brings its clock to. Refuses one that comes too late.
    """
    used_seconds: uint256 = game.challenger_used_seconds + block.timestamp - since
    assert used_seconds <= game_rules.clock_seconds(game.rules), "clock has run out"
    return used_seconds


@internal
@view
def split_at(game_id: uint256, game: IDisputes.Game, now: uint256) -> uint256:
    """
    @notice When the node of a game was split, if it was by `now`; else 0.
    """
    if game.stage != ON_NODE:
        return 0
    made_at: uint256 = self.splits[self.node_of(game_id, game)] & MASK40
    return made_at if made_at <= now else 0


@internal
@view
def lateness(game_id: uint256, game: IDisputes.Game, peak: uint256, now: uint256) -> (bool, uint256):
    """
    @notice Whether the defender, whose move was due, did not make it in time, and the last second of the rescue.
    """
    seconds: uint256 = self.defender_seconds(game_id, game, peak)
    made_at: uint256 = self.split_at(game_id, game, now)
    is_late: bool = (now if made_at == 0 else made_at) > game.moved_at + self.own_seconds(game, seconds)
    return is_late, game.moved_at + self.with_rescue(game, seconds) - game.defender_used_seconds


@internal
@view
def outcome_of(
    game_id: uint256, game: IDisputes.Game, claim: challenged_claims.Claim
) -> uint256:
    """
    @notice How the game has ended, now or by the second in which its claim was struck (S6.5 to S6.8).
    """
    self.check_stage(game.stage <= REVEAL_DUE)
    is_struck: bool = claim.struck_at != 0
    now: uint256 = claim.struck_at if is_struck else block.timestamp
    running: uint256 = CLAIM_FELL if is_struck else UNDECIDED
    challenger_since: uint256 = game.moved_at
    if game.stage != STEP_DUE:
        is_late: bool = False
        rescue_end: uint256 = 0
        is_late, rescue_end = self.lateness(game_id, game, claim.peak, now)
        if is_late:
            return CHALLENGER_WON if now > rescue_end else running
        made_at: uint256 = self.split_at(game_id, game, now)
        if made_at == 0:
            return running
        challenger_since = max(challenger_since, made_at)
    left_seconds: uint256 = game_rules.clock_seconds(game.rules) - game.challenger_used_seconds
    return DEFENDER_WON if now > challenger_since + left_seconds else running
