"""All contracts, and games on real runs that both sides play as they believe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from typing import Any

import pyrevm

from tests.contracts.compiled import deploy_compiled
from tests.contracts.evm import Event, EvmContract, Receipt
from tests.contracts.runs import ENTRY, INPUT, MAX_CYCLES, SEED, SHARD_COUNT, SUM, Run, program_of, run
from tests.contracts.settings import DEPLOYER, FUNDS_WEI, KEEPER, Values
from tests.contracts.settlement import PostedJob, Settlement, TakenBatch
from truestep.base.ids import Address, Bytes32, ProgramId
from truestep.commitments.merkle import root_of_bytes
from truestep.contracts.artifacts import Artifact, load_artifact
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.bisection import Interval, first_disagreement, part_siblings
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome, GameStage
from truestep.protocol.settlement.disputes import commitment_of, game_hash, node_of
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.state_numbers import run_number_of

LIAR, HONEST, MALICE, SPONSOR = (f"0x{digit * 40}" for digit in "6789")
STAKE_WEI = 10**21
RULES = Values(arity=8)
BOND_WEI, LEAF_BOND_WEI, CLOCK = RULES.challenger_bond_wei, RULES.operator_bond_wei, RULES.clock_seconds
SALT = Bytes32(b"salt" * 8)
_BASEFEE, _PREVRANDAO, _PUSH1, _PUSH32 = 0x48, 0x44, 0x60, 0x7F
_LAST_REVERT = bytes.fromhex("5b5f80fd")
"""Where failed checks end up. Behind it there is only the table of functions."""


@cache
def artifact_with_base_fee(name: str = "Disputes", places: int = 3) -> Artifact:
    """A contract that reads the base fee from PREVRANDAO: pyrevm runs every block with a base fee of 0."""
    artifact = load_artifact(name)
    code, at, count = bytearray(artifact.bytecode), 0, 0
    end = code.rindex(_LAST_REVERT)
    while at < end:
        opcode = code[at]
        if opcode == _BASEFEE:
            code[at], count = _PREVRANDAO, count + 1
        at += opcode - _PUSH1 + 2 if _PUSH1 <= opcode <= _PUSH32 else 1
    if count != places:
        raise ValueError(f"expected {places} places that read the base fee, found {count}")
    return replace(artifact, bytecode=bytes(code))


def leaf_of(made: Run) -> Leaf:
    """The leaf that claims the end of a run."""
    said = made.claimed
    head = said.status << 192 | said.code << 128 | said.cycle << 64 | said.output_size
    root = said.running_state if said.status is Status.RUNNING else said.output_root
    return Leaf(head=head, output_root=root, left_root=said.left_root)


def stranger(number: int) -> str:
    """One of many accounts."""
    return f"0x{10_000 + number:040x}"


class Arena(Settlement):
    """The contracts, funded parties, and the coins that Disputes should have."""

    def __init__(self, values: Values = RULES) -> None:
        self.values = values
        self.base_fee_wei = 0
        self.plays: list[Play] = []
        super().__init__(values=values)
        for account in (LIAR, HONEST, MALICE, SPONSOR):
            self.evm.chain.set_balance(account, FUNDS_WEI)
        self.operators.transact("deposit_for", LIAR, sender=KEEPER, value=STAKE_WEI)

    def deploy_disputes(self) -> EvmContract:
        """Deploy Disputes itself, and what it needs."""
        self.step, self.leaves = self.evm.deploy("Step"), self.deploy("Leaves", self.jobs.address)
        arguments = (self.jobs.address, self.leaves.address, self.step.address)
        return deploy_compiled(self.evm, artifact_with_base_fee(), *arguments, sender=DEPLOYER)

    def pass_time(self, seconds: int) -> None:
        """Go to a later block."""
        self.now += seconds
        self._block += 1
        base_fee = self.base_fee_wei.to_bytes(32, "big")
        block = pyrevm.BlockEnv(number=self._block, timestamp=self.now, prevrandao=base_fee)
        self.evm.chain.set_block_env(block)

    def set_base_fee(self, price_wei: int) -> None:
        """Change the price of gas."""
        self.base_fee_wei = price_wei
        self.pass_time(0)

    def post_runs(
        self, words: tuple[int, ...] = SUM, max_cycles: int = MAX_CYCLES, **order: Any
    ) -> PostedJob:
        """Register a program of these instructions and post a job for it."""
        root = program_of(words).root()
        program = (root, ENTRY, max_cycles, 0, bytes(32), "")
        program_id = ProgramId(self.programs.transact("register", *program, sender=KEEPER).result)
        usual = {"input_root": root_of_bytes(INPUT, RANGE_LEVEL), "input_size": len(INPUT), "seed": SEED}
        usual |= {"program_id": program_id, "shard_count": SHARD_COUNT}
        return self.post(**(usual | order))

    def claim_runs(self, *made: Run, job: PostedJob | None = None, operator: str = LIAR) -> TakenBatch:
        """Take the first shards of a job as a batch, of SUM unless told otherwise, and claim these ends."""
        job = job or self.post_runs()
        batch = self.take((job, 0, len(made)), operator=operator)
        self.claim(batch, [leaf_of(one) for one in made], sender=operator)
        return batch

    def open(
        self, batch: TakenBatch, asserted: Run, believed: Run, challenger: str = HONEST, **changes: Any
    ) -> Play:
        """Challenge a leaf, the first unless told otherwise."""
        play = Play(arena=self, batch=batch, asserted=asserted, believed=believed, challenger=challenger)
        for name, value in changes.items():
            setattr(play, name, value)
        play.open()
        self.plays.append(play)
        return play

    def disputed(self, asserted: Run, believed: Run, challenger: str = HONEST, **changes: Any) -> Play:
        """A game on a claim of its own."""
        return self.open(self.claim_runs(asserted), asserted, believed, challenger, **changes)

    def claim_word(self, claim_id: int) -> dict[str, int]:
        """What Disputes keeps of a challenged claim."""
        names = ("struck_at", "opened", "open_count", "peak", "striker", "winners", "pot_wei")
        names += ("by_step", "without_result")
        return dict(zip(names, self.disputes.call("get_claim", claim_id), strict=True))

    def owed(self, account: str) -> int:
        """What Disputes owes an account."""
        return self.disputes.call("credits", account)

    def burned_wei(self) -> int:
        """What Disputes has burned."""
        return self.disputes.call("burned_wei")

    def check_coins(self) -> None:
        """Disputes has the bonds of games, pots and credits, and what it burned; not a wei else."""
        bonds_wei = sum(
            play.game.bond_wei + play.game.sponsor_bond_wei for play in self.plays if play.is_open
        )
        pots_wei = sum(self.claim_word(c)["pot_wei"] for c in {play.claim_id for play in self.plays})
        accounts = {play.challenger for play in self.plays} | {play.game.defender for play in self.plays}
        owed_wei = sum(map(self.owed, accounts | {KEEPER}))
        kept_wei = self.evm.chain.get_balance(self.disputes.address)
        assert kept_wei == bonds_wei + pots_wei + owed_wei + self.burned_wei()


@dataclass(slots=True, kw_only=True)
class Play:
    """One game between two who each believe in a run; `game` follows the chain's events."""

    arena: Arena
    batch: TakenBatch
    asserted: Run
    believed: Run
    challenger: str
    leaf_index: int = 0
    salt: Bytes32 = SALT
    shown_hash: Bytes32 | None = None
    """What the challenger commits to if not to the end of the run that it believes in."""
    game_id: int = 0
    game: Game = field(init=False)

    @property
    def claim_id(self) -> int:
        """The claim that it is about."""
        return self.batch.claim_id(self.leaf_index)

    @property
    def is_open(self) -> bool:
        """Whether its bonds are still there."""
        kept = self.arena.disputes.call("games", self.game_id)
        return self.game.stage <= GameStage.REVEAL_DUE and kept != bytes(32)

    @property
    def arity(self) -> int:
        """Parts of a split."""
        return self.game.rules & 0xFF

    @property
    def state_hash(self) -> Bytes32:
        """What the challenger commits to."""
        return self.shown_hash or self.believed.claimed.state_hash()

    def proof(self) -> tuple[Any, ...]:
        """That the leaf is in its batch."""
        return astuple(self.batch.proof(self.leaf_index, self.arena.posted))

    def open(self, value_wei: int | None = None) -> Receipt:
        """Challenge the leaf, with the bond that is due."""
        chain = self.arena.evm.chain
        if chain.get_balance(self.challenger) == 0:
            chain.set_balance(self.challenger, 10**24)
        arguments = (self.claim_id, astuple(self.batch.terms), self.proof())
        commitment = commitment_of(Address(self.challenger), self.state_hash, self.salt)
        value_wei = self.bond_wei() if value_wei is None else value_wei
        receipt = self.arena.disputes.transact(
            "open", *arguments, commitment, sender=self.challenger, value=value_wei
        )
        self.game_id = receipt.result
        return self._follow(receipt)

    def bond_wei(self) -> int:
        """What opening now takes (S6.2)."""
        doublings = max(self.arena.claim_word(self.claim_id)["open_count"] // 16 - 1, 0)
        return self.arena.values.challenger_bond_wei * min(10, 2**doublings)

    def move(self, name: str, *arguments: Any, sender: str = KEEPER, value: int = 0) -> Receipt:
        """Any call on the game."""
        call = (self.game_id, astuple(self.game), *arguments)
        return self._follow(self.arena.disputes.transact(name, *call, sender=sender, value=value))

    def _follow(self, receipt: Receipt) -> Receipt:
        for event in receipt.events:
            if "game" in event.fields and event.fields["game_id"] == self.game_id:
                self.game = game_from(event.fields["game"])
                kept = self.arena.disputes.call("games", self.game_id)
                assert kept == game_hash(self.game)
        return receipt

    # --- moves as the sides believe ---------------------------------------------------------------

    def interval(self) -> Interval:
        """What is disputed."""
        return Interval(low=self.game.low, high=self.game.high)

    def hashes(self) -> list[bytes]:
        """The defender's hashes at the boundaries of the split that is due."""
        inner = [self.asserted.hash_at(i) for i in self.interval().boundaries(self.arity)[1:-1]]
        return [self.game.low_hash, *inner, self.game.high_hash]

    def node(self) -> Bytes32:
        """The node on which the game stands."""
        game = self.game
        interval = (game.low, game.high, game.low_hash, game.high_hash)
        return node_of(self.claim_id, game.defender, self.arity, *interval)

    def is_split(self) -> bool:
        """Whether its node is split already."""
        return self.arena.disputes.call("splits", self.node()) != 0

    def split_arguments(self, inner: Sequence[bytes] | None = None) -> tuple[Any, ...]:
        """What `split` takes for the game's node."""
        game = self.game
        ends = (game.low, game.high, game.low_hash, game.high_hash)
        inner = self.hashes()[1:-1] if inner is None else inner
        return self.claim_id, game.defender, self.arity, *ends, inner

    def split(self, inner: Sequence[bytes] | None = None, sender: str | None = None) -> Receipt:
        """The defender splits."""
        arguments = self.split_arguments(inner)
        return self.arena.disputes.transact("split", *arguments, sender=sender or self.game.defender)

    def pick_arguments(self, part: int | None = None) -> tuple[Any, ...]:
        """The first part that the challenger disagrees with, or the one it is told, and its proof."""
        hashes = self.hashes()
        if part is None:
            boundaries = self.interval().boundaries(self.arity)
            part = first_disagreement(hashes, [self.believed.hash_at(i) for i in boundaries])
        return part, hashes[part], hashes[part + 1], part_siblings(hashes, self.arity, part)

    def pick(self, part: int | None = None) -> Receipt:
        """The challenger picks."""
        return self.move("pick", *self.pick_arguments(part), sender=self.challenger)

    def to_last_step(self) -> None:
        """Split and pick until one step is left; nodes that are split already are not split again."""
        while self.interval().length > 1:
            if not self.is_split():
                self.split()
            self.pick()

    def witness(self, made: Run | None = None) -> bytes:
        """Of the step that is left."""
        return (made or self.believed).witness_at(self.game.low)

    def step(self, made: Run | None = None, sender: str = KEEPER) -> Receipt:
        """Somebody executes the step."""
        return self.move("step", self.witness(made), sender=sender)

    def descend(self, made: Run | None = None, sender: str = KEEPER) -> Receipt:
        """Somebody goes on over the micro-run of the float instruction that is left."""
        return self.move("descend", self.witness(made), sender=sender)

    def revelation(self) -> tuple[bytes, int, bytes]:
        """What the defender has to say of the float instruction."""
        index = run_number_of(self.game.low)
        shown = self.asserted.micro_run_at(index)
        return self.asserted.states[index + 1].pack(), shown.cycles, shown.memory_root

    def reveal(self, *shown: Any, sender: str | None = None) -> Receipt:
        """The defender reveals what it believes, or what it is told."""
        return self.move("reveal", *(shown or self.revelation()), sender=sender or self.game.defender)

    def to_micro_run(self) -> None:
        """Down to a float instruction, and into its micro-run."""
        self.to_last_step()
        self.descend()
        self.reveal()

    # --- ends -------------------------------------------------------------------------------------

    def settle(self) -> GameOutcome:
        """Somebody settles; how the game has ended."""
        return outcome_of(self.move("settle"))

    def adopt(self, sponsor: str = SPONSOR, value_wei: int | None = None) -> Receipt:
        """Somebody saves the game."""
        value = self.game.leaf_bond_wei if value_wei is None else value_wei
        return self.move("adopt", sender=sponsor, value=value)

    def show(self) -> Receipt:
        """Somebody shows what the challenger committed to."""
        return self.move("show", self.state_hash, self.salt)

    def reward(self, final: TakenBatch, leaf_index: int = 0) -> Receipt:
        """Somebody has the winner paid, by the claim that has become the result."""
        proof = astuple(final.proof(leaf_index, self.arena.posted))
        return self.move("reward", final.claim_id(leaf_index), astuple(final.terms), proof)

    def strike(self) -> None:
        """The challenger wins by the step."""
        self.to_last_step()
        assert outcome_of(self.step()) is GameOutcome.CHALLENGER_WON


def game_from(values: tuple[Any, ...]) -> Game:
    """A game as an event has it."""
    return Game(**dict(zip(Game.__dataclass_fields__, values, strict=True)))


def outcome_of(receipt: Receipt) -> GameOutcome:
    """How the game has ended that a call settled."""
    (event,) = [event for event in receipt.events if event.name == "Settled"]
    return GameOutcome(event.fields["outcome"])


def settled(play: Play, outcome: GameOutcome, **amounts: int) -> Event:
    """The event of an end."""
    ids = {"game_id": play.game_id, "claim_id": play.claim_id, "outcome": outcome}
    nothing = {"defender_wei": 0, "challenger_wei": 0, "burned_wei": 0}
    return Event(name="Settled", fields=ids | nothing | amounts)


def redo(arena: Arena, job: PostedJob, truth: Run | None = None, operator: str = LIAR) -> TakenBatch:
    """Take the first shard again, claim the truth and finalize it."""
    batch = arena.take((job, 0, 1), operator=operator)
    arena.claim(batch, [leaf_of(truth or run(SUM))], sender=operator)
    arena.pass_time(batch.terms.window_seconds + 1)
    arena.finalize(batch)
    return batch
