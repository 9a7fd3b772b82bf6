"""Which entries of Verifiers can prove the claims of an order (docs/validity.md V2.4)."""

from collections.abc import Iterable, Iterator, Mapping

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.units import coins, duration
from truestep.client.orders import Order
from truestep.client.verifiers import EntryState, ListedEntry, entries
from truestep.ports.chain import ChainReader
from truestep.protocol.calls import NATIVE
from truestep.protocol.settlement.programs import CYCLES_LIMIT, named_program
from truestep.protocol.validity.contracts.verifiers import EntryNumber

ANY_PROGRAM = bytes(32)
CAPPED, WITH_BONDS = "only for claims of up to", "only for claims with a bond of at least"
"""What an order can change."""
NAMED_LIMIT = 8
"""Entries that a refusal names: more are for nobody to read."""


def believed_entries(
    chain: ChainReader, image_root: Bytes32, entry: int, order: Order
) -> tuple[ListedEntry, ...]:
    """The entries that can prove this order's claims as things are now.

    Raises Rejected if there is none, and says what there is, and what to change.
    """
    listed = entries(chain)
    program = named_program(image_root, entry, order.max_cycles)
    against = {each.number: _why_not(each, program, chain, order) for each in listed}
    found = tuple(each for each in listed if not against[each.number])
    if not found:
        known = [each.max_cycles for each in chain.facts().programs if each.image_root == image_root]
        guessed = _other_cycles(listed, image_root, entry, known)
        others = [each for each in guessed if each[1] != order.max_cycles]
        raise Rejected(_reason(listed, against), _nobody(listed, against, order, others))
    return found


def claim_value_wei(chain: ChainReader, order: Order) -> int:
    """What is at stake in one claim: its bond, and its reward if that is in native coins (V2.4)."""
    return claim_bond_wei(chain, order) + (order.reward_wei if order.asset == NATIVE else 0)


def claim_bond_wei(chain: ChainReader, order: Order) -> int:
    """The bond of one claim."""
    return chain.parameters().operator_bond_wei * order.bond_multiple


def expiry_notice(chain: ChainReader, found: Iterable[ListedEntry], order: Order) -> str | None:
    """What to say if no entry lasts as long as claims of the order can be made and proven."""
    now = chain.head().time_seconds
    window_seconds = order.window_seconds or chain.parameters().window_seconds
    last = max(each.entry.active_until for each in found)
    if last >= now + order.lifetime_seconds + window_seconds:
        return None
    return (
        f"the last entry that can prove these claims expires in {duration(last - now)}, before the job's"
        " deadline and window are over; a claim that nobody can prove by then is dropped"
    )


def _why_not(listed: ListedEntry, program: Bytes32, chain: ChainReader, order: Order) -> str:
    """What is against an entry; empty if nothing is."""
    entry, system = listed.entry, order.system
    bond_wei, value_wei = claim_bond_wei(chain, order), claim_value_wei(chain, order)
    if system is not None and entry.system.casefold() != system.casefold():
        return "of another system"
    if entry.program_hash not in (ANY_PROGRAM, program):
        return "for another program"
    if listed.state is not EntryState.LIVE:
        return str(listed.state)
    if value_wei > entry.value_cap_wei:
        return f"{CAPPED} {coins(entry.value_cap_wei)}, and here one has {coins(value_wei)}"
    if bond_wei < entry.least_bond_wei:
        return f"{WITH_BONDS} {coins(entry.least_bond_wei)}, and here it is {coins(bond_wei)}"
    return ""


def _reason(listed: list[ListedEntry], against: Mapping[EntryNumber, str]) -> Reject:
    if not listed:
        return Reject.ENTRY_UNKNOWN
    for words, reason in ((CAPPED, Reject.CLAIM_VALUE), (WITH_BONDS, Reject.CLAIM_BOND)):
        if any(why.startswith(words) for why in against.values()):
            return reason
    return Reject.ENTRY_OTHER_PROGRAM


def _nobody(
    listed: list[ListedEntry],
    against: Mapping[EntryNumber, str],
    order: Order,
    other_cycles: list[tuple[int, int]],
) -> str:
    """Why nobody could prove the claims, and what there is."""
    of_system = f" of the system {order.system!r}" if order.system is not None else ""
    what = f"no verifier{of_system} that this network believes can prove this program's claims"
    if not listed:
        return f"{what}: it has none yet; governance adds them (`truestep verifiers list`)"
    named = "; ".join(_named(each, against[each.number]) for each in listed[:NAMED_LIMIT])
    more = f"; and {len(listed) - NAMED_LIMIT} more" if len(listed) > NAMED_LIMIT else ""
    advice = "submit without --policy validity, or see `truestep verifiers list`"
    if any(why.startswith(WITH_BONDS) for why in against.values()):
        advice = "offer a higher --bond-multiple"
    if any(why.startswith(CAPPED) for why in against.values()):
        advice = "offer a lower reward or --bond-multiple, or use a verifier that is trusted with more"
    if other_cycles:
        number, cycles = other_cycles[0]
        advice = f"entry {number} is for this program with --max-cycles {cycles}: submit it with that"
    of_cycles = f"with {order.max_cycles} cycles at most"
    return f"{what} {of_cycles}. There is {named}{more}. Nothing was sent: {advice}"


def _named(listed: ListedEntry, why: str) -> str:
    return f"entry {listed.number} ({listed.entry.system}), {why}"


def _other_cycles(
    listed: list[ListedEntry], image_root: Bytes32, entry: int, known: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """Live entries that are for the same program with another maximum of cycles, as far as one can guess."""
    powers = (1 << bit for bit in range(CYCLES_LIMIT.bit_length()))
    hashes = {named_program(image_root, entry, cycles): cycles for cycles in (*powers, *known)}
    for each in listed:
        if each.state is EntryState.LIVE and each.entry.program_hash in hashes:
            yield each.number, hashes[each.entry.program_hash]
