"""One claim, true or false, and games on it: the pure model of all contracts, driven by short calls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from hashlib import sha256

from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId
from truestep.commitments.keccak import keccak256
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.settlement.apply import apply
from truestep.protocol.settlement.claims import initial_state_hash, state_hash
from truestep.protocol.settlement.contracts import disputes as d
from truestep.protocol.settlement.contracts import jobs as j
from truestep.protocol.settlement.contracts.operators import DepositFor
from truestep.protocol.settlement.contracts.parameters import Add
from truestep.protocol.settlement.contracts.programs import Register
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import Disputes, GameMessage, Proved, commitment_of, split_of
from truestep.protocol.settlement.effects import Effect, Transfer
from truestep.protocol.settlement.encoding import encode, encode_struct
from truestep.protocol.settlement.games import arity_of, bond_wei, claim_of_game_id
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Item, LeafGameId, LeafId, claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchTerms, Leaf, LeafProof, Order
from truestep.protocol.settlement.state import Deployment, LifeCycle
from truestep.protocol.settlement.trees import tasks_root

GWEI = 10**9
START_TIME = 1_700_000_000
FEE_CAP_WEI = 10 * GWEI
ITEM = Item(job_id=JobId(1), first_shard=0, count=1, offset=0)
OPERATORS, JOBS, DISPUTES = (Address("0x" + digit * 40) for digit in "567")
OWNER, REQUESTER, OPERATOR, SECOND, ASSURANCES = (Address("0x" + digit * 40) for digit in "89abc")
STAKE_WEI = 10**28

PARAMETERS = Parameters(
    operator_bond_wei=200 * 10**6 * FEE_CAP_WEI,
    challenger_bond_wei=8 * 10**6 * FEE_CAP_WEI,
    window_seconds=8 * 3_600,
    cycles_per_second=10**9,
    clock_seconds=3_600,
    rescue_seconds=450,
    reveal_seconds=3_600,
    arity=64,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=4_000,
    gas_price_cap_wei=FEE_CAP_WEI,
)
"""The least bonds and the least share for their fee cap."""


def named_hash(*parts: object) -> Bytes32:
    """A hash that stands for something."""
    return Bytes32(sha256(repr(parts).encode()).digest())


def account(name: str, number: int = 0) -> Address:
    """An address of its own for each name and number."""
    return Address("0x" + named_hash(name, number)[:20].hex())


def leaf_of(cycles: int, is_true: bool) -> Leaf:
    """A final state after so many cycles, the true one or another."""
    return Leaf(
        head=1 << 192 | cycles << 64 | 8,
        output_root=named_hash("output", is_true),
        left_root=named_hash("left", is_true),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claimed:
    """The contracts with one batch of one task, claimed just now. The same one for the same rules."""

    life: LifeCycle
    terms: BatchTerms
    proof: LeafProof
    start_hash: Bytes32
    true_hash: Bytes32
    claimed_hash: Bytes32


DEPLOYMENT = Deployment(
    chain_id=1,
    operators=OPERATORS,
    jobs=JOBS,
    disputes=DISPUTES,
    assurances=ASSURANCES,
    owner=OWNER,
    guardian=OWNER,
    guardian_until=0,
)


@cache
def claimed(parameters: Parameters, cycles: int, is_true: bool) -> Claimed:
    """A job of one task that OPERATOR has taken and claimed."""
    life = LifeCycle(deployment=DEPLOYMENT)
    program = Register(
        image_root=named_hash("image"),
        entry=0,
        max_cycles=cycles,
        workload=0,
        digest=named_hash("program"),
        uri="",
    )
    order = Order(
        program_id=ProgramId(1),
        program_hash=keccak256(encode(named_hash("image"), 0, cycles)),
        input_root=named_hash("input"),
        input_size=0,
        input_uri="",
        seed=named_hash("seed"),
        shard_count=1,
        reward=0,
        asset=NATIVE,
        lease_seconds=3_600,
        deadline=START_TIME + 364 * 86_400,
        window_seconds=0,
        bond_multiple=1,
        policy=1,
        parameters_id=1,
        consumer=NOBODY,
        callback_gas=0,
        reducer_of=0,
    )
    for sender, value_wei, call in (
        (OWNER, 0, Add(parameters=parameters, parameters_id=1)),
        (OWNER, 0, program),
        (OPERATOR, STAKE_WEI, DepositFor(operator=OPERATOR)),
        (SECOND, STAKE_WEI, DepositFor(operator=SECOND)),
        (REQUESTER, 0, j.Post(order=order)),
    ):
        message = Message(sender=sender, now=START_TIME, call=call, value_wei=value_wei)
        life = apply(life, message, held_by(Disputes()))[0]
    life, terms, proof = take_and_claim(life, OPERATOR, START_TIME, leaf_of(cycles, is_true))
    task = ITEM.task(0)
    true_hash, claimed_hash = (
        state_hash(task, proof.work, leaf) for leaf in (leaf_of(cycles, True), proof.leaf)
    )
    return Claimed(
        life=life,
        terms=terms,
        proof=proof,
        start_hash=initial_state_hash(task, proof.work),
        true_hash=true_hash,
        claimed_hash=claimed_hash,
    )


def take_and_claim(
    life: LifeCycle, operator: Address, now: int, leaf: Leaf
) -> tuple[LifeCycle, BatchTerms, LeafProof]:
    """Take the job's only task and claim a leaf."""
    job = life.jobs[ITEM.job_id]
    items = (ITEM.pack(),)
    take = j.Take(
        operator=operator,
        items=items,
        tasks_root=tasks_root([(ITEM.pack(), job.digest)]),
        min_reward=0,
        min_until=0,
    )
    held = held_by(Disputes())
    life = apply(life, Message(sender=operator, now=now, call=take), held)[0]
    batch_id = BatchId(life.batch_count)
    packed = encode_struct(leaf)
    words = tuple(Bytes32(packed[at : at + 32]) for at in range(0, len(packed), 32))
    claim = j.Claim(batch_id=batch_id, terms=life.batches[batch_id].terms, leaves=words)
    life = apply(life, Message(sender=operator, now=now, call=claim), held)[0]
    proof = LeafProof(
        item=ITEM.pack(),
        item_index=0,
        item_path=(),
        work=job.work,
        job_terms=job.terms,
        leaf=leaf,
        leaf_path=(),
    )
    return life, life.batches[batch_id].terms, proof


