"""Random schedules under the policy *validity*: entries come and go, and claims are proven, or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.proofs import leaves_of, proof_of
from tests.protocol.settlement.schedule import Maker, Schedule
from tests.protocol.settlement.world import KEEPER, PARAMETERS, PEOPLE, Hold, Step
from tests.protocol.validity.world import (
    CREDULOUS,
    HONEST,
    MOODS,
    VALIDITY_POLICY,
    PutMood,
    ValidityStep,
    ValidityWorld,
    seal_of,
)
from truestep.base.ids import BatchId, Bytes32
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Batch, BatchStage
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector
from truestep.protocol.validity.statements import leaf_statement, leaves_statement

DAY_SECONDS = 86_400
KEY_DIGEST = Bytes32(b"k" * 32)


@dataclass(slots=True)
class ValiditySchedule(Schedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, VALIDITY_POLICY, VALIDITY_POLICY, VALIDITY_POLICY)

    @property
    def validity_world(self) -> ValidityWorld:
        """The world, with what Verifiers keeps."""
        if not isinstance(self.world, ValidityWorld):
            raise TypeError(f"expected a world with Verifiers, got {self.world}")
        return self.world

    def _makers(self) -> dict[Maker, float]:
        makers = Schedule._makers(self)
        del makers[self.supply], makers[self.strike_by_policy]
        return makers | {
            self.add_entry: 3,
            self.stop_entry: 0.6,
            self.set_mood: 1.5,
            self.prove: 40,
            self.prove_many: 20,
            self.contradict: 1,
            self.drop: 10,
            self.withdraw_validity: 2,
        }

    # --- entries ----------------------------------------------------------------------------------

    def add_entry(self) -> Step | None:
        """An entry within its bounds, most of the time."""
        world = self.validity_world
        live = [kept for kept in world.verifiers.entries if not kept.stopped_at]
        if not self._is_worth(len(live) < 5):
            return None
        verifier = self.rng.choice(list(world.known.values()))
        programs = [program_hash(program) for program in world.state.programs]
        is_bound = programs and self.rng.random() < 0.3
        selector = self.rng.choice((verifier.selector,) * 15 + (Selector(b"else"),))
        value_cap_wei = PARAMETERS.operator_bond_wei * self.rng.choice((1, 2, 10, 10**6))
        entry = Entry(
            verifier=verifier.address,
            selector=selector,
            key_digest=KEY_DIGEST,
            program_hash=self.rng.choice(programs) if is_bound else Bytes32(bytes(32)),
            system="test proofs",
            bits=self.rng.choice((80, 100, 100, 256, 79, 257)),
            value_cap_wei=self.rng.choice((value_cap_wei,) * 15 + (0, 2**128 - 1, 2**128)),
            least_bond_wei=self.rng.choice((0,) * 10 + (1, PARAMETERS.operator_bond_wei * 2, 2**128)),
            gas_limit=self.rng.choice((100_000,) * 15 + (0, 10_000_000, 10_000_001)),
            active_from=max(0, self.now + self.rng.choice((-60, 0, 0, 60, 600))),
            active_until=self.now + self.rng.choice((0, 900, DAY_SECONDS, *(10**8,) * 8)),
        )
        number = EntryNumber(len(world.verifiers.entries) + self.rng.choice((1,) * 10 + (0, 2)))
        return self._message(world.state.deployment.owner, verifiers.Add(entry=entry, number=number))

    def stop_entry(self) -> Step | None:
        entries, deployment = self.validity_world.verifiers.entries, self.world.state.deployment
        numbers = [n for n, kept in enumerate(entries, 1) if self._is_worth(not kept.stopped_at)]
        if not numbers:
            return None
        sender = self.rng.choice((deployment.owner, deployment.guardian))
        return self._message(sender, verifiers.Stop(number=EntryNumber(self.rng.choice(numbers))))

    def set_mood(self) -> ValidityStep:
        """Verifiers are honest most of the time."""
        verifier = self.rng.choice(list(self.validity_world.known))
        return PutMood(verifier=verifier, mood=self.rng.choice((HONEST,) * 12 + (CREDULOUS, *MOODS)))

    # --- claims -----------------------------------------------------------------------------------

    def prove(self) -> Step | None:
        world = self.validity_world
        found = self._unproven(BatchStage.CLAIMED)
        if found is None or not world.verifiers.entries:
            return None
        claim_id, batch = found
        if not self._is_worth(self.now <= batch.until):
            return None
        proof = proof_of(world, claim_id)
        number = EntryNumber(self.rng.randrange(1, len(world.verifiers.entries) + 1))
        entry = world.verifiers.entries[number - 1].entry
        deployment, item = world.state.deployment, unpack_item(proof.item)
        task_id = item.task(leaf_of_claim(claim_id))
        statement = leaf_statement(
            deployment.chain_id, deployment.jobs, task_id, proof.work, proof.job_terms, proof.leaf
        )
        seal = seal_of(entry.selector, entry.key_digest, statement)
        call = verifiers.Prove(claim_id=claim_id, terms=batch.terms, proof=proof, number=number, seal=seal)
        return self._message(self.rng.choice(PEOPLE), call)

    def prove_many(self) -> Step | None:
        """Claims of one job that are a part of the batch's tree; now and then others."""
        world = self.validity_world
        found = self._unproven(BatchStage.CLAIMED)
        if found is None or not world.verifiers.entries or not self._is_worth(self.now <= found[1].until):
            return None
        claim_id, batch = found
        count = self.rng.choice((2, 2, 2, 4, 4, 8, 3) if self.rng.random() < 0.1 else (2, 2, 4))
        first = leaf_of_claim(claim_id) // count * count
        leaves = leaves_of(world, batch_of_claim(claim_id))
        is_one_job = unpack_item(proof_of(world, claim_id).item).has_leaf(first)
        is_one_job &= unpack_item(proof_of(world, claim_id).item).has_leaf(first + count - 1)
        if not self._is_worth(is_one_job and first + count <= len(leaves)):
            return None
        proof = proof_of(world, first_id := claim_of(batch_of_claim(claim_id), first))
        others = list(leaves[first + 1 : first + count])
        if others and self.rng.random() < 0.05:
            others[0] = replace(others[0], output_root=Bytes32(b"o" * 32))
        number = EntryNumber(self.rng.randrange(1, len(world.verifiers.entries) + 1))
        entry = world.verifiers.entries[number - 1].entry
        deployment, task_id = world.state.deployment, unpack_item(proof.item).task(first)
        statement = leaves_statement(
            deployment.chain_id,
            deployment.jobs,
            task_id,
            work=proof.work,
            terms=proof.job_terms,
            leaves=(proof.leaf, *others),
        )
        call = verifiers.ProveMany(
            claim_id=first_id,
            terms=batch.terms,
            proof=proof,
            others=tuple(others),
            number=number,
            seal=seal_of(entry.selector, entry.key_digest, statement),
        )
        return self._message(self.rng.choice(PEOPLE), call)

    def contradict(self) -> Step | None:
        """Of a claim that was struck, most of the time."""
        proofs = self.validity_world.verifiers.proofs
        struck = [
            claim_id
            for claim_id in proofs
            if self._is_worth(not is_leaf_standing(self.world.state, claim_id) and self._is_struck(claim_id))
        ]
        if not struck:
            return None
        return self._message(KEEPER, verifiers.Contradict(claim_id=self.rng.choice(struck)))

    def _is_struck(self, claim_id: LeafId) -> bool:
        batch = self.world.state.batches[BatchId(claim_id >> 8)]
        return bool(batch.struck >> leaf_of_claim(claim_id) & 1)

    def drop(self) -> Step | None:
        found = self._unproven(BatchStage.CLAIMED, BatchStage.FINAL)
        if found is None or not self._is_worth(self.now > found[1].until):
            return None
        claim_id, batch = found
        proof = proof_of(self.world, claim_id)
        call = verifiers.Drop(claim_id=claim_id, terms=batch.terms, proof=proof)
        return self._message(self.rng.choice(PEOPLE), call)

    def _unproven(self, *stages: BatchStage) -> tuple[LeafId, Batch] | None:
        """A claim that nobody has proven, and its batch; seldom another one."""
        found = self._some_batch(*stages)
        if found is None or not self._is_worth(found[1].policy == VALIDITY_POLICY):
            return None
        batch_id, batch = found
        claim_id = claim_of(batch_id, self.rng.randrange(batch.leaf_count))
        is_proven = claim_id in self.validity_world.verifiers.proofs
        if not self._is_worth(not is_proven and is_leaf_standing(self.world.state, claim_id)):
            return None
        return claim_id, batch

    def withdraw_validity(self) -> Step | None:
        accounts = [
            a for a, owed in self.validity_world.verifiers.credits.items() if self._is_worth(owed > 0)
        ]
        if not accounts:
            return None
        account = self.rng.choice(accounts)
        receiver, stranger = self._receiver(account, "0x" + "0" * 40)  # type: ignore[arg-type]
        return self._message(account, verifiers.WithdrawTo(receiver=receiver), stranger=stranger)


