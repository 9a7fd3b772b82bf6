"""What auditors earn that run, idle, make up or copy: claim after claim on the model (audits U6.3)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from truestep.base import ids
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.audits.audits import apply_audits
from truestep.protocol.audits.contracts import audits as contract
from truestep.protocol.audits.contracts.audits import Rules, Seat, Stage
from truestep.protocol.audits.policy import audits_policy
from truestep.protocol.audits.rules import audit_fee_wei
from truestep.protocol.audits.state import Audit, Audits, Links
from truestep.protocol.audits.statements import (
    TRAPS_DEPTH,
    bait_of,
    commitment_of,
    is_trap,
    trap_path,
    traps_levels,
)
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts import jobs, operators, programs
from truestep.protocol.settlement.facts.leaves import leaf_of_state, words_of
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafId, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS, Parameters
from truestep.protocol.settlement.records import Order
from truestep.protocol.settlement.state import Turn
from truestep.protocol.settlement.trees import tasks_root
from truestep.simulation.economy.acting import items_for, leaf_proof
from truestep.simulation.economy.assumptions import COIN, Assumptions
from truestep.simulation.economy.chain import Chain, account, deployment_of
from truestep.simulation.economy.runs import Run

POLICY = 5
AUDITS, SORTITION = account(111), account(112)
CLAIMANT, REQUESTER, HONEST_AUDITOR, AUDITOR = account(601), account(602), account(603), account(604)
PLEDGE_WEI = 10**6 * COIN
"""So that nothing is seized by half."""
CALL_GAS = 90_000
"""Of each call of an audit, rounded up."""
LEASE_SECONDS = 3_600
CLAIMS_LIMIT = 10**5


class Manner(StrEnum):
    """How an auditor works."""

    RUNNING = "runs what it audits"
    ABSENT = "says nothing"
    MAKING_UP = "commits to something made up"
    COPYING = "copies what the claimant has published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What one manner brings."""

    manner: str
    audits: int
    fee_wei: int
    mean_profit_wei: int
    """Of one audit: fees less what was seized, computing and gas. A copier's are weighted by trap_bps."""
    failures: int
    loss_wei: int
    """Of one audit."""
    gain_wei: int
    loss_over_gain: float | None
    """What was seized and paid for gas, over the fees and the runs that were spared; None of honest ones."""


def usual_rules(assumed: Assumptions) -> Rules:
    """Rules that pay an honest auditor its run and its calls at twice their usual price."""
    costs_wei = 2 * (3 * CALL_GAS * assumed.gas_price_wei)
    return Rules(
        pool=0,
        rate_bps=BPS,
        trap_bps=1_000,
        fee_wei=costs_wei,
        cycle_fee_wei=2 * 10**9 * assumed.cycle_price_wei,
        penalty_factor=30,
        answer_seconds=3_600,
        draw_seconds=DAY_SECONDS // 2,
        load=4,
    )


