"""The clocks of a game, and how it has ended: values alone (docs/protocol.md S6.2 to S6.8)."""

from collections.abc import Mapping

from truestep.base.errors import Reject
from truestep.base.records import record
from truestep.protocol.settlement.contracts.disputes import (
    Adopt,
    Descend,
    Game,
    GameOutcome,
    GameStage,
    Pick,
    Reveal,
    Reward,
    RewardWithoutResult,
    Settle,
    Show,
    Split,
    Step,
)
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.refusals import require

PEAK_LIMIT = 3
"""Beyond so many games a defender's time grows no more: a liar's friends buy the same delay (S6.6)."""
BOND_STEP = 16
BOND_FACTOR_LIMIT = 10
BOND_DOUBLINGS_LIMIT = 4
SPARE_GAMES = BOND_STEP
"""Others that may be opened before one's own, since the bond grows with their number (S6.2): one that was
just enough would be refused if somebody opened a game in front of it in the last second. What is too much is
credited."""

OPEN_GAS, PICK_GAS, STEP_GAS, DESCEND_GAS = 50_000, 8_000, 30_000, 25_000
"""Units of gas that a winner is repaid for its moves, as in modules/move_gas.vy (S7.6)."""

_CLOCK, _RESCUE, _REVEAL, _SHARE = 88, 56, 24, 8
"""Offsets in a game's `rules`, whose last 8 bits are the arity."""
_MASK16, _MASK32 = 2**16 - 1, 2**32 - 1

MOVES: Mapping[GameStage, Mapping[type, tuple[GameStage, ...]]] = {
    GameStage.ON_NODE: {
        Split: (GameStage.ON_NODE,),
        Pick: (GameStage.ON_NODE, GameStage.STEP_DUE),
        Adopt: (GameStage.ON_NODE,),
        Settle: (GameStage.NONE, GameStage.CLOSED),
    },
    GameStage.STEP_DUE: {
        Step: (GameStage.NONE, GameStage.CLOSED),
        Descend: (GameStage.REVEAL_DUE,),
        Settle: (GameStage.NONE, GameStage.CLOSED),
    },
    GameStage.REVEAL_DUE: {
        Reveal: (GameStage.ON_NODE, GameStage.STEP_DUE),
        Adopt: (GameStage.REVEAL_DUE,),
        Settle: (GameStage.NONE, GameStage.CLOSED),
    },
    GameStage.CLOSED: {
        Show: (GameStage.SHOWN,),
        Reward: (GameStage.NONE,),
        RewardWithoutResult: (GameStage.NONE,),
    },
    GameStage.SHOWN: {Reward: (GameStage.NONE,), RewardWithoutResult: (GameStage.NONE,)},
}
"""The life of a game: what can be done at each stage, and the stages that it leads to.

NONE: nothing is kept, because the defender has won or the winner has its reward.
"""


@record
class ChallengedClaim:
    """What is kept of a claim with games."""

    struck_at: int = 0
    """0 while the claim stands."""
    opened: int = 0
    open_count: int = 0
    """Counts no more once the claim is struck."""
    peak: int = 0
    """The most games that were open at once, up to PEAK_LIMIT."""
    risen: tuple[int, ...] = ()
    """When the peak became 2, 3 and so on."""
    striker: int = 0
    """The ordinal of the game that struck it; 0 if it was refuted."""
    winners: int = 0
    """Those that have not been rewarded yet; 0 until they are counted."""
    pot_wei: int = 0
    by_step: bool = False
    """Struck by a step, not by a clock: then it is known to be false."""
    without_result: bool = False
    """The winners were counted though the task has no result (S7.5)."""


@record
class NodeSplit:
    """The root of a node's parts, cut to 216 bits, and when it was split (S6.4)."""

    root: int
    at: int


def packed_rules(parameters: Parameters) -> int:
    """What a game keeps of its parameter set, in one word."""
    return (
        parameters.clock_seconds << _CLOCK
        | parameters.rescue_seconds << _RESCUE
        | parameters.reveal_seconds << _REVEAL
        | parameters.winner_share_bps << _SHARE
        | parameters.arity
    )


def clock_seconds(game: Game) -> int:
    """Each side's time, before it grows."""
    return game.rules >> _CLOCK & _MASK32


def rescue_seconds(game: Game) -> int:
    """In which a sponsor may save a game."""
    return game.rules >> _RESCUE & _MASK32