@lru_cache(maxsize=4_096)
def boundary_hashes(scene_key: tuple[Claimed, int, int], low: int, high: int, arity: int) -> list[Bytes32]:
    """What the claim says at the boundaries of an interval."""
    base, lie_at, cycles = scene_key
    interval = Interval(low=low, high=high)
    return [said_hash(base, lie_at, cycles, number) for number in interval.boundaries(arity)]


@lru_cache(maxsize=16_384)
def siblings_of(
    scene_key: tuple[Claimed, int, int], low: int, high: int, arity: int, part: int
) -> tuple[Bytes32, ...]:
    """The proof of a part of an interval."""
    hashes = boundary_hashes(scene_key, low, high, arity)
    return tuple(map(Bytes32, part_siblings(hashes, arity, part)))


def true_hash(base: Claimed, cycles: int, number: int) -> Bytes32:
    """State number `number` of the true run."""
    if number in (0, cycles):
        return base.true_hash if number else base.start_hash
    return named_hash("true", number)


def said_hash(base: Claimed, lie_at: int, cycles: int, number: int) -> Bytes32:
    """State number `number` as the defender says it: true up to `lie_at`."""
    if number <= lie_at:
        return true_hash(base, cycles, number)
    return base.claimed_hash if number == cycles else named_hash("false", number)


