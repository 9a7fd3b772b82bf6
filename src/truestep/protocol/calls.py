"""What a node or a client wants of the contracts, as values: in tasks, claims and games. Amounts in wei.

The contracts keep hashes and take batches, leaves and records (docs/protocol.md);
`protocol.settlement.tasks` makes their calls of these, by what events have said.
"""

from truestep.availability.encoding import EncodedBlob
from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.base.records import record
from truestep.protocol.audit_calls import URGENT_AUDITS, AuditCall
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId
from truestep.protocol.claims import ClaimedState
from truestep.protocol.draw_calls import CommitSecret, DrawCall, JoinPool, RevealSecret
from truestep.protocol.logs.contracts.anchors import Attest
from truestep.protocol.lot_calls import DeclineLots, LotCall
from truestep.protocol.proof_calls import (
    ContradictClaim,
    DropClaim,
    ProveClaim,
    ProveClaims,
    StopEntry,
    WithdrawProving,
)
from truestep.protocol.quorum_calls import URGENT_QUORUM, QuorumCall
from truestep.protocol.settlement.ids import NATIVE, NOBODY

# --- stakes and coins -----------------------------------------------------------------------------


@record
class Deposit:
    """Add coins to an operator's stake, to the sender's own if none is named (S9.1)."""

    amount_wei: int
    operator: Address = NOBODY


@record
class WithdrawStake:
    """Take free stake of the sender, for itself if no receiver is named (S9.1)."""

    amount_wei: int
    receiver: Address = NOBODY


@record
class SetDelegate:
    """Name what an account may do for the sender: `settlement.ids.Role` (S1.8); 0 ends it."""

    delegate: Address
    roles: int


@record
class WithdrawRewards:
    """Take what Jobs owes the sender of an asset: rewards, refunds (S9.2)."""

    asset: Address = NATIVE
    receiver: Address = NOBODY


@record
class WithdrawWinnings:
    """Take what Disputes owes the sender: bonds, rewards of games (S9.2)."""

    receiver: Address = NOBODY


@record
class AllowToken:
    """Let Jobs take up to `amount` of a token from the sender, as a job paid in it needs (S3.1)."""

    asset: Address
    amount: int


# --- programs and jobs ----------------------------------------------------------------------------


@record
class RegisterProgram:
    """Register a program (S1.1). `uri` says where its ELF file is."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    digest: Bytes32
    uri: str
    workload: int = 0


@record
class PostJob:
    """Post a job with its whole reward, `reward` for each shard (S3.1). A reducer has no input yet (S4.9)."""

    program_id: ProgramId
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    reward: int
    lease_seconds: int
    deadline: int
    asset: Address = NATIVE
    window_seconds: int = 0
    """0: as long as the parameters ask for at least."""
    bond_multiple: int = 1
    policy: int = 1
    """Of assurance (S8); 1 is optimistic."""
    consumer: Address = NOBODY
    """Who is told when all shards are written out."""
    callback_gas: int = 0
    reducer_of: JobId | None = None
    """The job whose outputs are this job's input (S4.9)."""
    slot_level: int = 0
    """Of a reducer: the height of the node that holds one output of the reduced job."""


@record
class TopUpJob:
    """Let every shard earn `reward` more (S3.3)."""

    job_id: JobId
    reward: int


@record
class CloseJob:
    """Let nobody take a shard any more (S3.4)."""

    job_id: JobId


@record
class CancelTasks:
    """Take back the rewards of shards that nobody has taken (S3.3)."""

    job_id: JobId
    shards: tuple[int, ...]


# --- tasks ----------------------------------------------------------------------------------------


@record
class TakeTasks:
    """Take tasks as one batch, for an operator (S4.1). Neighbours of one job cost least."""

    tasks: tuple[TaskId, ...]
    operator: Address = NOBODY
    """The sender if none is named."""


