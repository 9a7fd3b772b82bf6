"""Jobs that are dealt out to drawn operators (docs/drawn.md)."""

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import JobId
from truestep.client.job_status import known_job
from truestep.client.sending import transact_once
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.lot_calls import OfferLots
from truestep.protocol.lots.rules import LOT_LIMIT

OFFER_GAS = 120_000


def check_drawn(chain: ChainReader, lot_tasks: int, *, is_reducer: bool) -> None:
    """Refuse what Lots would refuse (T2.1), before anything is published, registered or paid."""
    if chain.facts().dealing is None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "this network draws no operators for jobs; submit without --policy drawn, or to another network",
        )
    if not 0 <= lot_tasks <= LOT_LIMIT:
        raise Rejected(Reject.LOT_BOUNDS, f"expected lots of 1 to {LOT_LIMIT} shards, got {lot_tasks}")
    if is_reducer:
        raise Rejected(
            Reject.JOB_WAITS,
            "a reducer has its input later, and nobody is drawn for it before: submit it without"
            " --policy drawn",
        )


def offer(chain: Chain, job_id: JobId, lot_tasks: int = 0) -> None:
    """Cut a job into lots, once: 0 means those of the usual size. Until then nobody can take it."""

    def is_offered() -> bool:
        known = chain.facts().jobs.get(job_id)
        return known is None or known.job.is_supplied

    if not is_offered():
        call = OfferLots(job_id=job_id, lot_tasks=lot_tasks)
        transact_once(chain, call, f"offer-lots:{job_id}", is_done=is_offered)


def offer_known(chain: Chain, job_id: JobId, lot_tasks: int) -> None:
    """Offer a job that was posted before. Raises Rejected for one that was posted under another policy."""
    dealing = chain.facts().dealing
    if dealing is None or known_job(chain, job_id).policy != dealing.policy:
        raise Rejected(
            Reject.POLICY_OTHER,
            f"job {job_id} was not submitted with --policy drawn: it has no lots that could be drawn",
        )
    offer(chain, job_id, lot_tasks)
