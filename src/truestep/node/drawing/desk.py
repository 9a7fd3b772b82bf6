"""Gives secrets for the seeds of rounds: carries out what `roles.entropy` decides.

A secret follows from the node's own, which never changes, so that a crash loses none. A round is in the store
before its promise is sent: whatever happens then, the next start reveals it in time, or says that it cannot.
"""

from collections.abc import Sequence

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.base.units import coins
from truestep.commitments.keccak import keccak256
from truestep.ports.clock import Clock
from truestep.ports.reporter import Reporter
from truestep.ports.rounds import Promises, Rounds
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row
from truestep.protocol.assignment.randomness import ZERO_HASH
from truestep.protocol.draw_calls import CommitSecret
from truestep.protocol.settlement.encoding import encode
from truestep.roles.actions import Alert, Send
from truestep.roles.entropy import EntropyView, Settled, decide, rounds_to_read
from truestep.roles.views import View

TABLE = "entropy"
LOOK_SECONDS = 1.0
"""Between two looks at the same rounds."""
TROUBLE_SECONDS = 60.0
"""Between two words about a node that does not answer."""
_ROWS = RowCodec[str]({"round": str})
_TOPIC = b"truestep entropy"


class EntropyDesk:
    """Satisfies `truestep.node.availability.desk.Desk`. For the thread of the agent's loop."""

    def __init__(self, rounds: Rounds, store: Store, secret: bytes, clock: Clock, reporter: Reporter) -> None:
        self._rounds = rounds
        self._store = store
        self._secret = secret
        self._clock = clock
        self._reporter = reporter
        self._promised = frozenset(int(key) for key, _ in each_row(store, TABLE))
        self._seen: Promises | None = None
        self._landed: set[int] = set()
        """Rounds whose promise was seen on the chain."""
        self._looked_at = 0.0
        self._told_at: float | None = None

    def collect(self) -> bool:
        """Nothing is done in the background."""
        return False

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """What to promise, to reveal and to say."""
        wanted = rounds_to_read(self._rounds.rules, view.now, self._promised)
        seen = self._look(view, wanted) if wanted else None
        if seen is None:
            return []
        seen_view = EntropyView(
            now=view.now,
            account=view.account,
            rules=self._rounds.rules,
            wallet_wei=view.wallet_wei,
            owed_wei=seen.owed_wei,
            commitments=seen.commitments,
            promised=self._promised,
            secret_of=self.secret_of,
        )
        actions = decide(seen_view)
        self._settle(frozenset(each.round_number for each in actions if isinstance(each, Settled)))
        sends = [each for each in actions if isinstance(each, Send)]
        for each in sends:
            if isinstance(each.call, CommitSecret):
                self._promise(each.call.round_number)
        return [each for each in actions if isinstance(each, Send | Alert)]

    def act(self) -> None:
        """Sends are carried out by the agent."""

    def close(self, deadline_seconds: float) -> None:
        """Say what a pause costs."""
        pending = {each for each in self._promised if not self._is_revealed(each)}
        if pending:
            bond = coins(self._rounds.rules.entropy_bond_wei)
            self._reporter.report(
                "entropy_pending",
                f"a secret is promised for round {max(pending)}, and not known to be revealed: start"
                f" again before its reveal phase ends, or its bond of {bond} is lost",
                round=max(pending),
            )

    def secret_of(self, round_number: int) -> Bytes32:
        """The secret of a round: the same one after every start."""
        return keccak256(_TOPIC + self._secret + self._rounds.place + encode(round_number))

    def _is_revealed(self, round_number: int) -> bool:
        """Whether its promise was seen, and is gone."""
        found = self._seen.commitments.get(round_number) if self._seen is not None else None
        return round_number in self._landed and found == ZERO_HASH

    def _look(self, view: View, wanted: tuple[int, ...]) -> Promises | None:
        """What the chain says of these rounds; None if nobody says anything new or at all."""
        now = self._clock.monotonic_seconds()
        known = self._seen
        if known is not None and now - self._looked_at < LOOK_SECONDS and {*wanted} <= {*known.commitments}:
            return known
        try:
            self._seen = self._rounds.promises(view.account, wanted)
        except (Unavailable, Rejected) as error:  # moves and claims must not wait for this
            if self._told_at is None or now - self._told_at >= TROUBLE_SECONDS:
                self._told_at = now
                self._reporter.report("entropy_unread", f"what is promised cannot be read: {error}")
            return None
        self._looked_at = now
        self._landed |= {number for number, each in self._seen.commitments.items() if each != ZERO_HASH}
        return self._seen

    def _promise(self, round_number: int) -> None:
        if round_number in self._promised:
            return
        row = _ROWS.to_row(str(round_number))
        self._store.write([Change(table=TABLE, key=str(round_number), value=row)])
        self._promised |= {round_number}

    def _settle(self, over: frozenset[int]) -> None:
        if over:
            self._store.write([Change(table=TABLE, key=str(each), value=None) for each in sorted(over)])
            self._promised -= over
            self._landed -= over
