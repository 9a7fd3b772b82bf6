"""One false claim from its job to the rewards of those who disputed it: every call by a builder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.contracts.runs import Run, program_of, run
from tests.protocol.settlement.facts import beliefs
from tests.protocol.settlement.facts.players import SALT, Players
from tests.protocol.settlement.scene import STAKE_WEI
from tests.protocol.settlement.world import DELEGATES, KEEPER, OPERATORS, REQUESTERS
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId
from truestep.protocol.bisection import first_disagreement
from truestep.protocol.settlement.contracts.disputes import Descend, GameOutcome, GameStage, Step
from truestep.protocol.settlement.facts import batch_calls, game_calls, job_calls
from truestep.protocol.settlement.facts.batch_calls import Shards
from truestep.protocol.settlement.facts.due import Action, due
from truestep.protocol.settlement.facts.rehearsal import Answer, Ready
from truestep.protocol.settlement.facts.views import claim_view, game_view
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafGameId, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import Order
from truestep.protocol.state_numbers import run_number_of

Do = Callable[[Address, Answer], None]
LIAR, HONEST, _ = OPERATORS
FIRST, SECOND = KEEPER, DELEGATES[0]
FALSE_SHARD = 2
ORDER = Order(
    program_id=ProgramId(1),
    program_hash=Bytes32(bytes(32)),
    input_root=beliefs.INPUT_ROOT,
    input_size=len(beliefs.INPUT),
    input_uri="ipfs://input",
    seed=Bytes32(beliefs.SEED),
    shard_count=beliefs.SHARD_COUNT,
    reward=10**12,
    asset=NATIVE,
    lease_seconds=600,
    deadline=0,
    window_seconds=0,
    bond_multiple=2,
    policy=1,
    parameters_id=1,
    consumer=NOBODY,
    callback_gas=0,
    reducer_of=0,
)


def play_whole_dispute(players: Players, words: tuple[int, ...], lie: Run) -> list[str]:
    """What was done, call by call. LIAR's claim of one shard falls, and HONEST does it again."""
    done: list[str] = []

    def do(account: Address, answer: Answer) -> None:
        assert isinstance(answer, Ready), answer
        done.append(type(answer.call).__name__)
        players.do(done[-1], account, answer, is_sure=True)

    _claim_all(players, do, words, lie)
    claim_id = claim_of(BatchId(1), FALSE_SHARD)
    view = claim_view(players.facts, claim_id)
    assert view is not None
    assert view.state == lie.claimed
    assert view.state_hash == lie.claimed.state_hash()
    truth = run(words, FALSE_SHARD)
    for account in (FIRST, SECOND):
        known = truth.claimed.state_hash()
        do(account, game_calls.open_game(players.facts, players.caller(account), claim_id, known, SALT))
    games = sorted(players.facts.games)
    while game_view(players.facts, games[0], players.now) is not None:
        do(*_move(players, games[0], lie, truth))
    do(KEEPER, game_calls.settle(players.facts, players.caller(KEEPER), games[1]))
    salt, state_hash = SALT, truth.claimed.state_hash()
    for account, game_id in zip((FIRST, SECOND), games, strict=True):
        do(account, game_calls.show(players.facts, players.caller(account), game_id, state_hash, salt))
    _do_again(players, do, truth)
    for game_id in games:
        do(KEEPER, game_calls.reward(players.facts, players.caller(KEEPER), game_id))
    for account in (FIRST, SECOND):
        do(account, game_calls.withdraw_bonds(players.facts, players.caller(account), account))
    assert not players.facts.games
    assert not players.facts.disputes
    return done


def _claim_all(players: Players, do: Do, words: tuple[int, ...], lie: Run) -> None:
    """Up to a claim of all shards of a job, one of them false."""
    owner = REQUESTERS[0]
    program = beliefs.registration(program_of(words).root())
    do(owner, job_calls.register(players.facts, players.caller(owner), program))
    names = program_hash(players.facts.programs[0])
    order = replace(ORDER, program_hash=names, deadline=players.now + 86_400)
    do(owner, job_calls.post(players.facts, players.caller(owner), order))
    for operator in (LIAR, HONEST):
        do(KEEPER, job_calls.deposit_for(players.facts, players.caller(KEEPER), operator, STAKE_WEI // 10**6))
    everything = [Shards(job_id=JobId(1), first_shard=0, count=beliefs.SHARD_COUNT)]
    do(LIAR, batch_calls.take(players.facts, players.caller(LIAR), LIAR, everything))
    said = [lie if shard == FALSE_SHARD else run(words, shard) for shard in range(beliefs.SHARD_COUNT)]
    states = [made.claimed for made in said]
    do(LIAR, batch_calls.claim(players.facts, players.caller(LIAR), BatchId(1), states))


def _do_again(players: Players, do: Do, truth: Run) -> None:
    """HONEST takes the shard that is free again, and all that was claimed becomes final."""
    again = [Shards(job_id=JobId(1), first_shard=FALSE_SHARD, count=1)]
    do(HONEST, batch_calls.take(players.facts, players.caller(HONEST), HONEST, again))
    do(HONEST, batch_calls.claim(players.facts, players.caller(HONEST), BatchId(2), [truth.claimed]))
    players.now = players.facts.batches[BatchId(2)].batch.until + 1
    for batch_id in (BatchId(1), BatchId(2)):
        do(KEEPER, batch_calls.finalize(players.facts, players.caller(KEEPER), batch_id))


def _move(players: Players, game_id: LeafGameId, lie: Run, truth: Run) -> tuple[Address, Answer]:
    """The move that is due in a game, by whom it is due."""
    players.now += 1
    view, facts = game_view(players.facts, game_id, players.now), players.facts
    assert view is not None
    assert view.outcome is GameOutcome.UNDECIDED
    account = view.game.defender if view.is_defender_due else view.game.challenger
    (each,) = [each for each in due(facts, account, players.now) if each.subject == game_id]
    assert each.last_second == view.last_second
    caller = players.caller(account)
    match each.action:
        case Action.SPLIT:
            inner = [Bytes32(lie.hash_at(number)) for number in view.numbers[1:-1]]
            return account, game_calls.split(facts, caller, game_id, inner)
        case Action.PICK:
            own: Sequence[bytes] = [truth.hash_at(number) for number in view.numbers]
            assert view.hashes is not None
            part = first_disagreement(view.hashes, own)
            return account, game_calls.pick(facts, caller, game_id, part)
        case Action.REVEAL:
            index = run_number_of(view.game.low)
            shown, after = lie.micro_run_at(index), lie.states[index + 1].pack()
            root, cycles = Bytes32(shown.memory_root), shown.cycles
            answer = game_calls.reveal(facts, caller, game_id, after=after, cycles=cycles, memory_root=root)
            return account, answer
        case _:
            assert view.game.stage == GameStage.STEP_DUE
            witness = truth.witness_at(view.game.low)
            answer = game_calls.step(facts, caller, game_id, witness)
            if not isinstance(answer, Ready):
                answer = game_calls.descend(facts, caller, game_id, witness)
            assert isinstance(answer, Ready)
            assert isinstance(answer.call, Step | Descend)
            return account, answer
