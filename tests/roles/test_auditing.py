"""What claimants and auditors decide, played on the pure model until an audit is over (docs/audits.md)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, get_args

from tests.protocol.audits.scene import CLAIMANT, EVERY, FIRST, SECOND, AuditScene
from tests.protocol.audits.world import AUDITS, AUDITS_POLICY, EXIT_SECONDS, SORTITION
from tests.protocol.settlement.facts.chains import log_at
from tests.roles.views import claimed_view
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.protocol import audit_calls as calls
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Ending, Failure
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts.operators import StandingEvent
from truestep.protocol.settlement.contracts.parameters import Added
from truestep.protocol.settlement.contracts.programs import Registered
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.judging import with_policies
from truestep.protocol.settlement.facts.records import Facts, KnownDispute
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.facts.views import claim_view
from truestep.protocol.settlement.games import ChallengedClaim
from truestep.protocol.settlement.ids import LeafId, claim_of
from truestep.protocol.settlement.tasks.audit_calls import BUILDERS
from truestep.roles import auditing
from truestep.roles.actions import Action, ComputeHashes, Fetch, Send
from truestep.roles.views import Material, MaterialStage, TaskView


class Hashes(dict[int, Bytes32]):
    """The state hashes of a run that nobody has computed."""

    def __init__(self, name: bytes, ends: dict[int, Bytes32]) -> None:
        super().__init__(ends)
        self.name = name

    def __contains__(self, number: object) -> bool:
        return True

    def __missing__(self, number: int) -> Bytes32:
        return keccak256(self.name + encode(number))


@dataclass(slots=True)
class Node:
    """One operator, and how its runs go."""

    operator: Address
    name: bytes = b"run"
    is_auditor: bool = True
    is_awake: bool = True
    knows_hashes: bool = True
    material: MaterialStage = MaterialStage.READY
    ends: dict[int, Bytes32] = field(default_factory=dict[int, Bytes32])


class Play:
    """A scene whose events make the facts by which nodes decide."""

    def __init__(self) -> None:
        self.scene = AuditScene(rules=replace(EVERY, trap_bps=5_000, penalty_factor=4))
        rules = self.scene.rules
        auditing_ = Auditing(
            policy=AUDITS_POLICY, audits=AUDITS, sortition=SORTITION, rules=rules, exit_seconds=EXIT_SECONDS
        )
        bare = replace(self.scene.world.state.deployment, policies=POLICIES)
        self.facts = Facts(deployment=with_policies(bare, None, None, None, auditing_), auditing=auditing_)
        self.block, self.told = 0, list[Any]()
        (parameters,) = self.scene.world.state.parameters
        self.read((Added(parameters_id=1, parameters=parameters),))
        (program,) = self.scene.world.state.programs
        registered = Registered(
            program_id=1,  # type: ignore[arg-type]
            owner=program.owner,
            image_root=program.image_root,
            entry=program.entry,
            max_cycles=program.max_cycles,
            workload=program.workload,
            digest=program.digest,
            uri="",
        )
        self.read((registered,))
        self._wrap()

    def _wrap(self) -> None:
        """The facts follow whatever the scene sends."""
        sent = self.scene.world.play

        def play(step: Any) -> Any:
            outcome = sent(step)
            self.read(outcome.effects)
            return outcome

        self.scene.world = _Followed(self.scene.world, play)  # type: ignore[assignment]

    def read(self, effects: tuple[object, ...]) -> None:
        self.block += 1
        silent = (Transfer, *get_args(StandingEvent))
        events: list[Any] = [each for each in effects if not isinstance(each, silent)]
        self.told += events
        logs = [log_at(self.block, index, each, self.scene.now) for index, each in enumerate(events)]
        self.facts = fold(self.facts, logs)

    def decide(self, node: Node) -> list[Action]:
        view = auditing.AuditingView(
            now=self.scene.now,
            operator=node.operator,
            facts=self.facts,
            secret=node.operator.encode(),
            is_auditor=node.is_auditor,
            can_draw=lambda since: since <= self.scene.world.sealed_since,
            tasks=[self._task(task_id, node) for task_id in auditing.own_tasks(self.facts, node.operator)],
        )
        return auditing.decide(view)

    def _task(self, task_id: TaskId, node: Node) -> TaskView:
        view = claim_view(self.facts, LeafId(self.facts.batch_count << 8))
        ends = dict(node.ends)
        if view is not None and view.state is not None and not ends:
            ends = {view.leaf.cycle: view.state.state_hash()}
        hashes = Hashes(node.name, ends) if node.knows_hashes else {}
        found = claimed_view()
        material = Material(stage=node.material)
        return replace(found, task=replace(found.task, task_id=task_id), hashes=hashes, material=material)

    def turn(self, *nodes: Node) -> list[Action]:
        """All do what they want; what they have decided."""
        decided: list[Action] = []
        for node in nodes:
            for action in self.decide(node) if node.is_awake else []:
                decided.append(action)
                if isinstance(action, Send):
                    caller = Caller(account=node.operator, now=self.scene.now)
                    answer = BUILDERS[type(action.call)](self.facts, caller, action.call)
                    assert isinstance(answer, Ready), f"{action}: {answer}"
                    self.scene.send(node.operator, answer.call)
        return decided

    def until_ended(self, *nodes: Node) -> audits.Ended:
        """Rounds come and time passes until the audit has ended."""
        for _ in range(30):
            self.scene.new_round()
            if not self.turn(*nodes):
                self.scene.now += 61
            ended = [each for each in self.told if isinstance(each, audits.Ended)]
            if ended:
                return ended[0]
        raise AssertionError("the audit never ended")

    def failures(self) -> list[tuple[Address, int]]:
        return [(each.auditor, each.reason) for each in self.told if isinstance(each, audits.Failed)]


class _Followed:
    """A world whose steps somebody follows."""

    def __init__(self, world: Any, play: Any) -> None:
        self.__dict__["_world"], self.__dict__["play"] = world, play

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._world, name, value)


def started() -> tuple[Play, LeafId]:
    play = Play()
    batch_id = _claimed_by_node(play)
    return play, claim_of(batch_id, 0)


def _claimed_by_node(play: Play) -> BatchId:
    """A batch that the claimant's node prepares between take and claim."""
    scene, secret = play.scene, CLAIMANT.encode()
    traps = auditing._traps
    return scene.claimed(root_of=lambda batch_id: Bytes32(traps(secret, batch_id)[-1][0]))


