"""The life cycle under the policy *validity*, with verifiers that are in the mood that the test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from tests.protocol.settlement.world import TWO_WINDOWS, Outcome, Step, World, account
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.ids import NATIVE, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.policies import is_proven
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn
from truestep.protocol.validity.contracts import verifiers as contract
from truestep.protocol.validity.contracts.verifiers import Selector
from truestep.protocol.validity.policy import validity_policy
from truestep.protocol.validity.state import Links, Verifiers
from truestep.protocol.validity.verifiers import apply_verifiers

VALIDITY_POLICY = TWO_WINDOWS
"""Its number: the usual schedules choose it now and then."""
VERIFIERS = account("98")
HONEST, CREDULOUS = 0, 1
MOODS = range(7)
"""All others of a verifier are no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The contract of a verifier."""

    address: Address
    selector: Selector
    code_hash: Bytes32


FIRST, SECOND = (
    Verifier(
        address=account(digits), selector=Selector(bytes.fromhex(digits * 4)), code_hash=Bytes32(b"c" * 32)
    )
    for digits in ("a1", "a2")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMood:
    """Not a call: a verifier behaves like this now."""

    verifier: Address
    mood: int


ValidityStep = Step | PutMood


def seal_of(selector: bytes, key_digest: bytes, statement: bytes) -> bytes:
    """A proof, as the verifiers of tests take it."""
    return selector + keccak256(key_digest + statement)


@dataclass(slots=True)
class ValidityWorld(World):
    """Also what Verifiers keeps, and what it is told."""

    verifiers: Verifiers = field(default_factory=Verifiers)
    address: Address = VERIFIERS
    known: Mapping[Address, Verifier] = field(
        default_factory=lambda: {each.address: each for each in (FIRST, SECOND)}
    )
    moods: dict[Address, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policies = {**POLICIES, VALIDITY_POLICY: validity_policy(lambda: self.verifiers, self.links)}
        self.state = replace(self.state, deployment=replace(self.state.deployment, policies=policies))

    @property
    def links(self) -> Links:
        """What Verifiers asks."""
        return Links(
            verifiers=self.address,
            deployer=account("99"),
            is_connected=lambda: True,
            selector=lambda address: self.known[address].selector if address in self.known else None,
            code_hash=lambda address: self.known[address].code_hash,
            verify=self.verify,
            game_count=lambda claim_id: (
                self.open_games(batch_of_claim(claim_id)) >> leaf_of_claim(claim_id) & 1
            ),
        )

    def verify(self, address: Address, key_digest: Bytes32, statement: Bytes32, seal: bytes) -> bool:
        """A verifier's answer."""
        mood = self.moods.get(address, HONEST)
        if mood != HONEST:
            return mood == CREDULOUS
        return seal == seal_of(self.known[address].selector, key_digest, statement)

    def play(self, step: ValidityStep) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        match step:
            case PutMood():
                self.moods[step.verifier] = step.mood
            case Message(call=call) if isinstance(call, get_args(contract.Call)):
                return self._play_verifiers(step)
            case _:
                return World.play(self, step)
        return Outcome()

    def _play_verifiers(self, message: Message) -> Outcome:
        before = self.state
        turn = Turn(state=before, message=message, held=self.open_games)
        try:
            self.verifiers, self.state, effects = apply_verifiers(self.verifiers, turn, self.links)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            if isinstance(effect, contract.Proven):
                self._note_proven(effect, message.now)
            self.note(before, effect)
        return Outcome(effects=effects)

    # --- what is promised, said without the model -------------------------------------------------

    def note(self, before: LifeCycle, effect: object) -> None:
        """Nothing is final that was not proven."""
        World.note(self, before, effect)
        if isinstance(effect, jobs.Finalized):
            batch = before.batches[effect.batch_id]
            if batch.policy == VALIDITY_POLICY:
                final = ~(effect.held | batch.struck) & (1 << batch.leaf_count) - 1
                assert not final & ~self.verifiers.proven.get(effect.batch_id, 0)

    def _note_proven(self, proven: contract.Proven, now: int) -> None:
        """Games can be opened for a window, and only an honest or credulous verifier has proven anything."""
        batch = self.state.batches[batch_of_claim(proven.claim_id)]
        assert now <= batch.until <= proven.open_until <= batch.until + 20 * 86_400
        kept = self.verifiers.entries[proven.number - 1]
        assert not kept.stopped_at
        assert self.moods.get(kept.entry.verifier, HONEST) in (HONEST, CREDULOUS)
        is_stopped = now <= self.state.stopped_until
        assert is_proven(self.state, proven.claim_id, now) is not is_stopped

    def check_money(self) -> None:
        """Verifiers has what it owes and what it burned; Assurances has nothing."""
        World.check_money(self)
        owed_wei = sum(self.verifiers.credits.values()) + self.verifiers.burned_wei
        assert self.balances[NATIVE, self.address] == owed_wei
        assert self.balances[NATIVE, self.state.deployment.assurances] == 0
