"""Who does what it should not: each strategy as a few numbers that the agents go by."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.simulation.economy.assumptions import COIN

BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How the operators and challengers of one side behave. The defaults are honest."""

    name: str
    words: str
    lies_bps: int = 0
    """How many of its claims are false."""
    computes: bool = True
    """Whether it runs what it claims. A false claim needs no run."""
    defends: bool = True
    """Whether it answers games on its false claims."""
    withholds: bool = False
    """Whether it takes tasks and never claims them."""
    friends: int = 0
    """Challengers of its own that open games on its own false claims before others do."""
    griefs_bps: int = 0
    """On how many true claims of others its challengers open games."""
    plays_on: bool = False
    """Whether they go on to the last step, or stop moving at once."""
    copies: bool = False
    """Whether it opens a game wherever somebody else opens one, without having run anything."""
    drags: bool = False
    """Whether they wait with each move until their clock has nearly run out, and each picks other parts."""
    besieges: bool = False
    """Whether all of them open a game on the first claim that there is."""
    runs_ahead: bool = False
    """Whether a copycat reads what others send, and has the same moves in front of them in the block."""
    floods: int = 0
    """Jobs that it posts and does itself for each job of others, to keep challengers busy."""
    wants_value: bool = True
    """Whether a false result is worth something to it beyond the reward."""
    identity_wei: int = 100 * COIN
    """The stake of each of its operators."""

    @property
    def takes_tasks(self) -> bool:
        """Whether it needs operators."""
        return self.lies_bps > 0 or self.withholds


HONEST = Strategy(name="honest", words="runs what it takes, claims what it has found")
LAZY = Strategy(
    name="lazy",
    words="claims something without running it, and answers nobody",
    lies_bps=BPS,
    computes=False,
    defends=False,
    wants_value=False,
)
LYING = Strategy(
    name="lying",
    words="claims a false result that somebody pays it for, and defends it to the last move",
    lies_bps=BPS,
)
SELDOM = Strategy(
    name="lying seldom",
    words="the same in one claim of ten, hoping that nobody looks at that one",
    lies_bps=BPS // 10,
)
COLLUDING = Strategy(
    name="colluding",
    words="operators lie, and four challengers of theirs open games on the same claims to win back the bonds",
    lies_bps=BPS,
    friends=4,
)
SELF_CHALLENGING = Strategy(
    name="self-challenging",
    words="lies and at once strikes its own claim, to be paid out of its own bond before others are",
    lies_bps=BPS,
    computes=False,
    friends=1,
    plays_on=True,
)
SYBIL = Strategy(
    name="sybil",
    words="lies under as many names as its stake allows, each with the least stake that can take a task",
    lies_bps=BPS,
    identity_wei=6 * COIN,
)
WITHHOLDING = Strategy(
    name="withholding",
    words="takes tasks and never claims them",
    withholds=True,
)
GRIEFING = Strategy(
    name="griefing",
    words="opens games on true claims and stops moving, so that their operators wait and answer",
    griefs_bps=BPS // 10,
)
COPYCAT = Strategy(
    name="copycat",
    words="opens a game wherever somebody else opens one, having run nothing",
    copies=True,
)
RUNNING_AHEAD = Strategy(
    name="copycat that runs ahead",
    words="opens beside every game that it sees coming, and puts each move of the other in front of it",
    copies=True,
    runs_ahead=True,
)
FLOODING = Strategy(
    name="flooding",
    words="lies while its own jobs keep all challengers busy",
    lies_bps=BPS,
    floods=3,
)

SIEGES = (
    Strategy(name="idle", words="open in the window's last minutes and never move", besieges=True),
    Strategy(name="at once", words="pick other parts, each at once", besieges=True, plays_on=True),
    Strategy(
        name="dragging",
        words="pick other parts, each when its clock has nearly run out",
        besieges=True,
        plays_on=True,
        drags=True,
    ),
)
"""How sybils attack one true claim."""

STRATEGIES = (
    LAZY,
    LYING,
    SELDOM,
    COLLUDING,
    SELF_CHALLENGING,
    SYBIL,
    WITHHOLDING,
    GRIEFING,
    COPYCAT,
    FLOODING,
)
"""Those that the rules answer, at every share of stake."""
APART = (RUNNING_AHEAD,)
"""Played beside the honest ones only, not at every share of stake (docs/economics.md E7)."""


def named(names: Iterable[str]) -> tuple[Strategy, ...]:
    """The strategies with these names, in the order of the catalogue. Raises ValueError for another."""
    known = {strategy.name: strategy for strategy in (*STRATEGIES, *APART)}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"expected a strategy of {', '.join(known)}, got {name!r}")
    return tuple(known[name] for name in known if name in wanted)
