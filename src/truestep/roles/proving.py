"""Which of its claims a worker proves, by which entry of Verifiers (docs/validity.md V2.4, V4.1)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from truestep.base.ids import Address, Bytes32, ProgramId, job_of_task, shard_of_task, task_in_words
from truestep.base.units import coins
from truestep.protocol.calls import NATIVE
from truestep.protocol.proof_calls import ProveClaim
from truestep.protocol.records import JobRecord
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import ClaimView, claim_view
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.ids import claim_of_leaf
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber
from truestep.protocol.validity.statements import statement_of, task_digest
from truestep.roles import intents
from truestep.roles.actions import Alert, Send

SHARDS_OF_A_RUN = 1
"""A proof of one run is for a job of one shard (docs/circuits.md C10)."""
PROVING_SECONDS = 3_600
"""For which an entry must last behind a lease: two of the longest proofs."""
SealKey = tuple[Bytes32, Bytes32]
"""What a seal proves: the statement, and the key digest of the verifier that takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnClaim:
    """A claim of the operator's that stands, under the policy *validity*."""

    view: ClaimView
    until: int
    """The last second in which it can be proven."""
    is_proven: bool
    statement: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvingView:
    """What the decisions depend on."""

    now: int
    operator: Address
    facts: Facts
    circuits: Mapping[Bytes32, int]
    """What this node can prove: key digests, and how many bytes of input each circuit takes."""
    in_flight: frozenset[str] = frozenset()
    seals: Mapping[SealKey, bytes] = field(default_factory=dict[SealKey, bytes])
    """Proofs that are made and stored."""
    given_up: Mapping[SealKey, str] = field(default_factory=dict[SealKey, str])
    """Why no proof can be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSeal:
    """Prove a claim, for the verifier with this key digest."""

    claim: OwnClaim
    key_digest: Bytes32

    @property
    def key(self) -> SealKey:
        """Which seal."""
        return self.claim.statement, self.key_digest


ProvingAction = MakeSeal | Send | Alert


def decide(view: ProvingView) -> list[ProvingAction]:
    """What to prove and send now, the claim whose window ends first before the others."""
    claims = [each for each in own_claims(view.facts, view.operator) if not each.is_proven]
    due = sorted(
        (each for each in claims if view.now <= each.until), key=lambda each: (each.until, each.view.claim_id)
    )
    return [action for claim in due for action in _about(view, claim)]


def own_claims(facts: Facts, operator: Address) -> Iterator[OwnClaim]:
    """The operator's claims that stand in batches that are not final, proven or not."""
    for batch_id, known in facts.batches.items():
        batch, proven = known.batch, facts.proven.get(batch_id, 0)
        is_own = batch.operator == operator and batch.stage is BatchStage.CLAIMED
        if facts.proving is None or batch.policy != facts.proving.policy or not is_own:
            continue
        for leaf_index in range(batch.leaf_count):
            claim = claim_view(facts, claim_of(batch_id, leaf_index))
            if claim is None:
                continue
            job = facts.jobs[job_of_task(claim.task_id)].job
            digest, links = task_digest(job.digest, shard_of_task(claim.task_id)), facts.deployment
            yield OwnClaim(
                view=claim,
                until=batch.until,
                is_proven=bool(proven >> leaf_index & 1),
                statement=statement_of(links.chain_id, links.jobs, digest, claim.leaf),
            )


def _about(view: ProvingView, claim: OwnClaim) -> Iterator[Send | MakeSeal | Alert]:
    """Send the first proof that there is, else make one, for the first entry that may still take one."""
    usable = list(_usable(view, claim.view))
    made = [(number, seal) for number, entry in usable if (seal := view.seals.get(_key(claim, entry)))]
    open_entries = [entry for _, entry in usable if _key(claim, entry) not in view.given_up]
    if made:
        yield from _send(view, claim, *made[0])
    elif open_entries:
        yield MakeSeal(claim=claim, key_digest=open_entries[0].key_digest)
    else:
        what, why = task_in_words(claim.view.task_id), _nobody(view, claim, usable)
        yield Alert(
            kind="unprovable",
            message=f"{what} is claimed and cannot be proven here: {why}; a claim that nobody proves in its"
            " window is dropped. `truestep prove` makes proofs elsewhere, `truestep verifiers prove` sends"
            " them",
        )


def _key(claim: OwnClaim, entry: Entry) -> SealKey:
    return claim.statement, entry.key_digest


