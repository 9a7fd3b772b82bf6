"""Jobs, programs and games as nodes and clients see them."""

from dataclasses import replace

from truestep.base.errors import Bug
from truestep.base.ids import GameId, JobId, ProgramId
from truestep.protocol import records
from truestep.protocol.records import GameRecord, GameStage, JobRecord, ProgramRecord
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes as contract
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome
from truestep.protocol.settlement.facts.records import Facts, KnownJob
from truestep.protocol.settlement.facts.rehearsal import split_of_game
from truestep.protocol.settlement.facts.views import GameView, game_view
from truestep.protocol.settlement.jobs import slot_level_of, source_of
from truestep.protocol.settlement.parameters import Parameters, whole_minutes
from truestep.protocol.settlement.records import JobTerms, Work
from truestep.protocol.settlement.tasks.ids import leaf_game_of

_STAGES = {
    contract.GameStage.STEP_DUE: GameStage.STEP_DUE,
    contract.GameStage.REVEAL_DUE: GameStage.REVEAL_DUE,
    contract.GameStage.CLOSED: GameStage.CLOSED,
    contract.GameStage.SHOWN: GameStage.CLOSED,
}
_OUTCOMES = {
    GameOutcome.DEFENDER_WON: GameStage.OPERATOR_WON,
    GameOutcome.CHALLENGER_WON: GameStage.CHALLENGER_WON,
    GameOutcome.CLAIM_FELL: GameStage.CLAIM_FELL,
}


def rules_of(facts: Facts, work: Work, terms: JobTerms) -> records.Parameters:
    """The rules of a job: those of its set, with its own window and bond."""
    rules = facts.parameters[terms.parameters_id - 1]
    return replace(
        job_rules(rules, terms.window_seconds, terms.bond_multiple),
        parameters_id=terms.parameters_id,
        least_window_seconds=whole_minutes(rules.window_for(work.max_cycles)),
    )


def newest_rules(facts: Facts) -> records.Parameters:
    """The rules of jobs that are posted now, with the least window and bond."""
    if not facts.parameters:
        raise Bug("expected the events of Parameters to have been read")
    rules = facts.parameters[-1]
    return replace(job_rules(rules, rules.window_for(0)), parameters_id=len(facts.parameters))


def job_rules(rules: Parameters, window_seconds: int, bond_multiple: int = 1) -> records.Parameters:
    """The rules of a job that is bound to a set of parameters."""
    return records.Parameters(
        operator_bond_wei=rules.operator_bond_wei * bond_multiple,
        bond_multiple=bond_multiple,
        challenger_bond_wei=rules.challenger_bond_wei,
        window_seconds=window_seconds,
        clock_seconds=rules.clock_seconds,
        rescue_seconds=rules.rescue_seconds,
        lease_penalty_bps=rules.lease_penalty_bps,
        release_penalty_bps=rules.release_penalty_bps,
        winner_share_bps=rules.winner_share_bps,
        gas_price_cap_wei=rules.gas_price_cap_wei,
        arity=rules.arity,
    )


def source_in(terms: JobTerms) -> JobId | None:
    """The job that a job reduces."""
    return source_of(terms.reducer_of) if terms.reducer_of else None


def program_record(facts: Facts, program_id: ProgramId) -> ProgramRecord | None:
    """A program; None if there is none of this number."""
    if not 0 < program_id <= len(facts.programs):
        return None
    program = facts.programs[program_id - 1]
    return ProgramRecord(
        program_id=program_id,
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=program.max_cycles,
        digest=program.digest,
        owner=program.owner,
        uri=facts.program_uris[program_id - 1],
    )


def job_record(facts: Facts, job_id: JobId) -> JobRecord | None:
    """A job that is not over; None for others."""
    known = facts.jobs.get(job_id)
    return known_job_record(facts, job_id, known) if known is not None else None


def known_job_record(facts: Facts, job_id: JobId, known: KnownJob) -> JobRecord:
    """A job as it stands."""
    job = known.job
    return JobRecord(
        job_id=job_id,
        program_id=known.program_id,
        input_root=job.work.input_root,
        input_size=job.work.input_size,
        input_uri=known.input_uri,
        seed=job.work.seed,
        shard_count=job.work.shard_count,
        reward=job.reward,
        asset=job.terms.asset,
        lease_seconds=job.terms.lease_seconds,
        deadline=job.deadline,
        max_cycles=job.work.max_cycles,
        requester=job.terms.requester,
        policy=job.terms.policy,
        parameters=rules_of(facts, job.work, job.terms),
        reducer_of=source_in(job.terms),
        slot_level=slot_level_of(job.terms.reducer_of),
        is_ready=job.is_ready,
    )


def game_record(facts: Facts, game_id: GameId, now: int) -> GameRecord | None:
    """A game at the second `now`; None for one that is over, or was never opened."""
    leaf_game_id = leaf_game_of(facts, game_id)
    game = facts.games.get(leaf_game_id) if leaf_game_id is not None else None
    if leaf_game_id is None or game is None:
        return None
    view, split = game_view(facts, leaf_game_id, now), split_of_game(facts, leaf_game_id, game)
    return GameRecord(
        game_id=game_id,
        stage=_stage(game, view, has_split=split is not None),
        operator=game.defender,
        challenger=game.challenger,
        low=game.low,
        high=game.high,
        low_hash=game.low_hash,
        high_hash=game.high_hash,
        arity=games.arity_of(game),
        split_hashes=split.hashes if split is not None else (),
        last_second=view.last_second if view is not None else game.moved_at,
        rescue_end=view.rescue_end if view is not None else None,
    )


def _stage(game: Game, view: GameView | None, *, has_split: bool) -> GameStage:
    if view is not None and view.outcome in _OUTCOMES:
        return _OUTCOMES[view.outcome]
    if game.stage == contract.GameStage.ON_NODE:
        return GameStage.CHALLENGER_TURN if has_split else GameStage.OPERATOR_TURN
    return _STAGES[contract.GameStage(game.stage)]