def reveal_seconds(game: Game) -> int:
    """In which the challengers of a fallen claim show what they committed to."""
    return game.rules >> _REVEAL & _MASK32


def share_of(game: Game, amount_wei: int) -> int:
    """The winner's share of an amount."""
    return amount_wei * (game.rules >> _SHARE & _MASK16) // BPS


def arity_of(game: Game) -> int:
    """Parts of a split."""
    return game.rules & 0xFF


def bond_wei(parameters: Parameters, open_count: int) -> int:
    """The bond of a game that is opened while so many are open (S6.2)."""
    return parameters.challenger_bond_wei * bond_factor(open_count)


def bond_factor(open_count: int) -> int:
    """How many times the least bond that is."""
    doublings = min(max(open_count // BOND_STEP, 1) - 1, BOND_DOUBLINGS_LIMIT)
    return min(BOND_FACTOR_LIMIT, 1 << doublings)


def defender_seconds(game: Game, claim: ChallengedClaim) -> int:
    """A defender's time for all its moves in one game: other games lengthen it only while it runs (S6.6)."""
    most_seconds = PEAK_LIMIT * clock_seconds(game) - rescue_seconds(game)
    seconds = clock_seconds(game)
    for risen_at in claim.risen:
        if risen_at > game.moved_at + seconds - game.defender_used_seconds:
            break
        seconds = min(seconds + clock_seconds(game), most_seconds)
    return seconds


def with_rescue(game: Game, seconds: int) -> int:
    """The defender's time after which a game is lost: a game has one rescue, a sponsor none (S6.8)."""
    return seconds if game.sponsor_bond_wei else seconds + rescue_seconds(game)


def require_stage(game: Game, call: object) -> None:
    """Refuse a call that the game's stage does not allow."""
    require(type(call) in MOVES[GameStage(game.stage)], Reject.GAME_STAGE)


def stage_at(length: int) -> GameStage:
    """What is due on an interval."""
    return GameStage.STEP_DUE if length == 1 else GameStage.ON_NODE


def split_by(split: NodeSplit | None, now: int) -> int | None:
    """When a node was split, if it was by `now`."""
    return split.at if split is not None and split.at <= now else None


def last_second(game: Game, claim: ChallengedClaim) -> int:
    """The last in which the defender, whose move is due, may make it."""
    return game.moved_at + max(0, defender_seconds(game, claim) - game.defender_used_seconds)


def rescue_end(game: Game, claim: ChallengedClaim) -> int:
    """The last second before a game in which the defender's move is due is lost."""
    lost_after_seconds = with_rescue(game, defender_seconds(game, claim))
    return game.moved_at + lost_after_seconds - game.defender_used_seconds


def is_defender_late(game: Game, split: NodeSplit | None, claim: ChallengedClaim, now: int) -> bool:
    """Whether the defender did not make its move in time (S6.5). Not for STEP_DUE."""
    split_at = split_by(split, now)
    return (now if split_at is None else split_at) > last_second(game, claim)


def outcome_of(game: Game, split: NodeSplit | None, claim: ChallengedClaim, now: int) -> GameOutcome:
    """How a game has ended, now or by the second in which its claim was struck (S6.5 to S6.8).

    `split` is that of the game's node. Not for games that are closed.
    """
    is_struck = claim.struck_at != 0
    judged_at = claim.struck_at or now
    running = GameOutcome.CLAIM_FELL if is_struck else GameOutcome.UNDECIDED
    since = game.moved_at
    if game.stage != GameStage.STEP_DUE:
        if game.stage == GameStage.REVEAL_DUE:
            split = None
        if is_defender_late(game, split, claim, judged_at):
            return GameOutcome.CHALLENGER_WON if judged_at > rescue_end(game, claim) else running
        split_at = split_by(split, judged_at)
        if split_at is None:
            return running
        since = max(since, split_at)
    left_seconds = clock_seconds(game) - game.challenger_used_seconds
    return GameOutcome.DEFENDER_WON if judged_at > since + left_seconds else running


def ordinal_of(game_id: int) -> int:
    """The ordinal of a game on its claim."""
    return game_id & _MASK32


def claim_of_game_id(game_id: int) -> LeafId:
    """The claim that a game is about."""
    return LeafId(game_id >> 32)