@record
class SubmitClaims:
    """Claim the final states of all tasks of a batch (S4.3)."""

    batch_id: BatchId
    claims: tuple[tuple[TaskId, ClaimedState], ...]


@record
class FinalizeBatch:
    """Make what nobody disputes of a batch final (S4.4)."""

    batch_id: BatchId


@record
class FinalizeClaim:
    """Make a claim final that its batch left behind, because it had a game (S4.5)."""

    claim_id: ClaimId


@record
class ExpireBatch:
    """Reopen the tasks of a batch whose lease was missed (S4.6)."""

    batch_id: BatchId


@record
class ReleaseBatch:
    """Give a lease back before it ends, at a price that rises (S4.6)."""

    batch_id: BatchId


# --- results --------------------------------------------------------------------------------------


@record
class WriteOut:
    """Write a final result out, for contracts that cannot carry proofs (S4.8)."""

    claim_id: ClaimId


@record
class FeedJob:
    """Give a reducer the outputs of its job as input (S4.9). `slot_nodes` are their memory nodes."""

    job_id: JobId
    slot_nodes: tuple[Bytes32, ...]


@record
class CallBack:
    """Tell a job's consumer that all shards are written out (S10)."""

    job_id: JobId


# --- data that is kept (docs/availability.md A5) --------------------------------------------------


@record
class SupplyJob:
    """Let a job be taken whose program and input these items hold (A5.1)."""

    job_id: JobId
    program_item: ItemId
    input_item: ItemId


@record
class DeliverOutputs:
    """Name the item that holds the outputs of a batch (A5.2); None if it has none."""

    batch_id: BatchId
    item_id: ItemId | None


@record
class HoldBatch:
    """Let games be opened on a batch for longer, with a bond, while one waits for a blob (A5.4)."""

    batch_id: BatchId
    challenge_id: ChallengeId


@record
class HoldForDemand:
    """Let a batch wait while a demand for the tree of its program or input is open, with a bond (A5.4)."""

    batch_id: BatchId
    demand_id: DemandId


@record
class SettleHold:
    """End a hold of a batch that is decided (A5.4)."""

    batch_id: BatchId
    ordinal: int


@record
class FailClaim:
    """Strike a claim whose data is gone (A5.5)."""

    claim_id: ClaimId


@record
class WithdrawKept:
    """Take what Kept owes the sender: bonds of holds, parts of bonds of failed claims."""

    receiver: Address = NOBODY


# --- games ----------------------------------------------------------------------------------------


Numbered = tuple[int, Bytes32]
"""The number of a state and its hash."""


@record
class OpenGame:
    """Dispute a claim, committed to the final state that one has found oneself (S6.1)."""

    claim_id: ClaimId
    claimed_hash: Bytes32
    """Of the state that is disputed: after a reorganisation the claim may be another one, and true."""
    state_hash: Bytes32
    salt: Bytes32
    has_spare_coins: bool = True
    """Whether more coins go along than the bond is now: it grows if somebody opens a game first (S6.2)."""


@record
class RefuteClaim:
    """Strike a claim that is false by itself; `packed_state` of a halted state that it says runs (S5.4)."""

    claim_id: ClaimId
    packed_state: bytes = b""


@record
class AdoptGame:
    """Defend a game that its operator has lost on time, with the claim's bond (S6.8)."""

    game_id: GameId


@record
class SubmitSplit:
    """The defender's move: the inner hashes of the interval, for all games that stand on it (S6.4)."""

    game_id: GameId
    low: int
    high: int
    hashes: tuple[Bytes32, ...]
    ends: tuple[Bytes32, Bytes32] | None = None
    """The hashes at the ends of the interval; None: whatever they are. Refused for others."""


@record
class SubmitPick:
    """The challenger's move: the first part of the split that it disagrees with (S11.5)."""

    game_id: GameId
    part: int
    ends: tuple[Numbered, Numbered] | None = None
    """The states at the part's ends, as the split has them; None: whatever they are. Refused for others."""