class Court:
    """Claims of an honest claimant that publishes what it will state; one auditor of a manner.

    Every claim is drawn, so that less is computed: what one audit brings does not depend on it.
    """

    def __init__(
        self,
        rules: Parameters,
        assumed: Assumptions,
        seed: int,
        manner: Manner,
        audit_rules: Rules | None = None,
    ) -> None:
        self.assumed, self.seed, self.manner = assumed, seed, manner
        self.max_cycles = assumed.task_cycles
        by = audit_rules or usual_rules(assumed)
        self.audits = Audits(rules=replace(by, rate_bps=BPS))
        self.links = Links(
            audits=AUDITS,
            sortition=SORTITION,
            round_seed=lambda since, now: keccak256(f"{seed} {since} {now}".encode()),
            select=self._select,
            pledge_of=lambda pool, operator: PLEDGE_WEI,
            seizable=lambda operator: PLEDGE_WEI,
            exit_seconds=60 * DAY_SECONDS,
        )
        policies = {**POLICIES, POLICY: audits_policy(lambda: self.audits, self.links)}
        self.chain = Chain(
            rules=rules,
            gas_price_wei=assumed.gas_price_wei,
            deployment=replace(deployment_of(), policies=policies),
        )
        self.seized_wei: Counter[Address] = Counter()
        self.calls: Counter[Address] = Counter()
        self.appointed: Counter[Address] = Counter()
        self.failures: Counter[Address] = Counter()
        self.runs = 0
        self._said: dict[tuple[LeafId, int], Bytes32] = {}
        """What each seat has committed to."""
        self._published: dict[LeafId, Bytes32] = {}
        """The digests of what the claimant has published, which it must state (U6.1)."""

    def _select(self, pool: int, drawn: Bytes32, excluded: tuple[Address, ...]) -> Address | None:
        """The auditor in question first; whoever decides a contest is honest."""
        free = [name for name in (AUDITOR, HONEST_AUDITOR) if name not in excluded]
        return free[0] if free else None

    def hear(self, audits: int) -> Audited:
        """Claims until so many were audited."""
        self._begin()
        for number in range(CLAIMS_LIMIT):
            if self.appointed[AUDITOR] >= audits:
                break
            self._claim(number)
        count, failed = self.appointed[AUDITOR], self.failures[AUDITOR]
        fails = self.audits.rules.trap_bps / BPS if self._is_by_chance(failed) else failed / max(count, 1)
        seized_wei = fails * self.seized_wei[AUDITOR] / max(failed, 1)
        paid_wei = (1 - fails) * self.audits.credits.get(AUDITOR, 0) / max(count - failed, 1)
        gas_wei = self.calls[AUDITOR] * CALL_GAS * self.assumed.gas_price_wei / max(count, 1)
        cycles_wei = self.max_cycles * self.assumed.cycle_price_wei
        runs = self.runs / max(count, 1)
        loss_wei, gain_wei = seized_wei + gas_wei, paid_wei + (1 - runs) * cycles_wei
        return Audited(
            manner=self.manner,
            audits=count,
            fee_wei=audit_fee_wei(self.audits.rules, self.max_cycles),
            mean_profit_wei=round(paid_wei - loss_wei - runs * cycles_wei),
            failures=failed,
            loss_wei=round(loss_wei),
            gain_wei=round(gain_wei),
            loss_over_gain=round(loss_wei / gain_wei, 3) if runs < 1 and gain_wei else None,
        )

    def _is_by_chance(self, failed: int) -> bool:
        """Whether only forced errors decide who fails: then their rate is known, and need not be counted."""
        return self.manner is Manner.COPYING and failed > 0

    # --- one claim ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        register = programs.Register(
            image_root=keccak256(b"program"), entry=0, max_cycles=self.max_cycles, workload=1,
            digest=keccak256(b"digest"), uri="",
        )  # fmt: skip
        self.chain.send(REQUESTER, register)
        self.chain.send(CLAIMANT, operators.DepositFor(operator=CLAIMANT), PLEDGE_WEI)

    def _claim(self, number: int) -> None:
        chain = self.chain
        batch_id = self._claimed(number)
        claim_id, batch = claim_of(batch_id, 0), chain.life.batches[batch_id]
        chain.now += 60
        self._audit(CLAIMANT, contract.Draw(batch_id=batch_id, terms=batch.terms))
        if self.audits.batches[batch_id].pending:
            self._hear(batch_id, claim_id)
        chain.now = max(chain.now, batch.until) + DAY_SECONDS
        chain.send(CLAIMANT, jobs.Finalize(batch_id=batch_id, terms=batch.terms, items=batch.items))

    def _claimed(self, number: int) -> BatchId:
        chain = self.chain
        order = Order(
            program_id=ids.ProgramId(1), program_hash=program_hash(chain.life.programs[0]),
            input_root=Bytes32(bytes(32)), input_size=0, input_uri="",
            seed=Bytes32(number.to_bytes(32, "big")), shard_count=1, reward=0, asset=NATIVE,
            lease_seconds=LEASE_SECONDS, deadline=chain.now + DAY_SECONDS, window_seconds=0,
            bond_multiple=1, policy=POLICY,
            parameters_id=1, consumer=NOBODY, callback_gas=0, reducer_of=0,
        )  # fmt: skip
        chain.send(REQUESTER, jobs.Post(order=order))
        job_id = ids.JobId(chain.life.job_count)
        job, task_id = chain.life.jobs[job_id], ids.task_of(job_id, 0)
        fund = contract.Fund(job_id=job_id, work=job.work, terms=job.terms)
        self._audit(REQUESTER, fund, audit_fee_wei(self.audits.rules, self.max_cycles))
        items = tuple(item.pack() for item in items_for((task_id,)))
        root = tasks_root([(items[0], job.digest)])
        take = jobs.Take(operator=CLAIMANT, items=items, tasks_root=root, min_reward=0, min_until=0)
        chain.send(CLAIMANT, take)
        batch_id = BatchId(chain.life.batch_count)
        traps = Bytes32(traps_levels(self._salts(batch_id))[-1][0])
        terms = chain.life.batches[batch_id].terms
        self._audit(CLAIMANT, contract.Prepare(batch_id=batch_id, terms=terms, traps=traps))
        run = Run(task_id=task_id, work=job.work, cycles=self.max_cycles, lie_at=self.max_cycles)
        words = words_of([leaf_of_state(run.stated)])
        terms = chain.life.batches[batch_id].terms
        chain.send(CLAIMANT, jobs.Claim(batch_id=batch_id, terms=terms, leaves=words))
        return batch_id

    def _salts(self, batch_id: BatchId) -> list[Bytes32]:
        return [keccak256(f"{self.seed} {batch_id} {place}".encode()) for place in range(2**TRAPS_DEPTH)]

    def _audit(self, sender: Address, call: contract.Call, value_wei: int = 0) -> None:
        """One call of Audits; a refusal is an error of the simulation."""
        chain = self.chain
        message = Message(sender=sender, now=chain.now, call=call, value_wei=value_wei)
        life = Turn(state=chain.life, message=message, held=lambda batch_id: 0)
        self.audits, chain.life, effects, seized = apply_audits(self.audits, life, self.links)
        self.calls[sender] += 1
        self._count(effects, seized)

    def _count(self, effects: tuple[object, ...], seized: Mapping[Address, int]) -> None:
        for effect in effects:
            if isinstance(effect, contract.Appointed):
                self.appointed[effect.auditor] += 1
            elif isinstance(effect, contract.Failed):
                self.failures[effect.auditor] += 1
        self.seized_wei.update(seized)

    # --- one audit ----------------------------------------------------------------------------------

    def _hear(self, batch_id: BatchId, claim_id: LeafId) -> None:
        """From the appointment to the end, with a panel if there is no agreement."""
        while self.audits.batches[batch_id].pending:
            self.chain.now += 60
            audit = self.audits.audits.get(claim_id, Audit())
            match audit.stage:
                case Stage.NONE | Stage.VACANT | Stage.CONTESTED:
                    terms, proof = self.chain.life.batches[batch_id].terms, leaf_proof(self.chain, claim_id)
                    self._audit(CLAIMANT, contract.Appoint(claim_id=claim_id, terms=terms, proof=proof))
                case Stage.COMMIT:
                    self._commit_first(batch_id, claim_id, audit)
                case Stage.STATE:
                    self._state(batch_id, claim_id)
                case Stage.REVEAL:
                    self._reveal(claim_id, audit.auditor, Seat.FIRST)
                case _:
                    self._panel(batch_id, claim_id, audit)

    def _digest(self, claim_id: LeafId) -> Bytes32:
        """What everybody finds that runs the task for the seats that there are now."""
        seats = self.audits.audits[claim_id].seats
        return keccak256(f"digest {claim_id} {seats}".encode())

    def _statement(self, batch_id: BatchId, claim_id: LeafId) -> Bytes32:
        salt, kept = self._salts(batch_id)[0], self.audits.batches[batch_id]
        digest = self._digest(claim_id)
        has_error = kept.seed is not None and is_trap(salt, kept.seed, self.audits.rules.trap_bps)
        return bait_of(digest, salt) if has_error else digest

    def _said_by(self, auditor: Address, batch_id: BatchId, claim_id: LeafId) -> Bytes32 | None:
        """What an auditor answers; None of one that says nothing."""
        manner = self.manner if auditor == AUDITOR else Manner.RUNNING
        is_panel = self.audits.audits[claim_id].stage is Stage.PANEL_COMMIT
        if manner is Manner.RUNNING:
            self.runs += auditor == AUDITOR
            return self._digest(claim_id)
        if manner is Manner.COPYING and not is_panel:
            return self._statement(batch_id, claim_id)
        return None if manner is Manner.ABSENT else keccak256(b"made up")

    def _commit_first(self, batch_id: BatchId, claim_id: LeafId, audit: Audit) -> None:
        if audit.published is None:
            statement = self._statement(batch_id, claim_id)
            self._published[claim_id] = self._digest(claim_id)
            self._audit(CLAIMANT, contract.Publish(claim_id=claim_id, seed=audit.seed, statement=statement))
        said = self._said_by(audit.auditor, batch_id, claim_id)
        if said is None:
            self.chain.now = audit.time + 1
            self._audit(CLAIMANT, contract.Dismiss(claim_id=claim_id))
        else:
            self._commit(claim_id, audit.auditor, Seat.FIRST, said)

    def _commit(self, claim_id: LeafId, member: Address, seat: Seat, digest: Bytes32) -> None:
        self._said[claim_id, seat] = digest
        commitment = commitment_of(member, claim_id, digest, keccak256(member.encode()))
        seed = self.audits.audits[claim_id].seed
        self._audit(member, contract.Commit(claim_id=claim_id, seed=seed, seat=seat, commitment=commitment))

    def _state(self, batch_id: BatchId, claim_id: LeafId) -> None:
        salts = self._salts(batch_id)
        path = trap_path(traps_levels(salts), 0)
        seed = self.audits.audits[claim_id].seed
        call = contract.State(
            claim_id=claim_id, seed=seed, digest=self._published[claim_id], salt=salts[0], salt_path=path
        )
        self._audit(CLAIMANT, call)

    def _reveal(self, claim_id: LeafId, member: Address, seat: Seat) -> None:
        digest, salt = self._said[claim_id, seat], keccak256(member.encode())
        self._audit(member, contract.Reveal(claim_id=claim_id, seat=seat, digest=digest, salt=salt))

    def _panel(self, batch_id: BatchId, claim_id: LeafId, audit: Audit) -> None:
        """Claimant and both auditors answer once more, and two that agree are right."""
        members = {Seat.CLAIMANT: CLAIMANT, Seat.FIRST: audit.auditor, Seat.SECOND: audit.second}
        for seat, member in members.items():
            said = self._digest(claim_id) if member == CLAIMANT else None
            if member not in (NOBODY, CLAIMANT):
                said = self._said_by(member, batch_id, claim_id)
            if said is not None:
                self._commit(claim_id, member, seat, said)
        if self.audits.audits[claim_id].stage is Stage.PANEL_COMMIT:
            self.chain.now = self.audits.audits[claim_id].time + 1
        for seat, member in members.items():
            if seat in self.audits.audits[claim_id].said and member != NOBODY:
                self._reveal(claim_id, member, seat)
        self.chain.now += self.audits.rules.answer_seconds + 1
        terms, proof = self.chain.life.batches[batch_id].terms, leaf_proof(self.chain, claim_id)
        self._audit(CLAIMANT, contract.Judge(claim_id=claim_id, terms=terms, proof=proof))


def auditors(
    rules: Parameters, assumed: Assumptions, seed: int, audits: int, audit_rules: Rules | None = None
) -> list[Audited]:
    """What each manner brings, by a network's rules of audits or by usual ones."""
    return [Court(rules, assumed, seed, manner, audit_rules).hear(audits) for manner in Manner]
