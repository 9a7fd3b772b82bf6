"""A connection to PostgreSQL that does not wait for an answer forever."""

from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen

ANSWER_SECONDS = 30.0
"""For the answer to a statement. libpq notices a computer that is gone, but not a proxy, a disk or a standby
that hangs; a daemon that waited for those would say nothing, and let its clocks run out."""
INTERVAL_SECONDS = 0.1
"""For Ctrl-C to be noticed."""


class BoundedConnection(Connection[Any]):
    """Ends itself when an answer takes too long. Nobody knows then what became of the statement."""

    is_patient = False
    """Whether answers may take any time, as in a migration."""

    def wait(self, gen: PQGen[RV], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> RV:
        """Do as psycopg does, within the time."""
        limit = None if self.is_patient else ANSWER_SECONDS
        try:
            return super().wait(gen, interval, limit if timeout is None else timeout)
        except OperationalError as error:
            if self.closed or error.sqlstate is not None:  # lost, or the server has answered
                raise
            self.close()
            raise OperationalError(f"no answer within {timeout or limit or 0:.0f} s") from error
