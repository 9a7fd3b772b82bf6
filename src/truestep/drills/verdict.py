"""How a drill is judged: what everybody's coins did, against what the rules of the network say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truestep.base.units import coins


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a drill has found, from the chain."""

    happened: str
    """In a sentence."""
    guilty: Mapping[str, int]
    """What each responsible party must have lost, in wei, gas counted apart."""
    honest: Mapping[str, int] = field(default_factory=dict[str, int])
    """What others must have gained, in wei; who is not named must have neither gained nor lost."""
    paid: Mapping[str, int] = field(default_factory=dict[str, int])
    """What honest parties have paid for what they have got, in wei: a result that is final."""
    changes: Mapping[str, int]
    """What everybody's coins did, gas counted apart."""
    facts: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """What else the chain must say: that the job is finished, for instance."""

    @property
    def is_slashed(self) -> bool:
        """Whether each responsible party has lost exactly what it must lose, and there is one."""
        return bool(self.guilty) and all(
            lost_wei > 0 and self.changes[name] == -lost_wei for name, lost_wei in self.guilty.items()
        )

    @property
    def is_made_whole(self) -> bool:
        """Whether everybody else has exactly what is due, and nothing less than before."""
        return all(
            self._gain_wei(name) == self.honest.get(name, 0) >= 0
            for name in self.changes
            if name not in self.guilty
        )

    def _gain_wei(self, name: str) -> int:
        """What somebody has gained, with what it has got for its payment."""
        return self.changes[name] + self.paid.get(name, 0)

    @property
    def losses(self) -> dict[str, int]:
        """Who has lost how much, in wei."""
        gains = {name: self._gain_wei(name) for name in self.changes}
        return {name: -gain_wei for name, gain_wei in gains.items() if gain_wei < 0}

    @property
    def gains(self) -> dict[str, int]:
        """What everybody has gained who lost nothing, in wei."""
        gains = {name: self._gain_wei(name) for name in self.changes}
        return {name: gain_wei for name, gain_wei in gains.items() if gain_wei >= 0}

    def complaints(self) -> list[str]:
        """What is not as it should be."""
        wrong = [
            f"{name} should have lost {coins(lost_wei)}, but {_in_words(self.changes[name])}"
            for name, lost_wei in self.guilty.items()
            if lost_wei <= 0 or self.changes[name] != -lost_wei
        ]
        for name in self.changes:
            due_wei, gain_wei = self.honest.get(name, 0), self._gain_wei(name)
            if name not in self.guilty and (gain_wei != due_wei or gain_wei < 0):
                wrong.append(f"{name} should have gained {coins(due_wei)}, but {_in_words(gain_wei)}")
        if not self.guilty:
            wrong.append("nobody was found responsible")
        return wrong + [f"it is not so that {words}" for words, is_so in self.facts.items() if not is_so]


def _in_words(change_wei: int) -> str:
    if not change_wei:
        return "has as much as before"
    return f"has {'gained' if change_wei > 0 else 'lost'} {coins(abs(change_wei))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A drill that was carried out."""

    name: str
    verdict: Verdict | None
    """None if it came to no end."""
    trouble: str
    """Why it came to no end; empty if it did."""
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """Why it failed; none if it passed."""
        return [self.trouble] if self.verdict is None else self.verdict.complaints()

    @property
    def fields(self) -> dict[str, object]:
        """As JSON."""
        verdict = self.verdict
        return {
            "name": self.name,
            "outcome": "failed" if self.complaints else "passed",
            "slashed": verdict is not None and verdict.is_slashed,
            "made_whole": verdict is not None and verdict.is_made_whole,
            "seconds": round(self.seconds, 3),
            "happened": verdict.happened if verdict else "",
            "changes_wei": dict(verdict.changes) if verdict else {},
            "paid_wei": dict(verdict.paid) if verdict else {},
            "complaints": self.complaints,
        }