def _nobody(view: ProvingView, claim: OwnClaim, usable: Sequence[tuple[EntryNumber, Entry]]) -> str:
    if usable:
        return view.given_up[_key(claim, usable[0][1])]
    if claim.view.work.shard_count != SHARDS_OF_A_RUN:
        job_id = job_of_task(claim.view.task_id)
        return (
            f"its job has {claim.view.work.shard_count} shards, and a proof of one run is for a job of one;"
            f" `truestep prove {job_id} 0 --runs N` proves the claims of many at once"
        )
    return "no live entry of Verifiers is for its program, input and value, and for a model of this node"


def _send(view: ProvingView, claim: OwnClaim, number: EntryNumber, seal: bytes) -> Iterator[Send]:
    claim_id = claim_of_leaf(claim.view.task_id, claim.view.claim_id)
    intent = intents.of_prove(claim_id, number)
    if intent not in view.in_flight:
        message = f"prove {task_in_words(claim.view.task_id)} by entry {number}, {len(seal):,} bytes"
        call = ProveClaim(claim_id=claim_id, entry=number, seal=seal)
        yield Send(intent=intent, call=call, message=message)


def _usable(view: ProvingView, claim: ClaimView) -> Iterator[tuple[EntryNumber, Entry]]:
    """The entries that may prove a claim, of circuits that this node has."""
    facts, work = view.facts, claim.work
    job = facts.jobs[job_of_task(claim.task_id)].job
    terms = job.terms
    bond_wei = facts.parameters[terms.parameters_id - 1].operator_bond_wei * terms.bond_multiple
    value_wei = bond_wei + (job.reward if terms.asset == NATIVE else 0)
    program = program_hash(work)
    if work.shard_count != SHARDS_OF_A_RUN:
        return
    for number, entry in live_entries(facts, view.circuits, view.now):
        is_for = entry.program_hash == program and view.circuits[entry.key_digest] == work.input_size
        if is_for and entry.takes(bond_wei, value_wei):
            yield number, entry


def live_entries(
    facts: Facts, circuits: Collection[Bytes32], now: int
) -> Iterator[tuple[EntryNumber, Entry]]:
    """The entries of these circuits that are believed now."""
    for number, kept in enumerate(facts.entries, 1):
        entry = kept.entry
        is_live = not kept.stopped_at and entry.active_from <= now <= entry.active_until
        if is_live and entry.key_digest in circuits:
            yield EntryNumber(number), entry


def proving_entries(
    facts: Facts, circuits: Collection[Bytes32], now: int
) -> Mapping[ProgramId, tuple[Entry, ...]]:
    """The entries by which this node can prove claims on each program."""
    found: dict[Bytes32, tuple[Entry, ...]] = {}
    for _, entry in live_entries(facts, circuits, now):
        found[entry.program_hash] = (*found.get(entry.program_hash, ()), entry)
    if not found:
        return {}
    hashes = map(program_hash, facts.programs)
    return {ProgramId(number): found[name] for number, name in enumerate(hashes, 1) if name in found}


def why_unprovable(
    job: JobRecord,
    now: int,
    entries: Mapping[ProgramId, tuple[Entry, ...]],
    circuits: Mapping[Bytes32, int],
) -> str:
    """Why this node could not prove a claim on a job at the end of its lease; empty if it could.

    A run on an input of another size than the model takes fails, and no circuit proves that: a stranger could
    cost this node a part of a bond with each such job.
    """
    own, sizes = entries.get(job.program_id, ()), set(circuits.values())
    if not own:
        return (
            "no live verifier takes a proof that this node can make: start with --prove MODEL if you have the"
            " program's model, or with --unproven, and prove its claims with `truestep verifiers prove`"
        )
    if job.shard_count != SHARDS_OF_A_RUN:
        return (
            f"it has {job.shard_count} shards, and a proof of one run is for a job of one: start with"
            " --unproven to take it, and prove its claims with `truestep prove JOB SHARD --runs N`"
        )
    fitting = [entry for entry in own if circuits.get(entry.key_digest) == job.input_size]
    if not fitting:
        return (
            f"it has {job.input_size} bytes of input, and its model takes another number: its run fails, and"
            f" no circuit proves that; this node's models take {', '.join(map(str, sorted(sizes)))}"
        )
    bond_wei = job.parameters.operator_bond_wei
    value_wei = bond_wei + (job.reward if job.asset == NATIVE else 0)
    taking = [entry for entry in fitting if entry.takes(bond_wei, value_wei)]
    if not taking:
        return f"no entry of Verifiers takes a claim of {coins(value_wei)} with a bond of {coins(bond_wei)}"
    needed_until = now + job.lease_seconds + PROVING_SECONDS
    is_lasting = any(entry.active_until >= needed_until for entry in taking)
    return "" if is_lasting else "its entry of Verifiers may expire before a claim could be proven"