def wind_down_validity(schedule: ValiditySchedule) -> Iterator[ValidityStep]:
    """What is left to do: leaves that nobody has proven are dropped, all others become final."""
    world = schedule.validity_world
    yield from schedule.follow_ups
    schedule.follow_ups.clear()
    ends = [batch.until for batch in world.state.batches.values()] + [world.state.stopped_until]
    schedule.now = max([schedule.now, *ends]) + 30 * DAY_SECONDS
    for batch_id in world.held:
        yield Hold(batch_id=batch_id, mask=0)
    for batch_id, batch in world.state.batches.items():
        if batch.policy != VALIDITY_POLICY:
            continue
        for leaf_index in range(batch.leaf_count):
            claim_id = claim_of(batch_id, leaf_index)
            if claim_id not in world.verifiers.proofs and is_leaf_standing(world.state, claim_id):
                proof = proof_of(world, claim_id)
                call = verifiers.Drop(claim_id=claim_id, terms=batch.terms, proof=proof)
                yield Message(sender=KEEPER, now=schedule.now, call=call)
    yield from wind_down(schedule)
    for account, amount_wei in world.verifiers.credits.items():
        if amount_wei:
            yield Message(sender=account, now=schedule.now, call=verifiers.WithdrawTo(receiver=account))


def validity_schedule(seed: int, world: ValidityWorld) -> ValiditySchedule:
    """A schedule with its seed."""
    return ValiditySchedule(rng=Random(seed), world=world)