@dataclass(kw_only=True)
class Scene:
    """Games on one claim. A false claim is true up to state `lie_at`, a true one has `lie_at == cycles`."""

    parameters: Parameters = PARAMETERS
    cycles: int = 2**40
    lie_at: int = 2**40
    now: int = START_TIME
    base_fee_wei: int = FEE_CAP_WEI
    state: Disputes = field(default_factory=Disputes)
    coins_wei: defaultdict[Address, int] = field(default_factory=lambda: defaultdict(int))
    """What each account has, less what it had at first."""

    def __post_init__(self) -> None:
        """Start from the claim just made."""
        self.base = claimed(self.parameters, self.cycles, self.is_true)
        self.life = self.base.life
        self.key = (self.base, self.lie_at, self.cycles)
        self.claim_id = claim_of(BatchId(1), 0)
        self.until = self.life.batches[BatchId(1)].until

    @property
    def is_true(self) -> bool:
        """Whether the claim is true."""
        return self.lie_at == self.cycles

    def game(self, game_id: LeafGameId) -> d.Game:
        """The game as it is now."""
        return self.state.games[game_id]

    def do(
        self, call: d.Call, sender: Address, value_wei: int = 0, proved: Proved | None = None
    ) -> tuple[Effect, ...]:
        """One call of Disputes at this time and base fee."""
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei)
        given = GameMessage(message=message, base_fee_wei=self.base_fee_wei, proved=proved)
        self.state, self.life, effects = apply_dispute(self.state, self.life, given)
        self._count(effects)
        return effects

    def do_job(self, call: j.Call, sender: Address) -> tuple[Effect, ...]:
        """One call of Jobs at this time."""
        message = Message(sender=sender, now=self.now, call=call)
        self.life, effects = apply(self.life, message, held_by(self.state))
        self._count(effects)
        return effects

    def _count(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Transfer):
                self.coins_wei[effect.sender] -= effect.amount
                self.coins_wei[effect.receiver] += effect.amount

    # --- games ------------------------------------------------------------------------------------

    def bond_wei(self) -> int:
        """The bond of the next game."""
        claim = self.state.claims.get(self.claim_id)
        return bond_wei(self.parameters, claim.open_count if claim else 0)

    def open(self, challenger: Address, final_hash: Bytes32 | None = None, extra_wei: int = 0) -> LeafGameId:
        """Open a game with a commitment to a final state, by default the true one. The salt is zero."""
        known = self.base.true_hash if final_hash is None else final_hash
        call = d.Open(
            claim_id=self.claim_id,
            terms=self.base.terms,
            proof=self.base.proof,
            commitment=commitment_of(challenger, known, bytes(32)),
        )
        self.do(call, challenger, self.bond_wei() + extra_wei)
        return LeafGameId(self.claim_id << 32 | self.state.claims[self.claim_id].opened)

    def split(self, game_id: LeafGameId, sender: Address | None = None) -> None:
        """The defender's split of the game's node."""
        game = self.game(game_id)
        hashes = boundary_hashes(self.key, game.low, game.high, arity_of(game))
        call = d.Split(
            claim_id=claim_of_game_id(game_id),
            defender=game.defender,
            arity=arity_of(game),
            low=game.low,
            high=game.high,
            low_hash=game.low_hash,
            high_hash=game.high_hash,
            hashes=tuple(hashes[1:-1]),
        )
        self.do(call, sender or game.defender)

    def is_split(self, game_id: LeafGameId) -> bool:
        """Whether the game's node is split."""
        return split_of(self.state, game_id, self.game(game_id)) is not None

    def true_part(self, game_id: LeafGameId) -> int:
        """The part in which the lie is; the last one if there is none."""
        game = self.game(game_id)
        boundaries = Interval(low=game.low, high=game.high).boundaries(arity_of(game))
        return max((part for part, low in enumerate(boundaries[:-1]) if low <= self.lie_at), default=0)

    def part_count(self, game_id: LeafGameId) -> int:
        """Parts of the game's interval."""
        game = self.game(game_id)
        return Interval(low=game.low, high=game.high).part_count(arity_of(game))

    def pick(self, game_id: LeafGameId, part: int) -> None:
        """The challenger's pick."""
        game = self.game(game_id)
        hashes = boundary_hashes(self.key, game.low, game.high, arity_of(game))
        siblings = siblings_of(self.key, game.low, game.high, arity_of(game), part)
        call = d.Pick(
            game_id=game_id,
            game=game,
            part=part,
            start=hashes[part],
            end=hashes[part + 1],
            siblings=siblings,
        )
        self.do(call, game.challenger)

    def step(self, game_id: LeafGameId) -> None:
        """The last step, with the witness of the state that both agree on. Ends the game."""
        game = self.game(game_id)
        is_lie = game.low == self.lie_at
        after = true_hash(self.base, self.cycles, game.high) if is_lie else game.high_hash
        call = d.Step(game_id=game_id, game=game, witness=b"")
        self.do(call, game.challenger, proved=Proved(before=game.low_hash, after=after))

    def settle(self, game_id: LeafGameId) -> None:
        """End a decided game."""
        self.do(d.Settle(game_id=game_id, game=self.game(game_id)), REQUESTER)

    def adopt(self, game_id: LeafGameId, sponsor: Address) -> None:
        """Sponsor a game."""
        game = self.game(game_id)
        self.do(d.Adopt(game_id=game_id, game=game), sponsor, game.leaf_bond_wei)

    def show(self, game_id: LeafGameId, final_hash: Bytes32 | None = None) -> None:
        """Show a commitment, by default to the true final state."""
        known = self.base.true_hash if final_hash is None else final_hash
        call = d.Show(game_id=game_id, game=self.game(game_id), state_hash=known, salt=Bytes32(bytes(32)))
        self.do(call, REQUESTER)

    def withdraw(self, name: Address) -> None:
        """Take all that an account is owed."""
        if self.state.credits.get(name):
            self.do(d.WithdrawTo(receiver=name), name)

    # --- the task's result ------------------------------------------------------------------------

    def make_final(self) -> LeafId:
        """SECOND takes the task again, claims the truth, and the claim becomes final."""
        leaf = leaf_of(self.cycles, True)
        self.life, self.final_terms, self.final_proof = take_and_claim(self.life, SECOND, self.now, leaf)
        batch_id = BatchId(self.life.batch_count)
        self.now = self.life.batches[batch_id].until + 1
        self.do_job(j.Finalize(batch_id=batch_id, terms=self.final_terms, items=()), SECOND)
        return claim_of(batch_id, 0)

    def reward(self, game_id: LeafGameId, final_id: LeafId) -> None:
        """Give a winner its part."""
        call = d.Reward(
            game_id=game_id,
            game=self.game(game_id),
            final_id=final_id,
            terms=self.final_terms,
            proof=self.final_proof,
        )
        self.do(call, REQUESTER)

    def reward_without_result(self, game_id: LeafGameId) -> None:
        """Give a game what it gets without a result."""
        self.do(d.RewardWithoutResult(game_id=game_id, game=self.game(game_id)), REQUESTER)

    def check_coins(self) -> None:
        """Every coin is with its owner, owed, bonded, in a pot, staked or burned."""
        state, life = self.state, self.life
        bonds = sum(
            game.bond_wei + game.sponsor_bond_wei
            for game in state.games.values()
            if game.stage <= d.GameStage.REVEAL_DUE
        )
        pots = sum(claim.pot_wei for claim in state.claims.values())
        held_wei = bonds + pots + sum(state.credits.values()) + state.burned_wei
        assert self.coins_wei[DISPUTES] == held_wei
        stakes = sum(stake.stake_wei for stake in life.stakes.values()) + life.burned_wei
        assert self.coins_wei[OPERATORS] + 2 * STAKE_WEI == stakes
        assert sum(self.coins_wei.values()) == 0

    def with_clock(self, seconds: int) -> Parameters:
        """The same rules with another clock."""
        return replace(self.parameters, clock_seconds=seconds, window_seconds=8 * seconds)
