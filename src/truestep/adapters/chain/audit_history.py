"""The audits of a network, told by the events of Audits (docs/audits.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.settlement import contract_types
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, BatchId, TaskId
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Ending, Failure, Stage
from truestep.protocol.deployment.audits import CONTRACT
from truestep.protocol.settlement.ids import NOBODY, LeafId, claim_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What is known of one audit: a claim that was drawn."""

    claim_id: LeafId
    task_id: TaskId | None = None
    """Once an auditor is appointed, or the claim is excused."""
    auditors: tuple[Address, ...] = ()
    stage: Stage = Stage.NONE
    until: int = 0
    """The last second of the stage."""
    is_excused: bool = False
    ending: Ending | None = None
    paid_wei: int = 0
    is_certified: bool = False
    """Whether its result is kept, so that claims of the same are excused (U7.1)."""
    failures: tuple[tuple[Address, Failure, int], ...] = ()
    """Who has paid, why and how much."""


class AuditHistory:
    """Reads all audits of a network. It sends nothing."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        """Raises Rejected for another chain, or a network that audits no claims."""
        if CONTRACT not in deployment.contracts:
            raise Rejected(
                Reject.POLICY_UNKNOWN,
                "this network audits no claims: its deployment file names no Audits. Use another network",
            )
        self._web3 = connect(node)
        check_chain(self._web3, deployment.chain_id)
        self._deployment = deployment

    def rows(self) -> list[AuditRow]:
        """Every claim that was drawn, in order. Raises `Unavailable`."""
        found: dict[LeafId, AuditRow] = {}
        for event in self._events():
            if isinstance(event, audits.Drawn):
                for claim_id in _claims(event.batch_id, event.leaves):
                    found[claim_id] = AuditRow(claim_id=claim_id)
            elif (row := found.get(getattr(event, "claim_id", LeafId(0)))) is not None:
                found[row.claim_id] = _told(row, event)
        return [found[claim_id] for claim_id in sorted(found)]

    def _events(self) -> Iterator[object]:
        endpoints, kinds = endpoints_of(self._web3), contract_types()[CONTRACT]
        address = self._deployment.address(CONTRACT)
        first, last = self._deployment.block_number, endpoints.head().number
        for log in search_logs(endpoints, address, [], first, last):
            yield kinds.event(log)


def _claims(batch_id: BatchId, leaves: int) -> list[LeafId]:
    return [claim_of(batch_id, index) for index in range(leaves.bit_length()) if leaves >> index & 1]


def _told(row: AuditRow, event: object) -> AuditRow:
    match event:
        case audits.Excused(task_id=task_id):
            return replace(row, task_id=task_id, is_excused=True)
        case audits.Appointed(task_id=task_id, auditor=auditor, stage=stage, until=until):
            auditors = (*row.auditors, auditor)
            return replace(row, task_id=task_id, auditors=auditors, stage=Stage(stage), until=until)
        case audits.Committed(stage=stage, until=until):
            return replace(row, stage=Stage(stage), until=until)
        case audits.Stated(until=until):
            return replace(row, stage=Stage.REVEAL, until=until)
        case audits.Vacant(stage=stage, since=since):
            return replace(row, stage=Stage(stage), until=since)
        case audits.Failed(auditor=auditor, reason=reason, seized_wei=seized_wei):
            return replace(row, failures=(*row.failures, (auditor, Failure(reason), seized_wei)))
        case audits.Certified():
            return replace(row, is_certified=True)
        case audits.Ended(outcome=outcome, auditor=auditor, paid_wei=paid_wei):
            paid = paid_wei if auditor != NOBODY else 0
            return replace(row, ending=Ending(outcome), paid_wei=paid)
        case _:
            return row
