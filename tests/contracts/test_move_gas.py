"""What a move costs at least, however many a contract makes in one transaction (docs/protocol.md S7.6).

Calldata and the transaction itself are left out: who plays against itself can spread or compress them. pyrevm
finds words that were touched before warm, and those that were written before paid for, so each figure is
as low as any schedule of transactions can make it.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, field, replace

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import EvmContract
from tests.contracts.playing import BOND_WEI, LIAR, RULES, Arena, Play, leaf_of
from tests.contracts.runs import SUM, T1, T2, Run, falsified_run, run
from tests.contracts.settlement import TakenBatch
from tests.machine.encode import encode, encode_float
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.contracts.build import CONTRACTS_FOLDER
from truestep.protocol.settlement import games
from truestep.protocol.settlement.disputes import commitment_of, game_hash

LIE, TRUTH = falsified_run(SUM), run(SUM)
SIGNS = (*(encode_float("fsgnj.d", rd=T1, rs1=T2, rs2=T2),) * 3, encode("ebreak"))
"""The float instruction of the shortest micro-run, in an almost empty memory."""
SIGN_TRUTH = run(SIGNS)
SIGN_LIE = replace(
    SIGN_TRUTH,
    claimed=replace(SIGN_TRUTH.claimed, code=1),
    hashes=(SIGN_TRUTH.hashes[0], *map(keccak256, SIGN_TRUTH.hashes[1:])),
)
Call = tuple[str, bytes, int]


@dataclass(slots=True)
class Cheap:
    """An arena of the fewest hashes to a split, and a contract that makes many moves at once."""

    arena: Arena = field(default_factory=lambda: Arena(RULES.but(arity=2)))
    batcher: EvmContract = field(init=False)
    relays: list[EvmContract] = field(default_factory=list[EvmContract])

    def __post_init__(self) -> None:
        self.batcher = deploy_caller(self.arena.evm, "Batcher")

    def spent(self, calls: list[Call]) -> list[int]:
        """The gas of each call, all in one transaction."""
        return list(self.batcher.transact("run", calls).result)

    def message(self, name: str, play: Play, *arguments: object) -> Call:
        """A move of a game, by its challenger."""
        disputes = self.arena.disputes
        message = message_of(disputes, name, play.game_id, astuple(play.game), *arguments)
        return self.call_by(play.challenger, message, 0)

    def call_by(self, challenger: str, message: bytes, value_wei: int) -> Call:
        """A call that the batcher makes, itself or through another contract."""
        disputes = self.arena.disputes.address
        if challenger == self.batcher.address:
            return disputes, message, value_wei
        relay = next(relay for relay in self.relays if relay.address == challenger)
        return challenger, message_of(relay, "relay", disputes, message, value_wei), 0

    def challenger(self) -> str:
        """A further contract that may challenge."""
        self.relays.append(deploy_caller(self.arena.evm, "Relay"))
        return self.relays[-1].address

    def opening(self, play: Play) -> Call:
        """The call that opens a game."""
        commitment = commitment_of(Address(play.challenger), play.state_hash, play.salt)
        arguments = (play.claim_id, astuple(play.batch.terms), play.proof(), commitment)
        return self.call_by(play.challenger, message_of(self.arena.disputes, "open", *arguments), BOND_WEI)

    def opened(self, batch: TakenBatch, asserted: Run, believed: Run, challengers: list[str]) -> list[Play]:
        """Games of these contracts on the first leaf of a batch, which has none yet."""
        example = self.arena.open(batch, asserted, believed)
        plays: list[Play] = []
        for number, challenger in enumerate(challengers):
            play = replace(example, challenger=challenger, game_id=example.game_id + number + 1)
            self.spent([self.opening(play)])
            commitment = commitment_of(Address(challenger), play.state_hash, play.salt)
            play.game = replace(example.game, challenger=Address(challenger), commitment=commitment)
            assert self.arena.disputes.call("games", play.game_id) == game_hash(play.game)
            plays.append(play)
        return plays

    def picks(self, play: Play) -> list[Call]:
        """All picks of a game at once. Its nodes are split if they are not yet."""
        calls: list[Call] = []
        while (interval := play.interval()).length > 1:
            if not play.is_split():
                play.split()
            part, start, end, siblings = play.pick_arguments()
            calls.append(self.message("pick", play, part, start, end, siblings))
            picked = interval.part(part, play.arity)
            play.game = replace(
                play.game,
                stage=games.stage_at(picked.length),
                low=picked.low,
                high=picked.high,
                low_hash=Bytes32(start),
                high_hash=Bytes32(end),
                gas_units=play.game.gas_units + games.PICK_GAS,
            )
        return calls


@pytest.fixture
def cheap() -> Cheap:
    return Cheap()


def test_open(cheap: Cheap) -> None:
    """Many games on one claim, by contracts that are there already."""
    batch = cheap.arena.claim_runs(LIE)
    play = Play(arena=cheap.arena, batch=batch, asserted=LIE, believed=TRUTH, challenger="")
    calls = [cheap.opening(replace(play, challenger=cheap.challenger())) for _ in range(8)]
    assert min(cheap.spent(calls)) > games.OPEN_GAS


def test_pick(cheap: Cheap) -> None:
    """All picks of two games, the second over splits that the first has looked at."""
    batch = cheap.arena.claim_runs(LIE)
    plays = cheap.opened(batch, LIE, TRUTH, [cheap.challenger(), cheap.batcher.address])
    calls = [call for play in plays for call in cheap.picks(play)]
    assert len(calls) > 8
    assert min(cheap.spent(calls)) > games.PICK_GAS


def test_step(cheap: Cheap) -> None:
    """Several leaves of one batch are struck at once."""
    arena = cheap.arena
    runs = [falsified_run(SUM, shard) for shard in range(4)]
    batch = arena.take((arena.post_runs(), 0, 4), operator=LIAR)
    arena.claim(batch, [leaf_of(one) for one in runs], sender=LIAR)
    calls: list[Call] = []
    for shard, made in enumerate(runs):
        play = arena.open(batch, made, run(SUM, shard), leaf_index=shard)
        play.to_last_step()
        play.challenger = cheap.batcher.address  # anybody may step
        calls.append(cheap.message("step", play, play.witness()))
    assert min(cheap.spent(calls)) > games.STEP_GAS


def test_descend(cheap: Cheap) -> None:
    """Together with the picks before it, so that the game's word is paid for already; the second time."""
    batch = cheap.arena.claim_runs(SIGN_LIE, job=cheap.arena.post_runs(SIGNS))
    plays = cheap.opened(batch, SIGN_LIE, SIGN_TRUTH, [cheap.challenger(), cheap.batcher.address])
    calls: list[Call] = []
    for play in plays:
        calls += cheap.picks(play)
        calls.append(cheap.message("descend", play, play.witness()))
    each = len(calls) // 2
    assert min(cheap.spent(calls)[each - 1 :: each]) > games.DESCEND_GAS


def test_units_are_the_model_s() -> None:
    source = (CONTRACTS_FOLDER / "modules" / "move_gas.vy").read_text("utf-8")
    found = dict(re.findall(r"^(\w+_GAS): constant\(uint256\) = ([\d_]+)$", source, re.MULTILINE))
    assert {name: int(units) for name, units in found.items()} == {
        name: getattr(games, name) for name in ("OPEN_GAS", "PICK_GAS", "STEP_GAS", "DESCEND_GAS")
    }