def test_a_batch_is_prepared_before_it_is_claimed() -> None:
    play, _ = started()
    assert not auditing.is_claim_held_back(play.facts, BatchId(1))
    unprepared = Play()
    unprepared.scene.claimed(is_prepared=False)
    assert auditing.is_claim_held_back(unprepared.facts, BatchId(1))
    (drop,) = [each for each in unprepared.decide(Node(FIRST)) if isinstance(each, Send)]
    assert isinstance(drop.call, calls.DropUnaudited)
    assert not unprepared.decide(Node(CLAIMANT, is_auditor=False))


def test_claimant_and_auditor_confirm_a_true_claim_by_themselves() -> None:
    play, _ = started()
    ended = play.until_ended(Node(CLAIMANT, is_auditor=False), Node(FIRST))
    assert (ended.outcome, ended.auditor) == (Ending.CONFIRMED, FIRST)
    kinds = {type(each) for each in play.told}
    assert {audits.Published, audits.Committed, audits.Stated, audits.Revealed} <= kinds
    assert play.failures() == []


def test_hashes_that_are_missing_are_computed_once_and_nothing_is_said_before() -> None:
    play, claim_id = started()
    play.scene.new_round()
    claimant = Node(CLAIMANT, is_auditor=False)
    for _ in range(2):
        play.turn(claimant)
    auditor = Node(play.facts.audits[claim_id].auditor, knows_hashes=False)
    (compute,) = play.decide(auditor)
    assert isinstance(compute, ComputeHashes) and len(compute.cycles) == 9


def test_a_claimant_that_a_restart_has_left_without_program_and_input_fetches_them() -> None:
    """Work without them is never begun: it would say nothing in its audit, and its true claim be struck."""
    play, _ = started()
    play.scene.new_round()
    for _ in range(2):
        play.turn(Node(CLAIMANT, is_auditor=False))
    restarted = Node(CLAIMANT, is_auditor=False, knows_hashes=False, material=MaterialStage.MISSING)
    (fetch,) = play.decide(restarted)
    assert isinstance(fetch, Fetch)
    assert not play.decide(replace(restarted, material=MaterialStage.FETCHING))
    (compute,) = play.decide(replace(restarted, material=MaterialStage.READY))
    assert isinstance(compute, ComputeHashes)


def test_an_auditor_that_finds_another_end_says_nothing_in_the_audit() -> None:
    play, claim_id = started()
    play.scene.new_round()
    for _ in range(2):
        play.turn(Node(CLAIMANT, is_auditor=False))
    auditor = Node(play.facts.audits[claim_id].auditor, ends={10**6: keccak256(b"another end")})
    assert play.decide(auditor) == []


def test_nobody_is_dismissed_while_a_game_decides() -> None:
    """The chain would refuse it: the auditor may be the one that plays."""
    play, claim_id = started()
    play.scene.new_round()
    for _ in range(2):
        play.turn(Node(CLAIMANT, is_auditor=False))
    play.scene.now = play.scene.audit(claim_id).time + 1
    node = Node(operator=SECOND)
    (sent,) = [each for each in play.decide(node) if isinstance(each, Send)]
    assert isinstance(sent.call, calls.DismissAuditor)
    game = KnownDispute(task_id=TaskId(1), claim=ChallengedClaim(open_count=1))
    play.facts = replace(play.facts, disputes={claim_id: game})
    assert play.decide(node) == []


def test_an_auditor_that_sleeps_pays_and_another_one_confirms() -> None:
    play, _ = started()
    ended = play.until_ended(Node(CLAIMANT, is_auditor=False), Node(FIRST, is_awake=False), Node(SECOND))
    assert ended.auditor == SECOND
    assert play.failures() == [(FIRST, Failure.ABSENT)]


def test_an_auditor_that_makes_its_checkpoints_up_stands_alone() -> None:
    play, _ = started()
    ended = play.until_ended(Node(CLAIMANT, is_auditor=False), Node(FIRST, name=b"made up"), Node(SECOND))
    assert ended.auditor == SECOND
    assert play.failures() == [(FIRST, Failure.ALONE)]


def test_a_claimant_that_sleeps_loses_its_claim() -> None:
    play, claim_id = started()
    ended = play.until_ended(Node(CLAIMANT, is_awake=False), Node(FIRST), Node(SECOND))
    assert ended.outcome == Ending.CLAIMANT_FAILED
    assert claim_id not in play.facts.audits
    assert play.scene.owed(FIRST) == play.scene.fee_wei


def test_an_audit_that_nobody_can_draw_is_closed() -> None:
    play, claim_id = started()
    play.scene.new_round()
    play.scene.draw(BatchId(1))
    play.scene.now += 10_000
    (close,) = play.turn(Node(CLAIMANT, is_auditor=False))
    assert isinstance(close, Send) and isinstance(close.call, calls.CloseAudit)
    assert play.facts.audited[BatchId(1)].pending == 0
    assert play.facts.audits.get(claim_id) is None