@record
class SubmitStep:
    """The last move: one instruction, executed by the chain (S11.6)."""

    game_id: GameId
    witness: bytes


@record
class DescendGame:
    """Continue a game, at its last float instruction, in the micro-run of that instruction (S11.9)."""

    game_id: GameId
    witness: bytes


@record
class RevealGame:
    """The defender's move: the result of the float instruction and the end of its micro-run (S11.10)."""

    game_id: GameId
    after: bytes
    """The packed state after the instruction, 305 bytes."""
    cycles: int
    memory_root: Bytes32


@record
class SettleGame:
    """End a game that a clock or another game has decided (S7.1)."""

    game_id: GameId


@record
class ShowGame:
    """Show the state that one committed to, after the claim has fallen (S7.5)."""

    game_id: GameId
    state_hash: Bytes32
    salt: Bytes32


@record
class RewardGame:
    """Give a winner its part of the pot (S7.6)."""

    game_id: GameId


@record
class RegisterInBlobs:
    """Register an item, and send its blobs in the same transaction (A3.6)."""

    register: items.RegisterBlobs
    blobs: tuple[EncodedBlob, ...]
    """With their cells, whose proofs nodes want beside them."""


DataCall = keepers.Call | items.Call | challenges.Call | bindings.Call
"""Calls of the contracts of availability, as these have them. The coins that go along, the rules say."""

Call = (
    Deposit
    | WithdrawStake
    | SetDelegate
    | WithdrawRewards
    | WithdrawWinnings
    | AllowToken
    | RegisterProgram
    | PostJob
    | TopUpJob
    | CloseJob
    | CancelTasks
    | TakeTasks
    | SubmitClaims
    | FinalizeBatch
    | FinalizeClaim
    | ExpireBatch
    | ReleaseBatch
    | WriteOut
    | FeedJob
    | CallBack
    | SupplyJob
    | DeliverOutputs
    | HoldBatch
    | HoldForDemand
    | SettleHold
    | FailClaim
    | WithdrawKept
    | ProveClaim
    | ProveClaims
    | DropClaim
    | ContradictClaim
    | StopEntry
    | WithdrawProving
    | QuorumCall
    | LotCall
    | DrawCall
    | OpenGame
    | RefuteClaim
    | AdoptGame
    | SubmitSplit
    | SubmitPick
    | SubmitStep
    | DescendGame
    | RevealGame
    | SettleGame
    | ShowGame
    | RewardGame
    | RegisterInBlobs
    | DataCall
    | AuditCall
    | Attest
)

URGENT = (
    *URGENT_AUDITS,
    SubmitClaims,
    ProveClaim,
    ProveClaims,
    StopEntry,
    *URGENT_QUORUM,
    DeclineLots,
    CommitSecret,
    RevealSecret,
    DeliverOutputs,
    HoldBatch,
    HoldForDemand,
    OpenGame,
    RefuteClaim,
    AdoptGame,
    SubmitSplit,
    SubmitPick,
    SubmitStep,
    DescendGame,
    RevealGame,
    SettleGame,
    ShowGame,
    challenges.OpenChallenge,
    bindings.Give,
    bindings.Pick,
    bindings.StrikeMismatch,
    bindings.StrikeFound,
)
"""A clock runs for these: a lease, a window or a game's; too late, a bond or a reward is lost. A game has to
be settled before its challenger can show what it knew."""
ONCE = (
    Attest,
    Deposit,
    WithdrawStake,
    JoinPool,
    RegisterProgram,
    PostJob,
    TopUpJob,
    HoldBatch,
    HoldForDemand,
    keepers.Enrol,
    items.PublishHashes,
    items.Register,
    items.RegisterBlobs,
    RegisterInBlobs,
    items.RegisterCalldata,
    challenges.OpenChallenge,
    bindings.OpenDemand,
)
"""The contracts do these as often as they are asked; all others they refuse the second time."""
