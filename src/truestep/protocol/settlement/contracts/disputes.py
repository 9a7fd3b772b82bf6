"""Calls, events and the game of Disputes (docs/protocol.md S5.4, S6, S7, S9.2), in seconds and wei."""

from enum import IntEnum

from truestep.base.ids import Address, Bytes32, TaskId
from truestep.base.records import record
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.records import BatchTerms, LeafProof


class GameStage(IntEnum):
    """Whose move a game waits for, or how far its end has come."""

    NONE = 0
    ON_NODE = 1
    """A split or a pick is due."""
    STEP_DUE = 2
    REVEAL_DUE = 3
    CLOSED = 4
    """The challenger has won, or its claim has fallen."""
    SHOWN = 5
    """The challenger of a fallen claim has shown what it committed to."""


class GameOutcome(IntEnum):
    """How a game has ended."""

    UNDECIDED = 0
    DEFENDER_WON = 1
    CHALLENGER_WON = 2
    CLAIM_FELL = 3


@record
class Game:
    """One challenger's dispute of one claim. The contract keeps only its hash (S6.1)."""

    stage: int
    task_id: TaskId
    defender: Address
    challenger: Address
    low: int
    """State numbers (machine M9.6)."""
    high: int
    low_hash: Bytes32
    high_hash: Bytes32
    template: Bytes32
    """Of the state after a float instruction that is descended into."""
    rd: int
    gas_units: int
    """Of the challenger's moves (S7.6)."""
    price_wei: int
    """Of a unit: the lowest at these moves."""
    defender_used_seconds: int
    challenger_used_seconds: int
    moved_at: int
    bond_wei: int
    leaf_bond_wei: int
    sponsor_bond_wei: int
    """0 unless a sponsor has adopted the game (S6.8)."""
    commitment: Bytes32
    """Once shown: the state hash."""
    claimed_hash: Bytes32
    """Of the final state that the claim names."""
    rules: int
    """[ clock 32 | rescue 32 | reveal 32 | share_bps 16 | arity 8 ]"""


# --- calls ----------------------------------------------------------------------------------------


@record
class Open:
    """Challenge a claim, with a bond (S6.1)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof
    commitment: Bytes32


@record
class Adopt:
    """Defend a game that the operator has lost on time (S6.8)."""

    game_id: LeafGameId
    game: Game


@record
class Refute:
    """Strike a leaf that is false by itself (S5.4)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof
    packed_state: bytes


@record
class Split:
    """Say the hashes inside an interval, for all games on this node (S6.4)."""

    claim_id: LeafId
    defender: Address
    arity: int
    low: int
    high: int
    low_hash: Bytes32
    high_hash: Bytes32
    hashes: tuple[Bytes32, ...]


@record
class Pick:
    """Go on with one part of a split (S11.5)."""

    game_id: LeafGameId
    game: Game
    part: int
    start: Bytes32
    end: Bytes32
    siblings: tuple[Bytes32, ...]


@record
class Step:
    """Execute the one step that is left (S11.6)."""

    game_id: LeafGameId
    game: Game
    witness: bytes


@record
class Descend:
    """Go on inside the float instruction that is left (S11.9)."""

    game_id: LeafGameId
    game: Game
    witness: bytes


@record
class Reveal:
    """Say what the float instruction results in (S11.10)."""

    game_id: LeafGameId
    game: Game
    after: bytes
    cycles: int
    memory_root: Bytes32


@record
class Settle:
    """End a game that a clock or the fall of its claim has decided (S7.1)."""

    game_id: LeafGameId
    game: Game


@record
class Show:
    """Show what the challenger of a fallen claim committed to (S7.5)."""

    game_id: LeafGameId
    game: Game
    state_hash: Bytes32
    salt: Bytes32


@record
class Reward:
    """Give a winner its part of the pot (S7.6)."""

    game_id: LeafGameId
    game: Game
    final_id: LeafId
    """The claim that has become the task's result."""
    terms: BatchTerms
    proof: LeafProof


@record
class RewardWithoutResult:
    """Give a game its part of the pot if the task has no result for long (S7.5)."""

    game_id: LeafGameId
    game: Game


@record
class WithdrawTo:
    """Send all that the sender is owed to a receiver (S9.2)."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@record
class Opened:
    """A game was opened."""

    game_id: LeafGameId
    claim_id: LeafId
    challenger: Address
    credited_wei: int
    """Coins that were sent beyond the bond."""
    game: Game


@record
class SplitMade:
    """A node was split."""

    claim_id: LeafId
    defender: Address
    node: Bytes32
    low: int
    high: int
    hashes: tuple[Bytes32, ...]


@record
class Moved:
    """A game has become this."""

    game_id: LeafGameId
    game: Game


@record
class Stepped:
    """The last step was executed."""

    game_id: LeafGameId
    before: Bytes32
    after: Bytes32
    expected: Bytes32


@record
class Adopted:
    """A sponsor defends the game now."""

    game_id: LeafGameId
    sponsor: Address
    game: Game


@record
class EndedByProof:
    """A proof has ended a game, whose challenger may challenge the claim again (S7.1)."""

    game_id: LeafGameId


@record
class Settled:
    """A game has ended."""

    game_id: LeafGameId
    claim_id: LeafId
    outcome: int
    defender_wei: int
    challenger_wei: int
    burned_wei: int


@record
class Refuted:
    """A leaf was false by itself."""

    claim_id: LeafId
    caller: Address
    amount_wei: int
    burned_wei: int


@record
class Shown:
    """A challenger knew this final state when it opened its game."""

    game_id: LeafGameId
    claim_id: LeafId
    state_hash: Bytes32
    game: Game


@record
class Rewarded:
    """A winner got its part."""

    game_id: LeafGameId
    claim_id: LeafId
    amount_wei: int
    burned_wei: int


@record
class Withdrawn:
    """An account took what it was owed."""

    account: Address
    receiver: Address
    amount_wei: int


Call = (
    Open
    | Adopt
    | Refute
    | Split
    | Pick
    | Step
    | Descend
    | Reveal
    | Settle
    | Show
    | Reward
    | RewardWithoutResult
    | WithdrawTo
)
Event = (
    Opened
    | SplitMade
    | Moved
    | Stepped
    | Adopted
    | EndedByProof
    | Settled
    | Refuted
    | Shown
    | Rewarded
    | Withdrawn
)
