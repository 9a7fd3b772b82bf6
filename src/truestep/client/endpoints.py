"""Where operators say that they are reached: the endpoints of their records (docs/operators.md O5)."""

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.operators_desk import OperatorsDesk
from truestep.base.ids import Address
from truestep.client.operator_records import check_record, parse_record, validity_in_words


class PublishedEndpoints:
    """Looks them up on the chain. For one thread at a time."""

    def __init__(self, node: list[str], deployment: Deployment) -> None:
        """Raises Rejected for another chain."""
        self._desk = OperatorsDesk(node, deployment)

    def __call__(self, operator: Address) -> tuple[str, ...]:
        """Base URLs, in the operator's order; none without a valid record. Raises `Unavailable`, Rejected."""
        desk = self._desk
        content = desk.record(operator, desk.standing(operator))
        if content is None:
            return ()
        record = parse_record(content)
        check_record(record, chain_id=desk.chain_id, contract=desk.address, operator=operator)
        is_valid = validity_in_words(record, desk.owner.now()) == "valid"
        return tuple(record.endpoints) if is_valid else ()
