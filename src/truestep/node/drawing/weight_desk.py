"""Lets the operator's weight in draws follow its pledge after a penalty (docs/assignment.md D3.4)."""

from collections.abc import Sequence

from truestep.base.errors import Rejected, Unavailable
from truestep.ports.reporter import Reporter
from truestep.ports.rounds import Pledges
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.draw_calls import RefreshWeight
from truestep.roles.actions import Alert, Send
from truestep.roles.views import View


class WeightDesk:
    """Satisfies `truestep.node.availability.desk.Desk`. It looks once in each round, in its commit phase."""

    def __init__(self, pledges: Pledges, reporter: Reporter) -> None:
        self._pledges = pledges
        self._reporter = reporter
        self._looked_at = -1
        """The number of the round."""

    def collect(self) -> bool:
        """Nothing is done in the background."""
        return False

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """Refresh what is stale: who weighs more than it has pledged is drawn more often than it wanted."""
        phases = self._pledges.rules.phases
        number = phases.round_at(view.now)
        if number == self._looked_at or phases.phase_at(view.now) is not Phase.COMMIT:
            return []
        self._looked_at = number
        try:
            is_stale = self._pledges.has_stale_weight(view.operator)
        except (Unavailable, Rejected) as error:
            self._reporter.report("weight_unread", f"what {view.operator} weighs cannot be read: {error}")
            return []
        if not is_stale:
            return []
        message = "a penalty was taken from the pledge: let the weight in draws follow it"
        call = RefreshWeight(operator=view.operator)
        return [Send(intent=f"refresh-weight/{number}", call=call, message=message)]

    def act(self) -> None:
        """Sends are carried out by the agent."""

    def close(self, deadline_seconds: float) -> None:
        """Nothing is under way."""
