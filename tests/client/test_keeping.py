"""Programs and inputs are kept before a job is posted, whatever interrupts it, and bonds come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from tests.client.kept_network import COIN_WEI, RULES, KeptNetwork, open_kept_network
from tests.crash.mortals import TIMELESS, Executioner, Killed, MortalStore
from tests.e2e.network import ELF, INPUT, MAX_CYCLES, WatchedProvider
from truestep.adapters.blobs.addresses import kzg_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.keepers.publishing import check_served, checked_url, public_url, publish
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.client import Order
from truestep.client.items import OwnItem, close_items, items_of
from truestep.client.keeping import KeepingTerms, Tell
from truestep.client.receipt import OutputsPart, parse_receipt
from truestep.client.supplies import Availability, input_content
from truestep.client.verification import check_chain
from truestep.composition.network import deployment_store
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.rules import rent_wei

ORDER = Order(max_cycles=MAX_CYCLES, reward_wei=1_000, availability=Availability.KEEPERS)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[KeptNetwork]:
    opened = open_kept_network(tmp_path)
    yield opened
    opened.close()


def test_a_job_is_posted_once_its_data_is_kept_and_can_be_taken_then(network: KeptNetwork) -> None:
    network.enrol(3)
    client = network.client()
    job = client.submit(ELF, INPUT, order=ORDER, tell=network.said.append)
    assert job.record().is_ready
    facts = client.chain.facts()
    assert facts.kept.supplied[job.job_id] == (ItemId(1), ItemId(1))  # both are in one small item
    assert facts.data.items[ItemId(1)].state is ItemState.KEPT
    assert any("a bond of 0.04 ETH, which comes back" in each for each in network.said)
    assert any("no keepers are drawn yet" in each for each in network.said)
    # the program is kept already, and so is the input: nothing else is registered
    again = client.submit(ELF, INPUT, order=replace(ORDER, seed=None))
    assert again.record().is_ready and again.job_id != job.job_id
    other = client.submit(ELF, INPUT + b"more", order=ORDER)
    facts = client.chain.facts()
    assert facts.kept.supplied[other.job_id] == (ItemId(1), ItemId(2))
    assert [part.depth for part in facts.data.items[ItemId(2)].parts] == [24]


def test_items_of_others_are_not_relied_on(network: KeptNetwork) -> None:
    """Whoever registers an item may have friends among its keepers, who let it be lost."""
    network.enrol(2)
    network.client().submit(ELF, INPUT, order=ORDER)
    stranger, network.requester = network.requester, network.new_account()
    job = network.client().submit(ELF, INPUT, order=ORDER)
    facts = network.client().chain.facts()
    assert facts.kept.supplied[job.job_id] == (ItemId(2), ItemId(2))
    assert facts.data.items[ItemId(1)].record.registrant == stranger.address


def test_what_keepers_do_not_take_is_closed_and_its_bond_comes_back(network: KeptNetwork) -> None:
    network.enrol(2)
    network.signs = False
    client = network.client()
    terms = KeepingTerms(url=network.store.url, fee_wei=10**12)
    with pytest.raises(Rejected, match="too few keepers have taken item 1 in 2 min: 0 of 2") as refused:
        client.submit(ELF, INPUT, order=replace(ORDER, keeping=terms), tell=network.said.append)
    assert refused.value.reason is Reject.DATA_NOT_KEPT
    assert "or need longer than 1 min to fetch and check 1 blob" in str(refused.value)
    facts = client.chain.facts()
    assert not facts.data.items and not facts.job_count
    least_wei, most_wei = (2 * (days * 10**12 + rent_wei(RULES, days * 86_400)) for days in (21, 22))
    assert least_wei < network.owed() - RULES.registrant_bond_wei < most_wei
    network.signs = True
    assert client.submit(ELF, INPUT, order=ORDER).record().is_ready


def test_an_item_that_was_waited_for_in_vain_is_closed_the_next_time(network: KeptNetwork) -> None:
    """The first run was ended by its user; hours later another one begins."""
    network.enrol(2)
    network.signs = False
    client = network.client()
    with pytest.raises(KeyboardInterrupt):
        client.submit(ELF, INPUT, order=ORDER, tell=_interrupting("no keepers are drawn"))
    network.devnet.advance(7_200)
    network.signs = True
    job = network.client().submit(ELF, INPUT, order=ORDER, tell=network.said.append)
    assert any("closed item 1" in each for each in network.said)
    assert network.client().chain.facts().kept.supplied[job.job_id] == (ItemId(2), ItemId(2))


def test_a_run_that_goes_on_waits_for_the_same_item(network: KeptNetwork) -> None:
    network.enrol(2)
    with pytest.raises(KeyboardInterrupt):
        network.client().submit(ELF, INPUT, order=ORDER, tell=_interrupting("no keepers are drawn"))
    network.client().submit(ELF, INPUT, order=ORDER)
    assert network.facts().item_count == 1


def _interrupting(words: str) -> Tell:
    def tell(sentence: str) -> None:
        if words in sentence:
            raise KeyboardInterrupt

    return tell


def test_items_that_are_over_are_closed_and_their_coins_taken(network: KeptNetwork) -> None:
    network.enrol(2)
    client = network.client()

    def listed() -> list[OwnItem]:
        return items_of(client.chain, client.chain.account, RULES)

    with pytest.raises(KeyboardInterrupt):
        client.submit(ELF, INPUT, order=ORDER, tell=_interrupting("no keepers are drawn"))
    assert [each.is_over for each in listed()] == [False]
    network.devnet.advance(RULES.acknowledge_seconds + 1)
    [first] = listed()
    assert (first.is_over, first.signed_count) == (True, 0)
    assert [hold.split()[0] for hold in first.holds] == ["program", "data"]
    assert close_items(client.chain, [first]) == [first]
    assert close_items(client.chain, [first]) == []
    fees_wei = client.withdraw().for_data_wei - RULES.registrant_bond_wei
    assert 2 * rent_wei(RULES, 21 * 86_400) < fees_wei < 2 * rent_wei(RULES, 22 * 86_400)
    network.client().submit(ELF, INPUT, order=ORDER)
    assert [(each.is_over, each.signed_count) for each in listed()] == [(False, 2)]
    network.devnet.advance(60 * 86_400)
    assert len(close_items(client.chain, listed())) == 1
    unearned_wei = client.withdraw().for_data_wei - RULES.registrant_bond_wei
    assert 0 <= unearned_wei < 2 * rent_wei(RULES, 3_600), "the keepers have earned the rest"
    assert listed() == []


# --- how long it is kept ---------------------------------------------------------------------------


def test_data_is_kept_for_as_long_as_is_asked_for(network: KeptNetwork) -> None:
    network.enrol(2, shares=1)
    for seconds, words in ((86_400, "at least 21 d 2 h, got 1 d"), (501 * 86_400, "at most 499 d 23 h")):
        order = replace(ORDER, keeping=KeepingTerms(url=network.store.url, keep_seconds=seconds))
        with pytest.raises(Rejected, match=words) as refused:
            network.client().submit(ELF, INPUT, order=order)
        assert refused.value.reason is Reject.DATA_END
    assert not network.facts().item_count and not network.client().chain.counters().program_count
    order = replace(ORDER, keeping=KeepingTerms(url=network.store.url, keep_seconds=60 * 86_400))
    network.client().submit(ELF, INPUT, order=order, tell=network.said.append)
    [item] = network.facts().items.values()
    assert 60 * 86_400 - 60 < item.record.until - item.record.since <= 60 * 86_400
    assert any("(60 days; the job may need it until" in each for each in network.said)
    order = replace(ORDER, keeping=KeepingTerms(url=network.store.url, keep_seconds=86_400))
    with pytest.raises(Rejected, match="at least 21 d 2 h, got 1 d"):
        network.client().submit(ELF, INPUT, order=order)
    # the same again: it is there already, and nothing more is paid
    order = replace(ORDER, keeping=KeepingTerms(url=network.store.url, keep_seconds=90 * 86_400))
    network.client().submit(ELF, INPUT, order=order, tell=network.said.append)
    assert network.facts().item_count == 1
    assert any("`truestep extend 1` has the same bytes kept" in each for each in network.said)


def test_what_keepers_cannot_take_is_refused_before_coins_move(network: KeptNetwork) -> None:
    """Each has one share, and a first job has locked them."""
    network.enrol(2, shares=1)
    network.client().submit(ELF, INPUT, order=ORDER)
    before = network.coins()
    with pytest.raises(Rejected, match="2 keepers, of which 0 can take more, 0 seats in all") as refused:
        network.client().submit(ELF, b"other", order=ORDER)
    assert refused.value.reason is Reject.KEEPERS_TOO_FEW
    assert network.coins() == before and network.facts().item_count == 1
    network.enrol(1, shares=1)
    with pytest.raises(Rejected, match="3 keepers, of which 1 can take more, 1 seat in all"):
        network.client().submit(ELF, b"other", order=ORDER)
    network.enrol(1, shares=1)
    network.client().submit(ELF, b"other", order=ORDER)
    assert network.facts().items[ItemId(2)].record.seat_count == 2, "not more than can be filled"


def test_the_whole_sum_is_named_before_anything_is_sent(network: KeptNetwork) -> None:
    network.enrol(2)
    have_wei = RULES.registrant_bond_wei + COIN_WEI // 10
    poor = Account.create()
    network.devnet.fund(poor.address, have_wei)
    network.requester = poor
    order = replace(ORDER, reward_wei=COIN_WEI // 10, keeping=KeepingTerms(url=network.store.url))
    with pytest.raises(Rejected) as refused:
        network.client().submit(ELF, INPUT, order=order)
    words = str(refused.value)
    assert refused.value.reason is Reject.FUNDS_TOO_LOW
    assert words.startswith(f"not enough coins in the wallet: {poor.address} has 0.14 ETH, and to submit")
    for part in ("0.1 ETH of rewards", "0.04 ETH of bonds for its data, which come back", "for gas"):
        assert part in words
    assert "of fees for its keepers" in words and "Nothing was sent" in words
    assert network.coins() == have_wei and not network.facts().item_count


def test_who_interrupts_it_knows_what_is_left_behind(network: KeptNetwork) -> None:
    network.enrol(2)
    left: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        network.client().submit(
            ELF, INPUT, order=ORDER, tell=_interrupting("no keepers are drawn"), leave_behind=left.append
        )
    assert "an item with program and input is registered, with a bond of 0.04 ETH" in left[-1]
    assert "The same command goes on with it and pays nothing twice" in left[-1]
    job = network.client().submit(ELF, INPUT, order=ORDER, leave_behind=left.append)
    assert f"`truestep supply {job.job_id} --availability keepers`" in left[-1]
    remembering = network.client(SqliteStore())
    other = remembering.submit(ELF, INPUT, order=ORDER, leave_behind=left.append)
    assert left[-1].startswith(
        f"job {other.job_id} is posted. Nobody can take it before it is supplied. The same"
    )


# --- a longer stay --------------------------------------------------------------------------------


def test_an_item_is_kept_for_longer_by_another_one(network: KeptNetwork) -> None:
    network.enrol(2)
    network.client().submit(ELF, INPUT, order=ORDER)
    [first] = network.facts().items.values()
    client, left = network.client(), list[str]()
    with pytest.raises(Rejected, match=r"item 1 is kept until .* already: expected a longer time") as refused:
        client.extend(ItemId(1), 86_400)
    assert refused.value.reason is Reject.DATA_END
    with pytest.raises(Rejected, match="at most 499 d 23 h"):
        client.extend(ItemId(1), 501 * 86_400)
    with pytest.raises(Rejected, match="the chain has no item 2, or it is over"):
        client.extend(ItemId(2), 90 * 86_400)
    with pytest.raises(KeyboardInterrupt):
        client.extend(
            ItemId(1), 90 * 86_400, tell=_interrupting("no keepers are drawn"), leave_behind=left.append
        )
    assert "The same command goes on with it and pays nothing twice" in left[-1]
    # anybody can, and the second run goes on with what the first has begun
    assert network.client().extend(ItemId(1), 90 * 86_400, tell=network.said.append) == ItemId(2)
    second = network.facts().items[ItemId(2)]
    assert (second.name, second.state) == (first.name, ItemState.KEPT)
    assert 90 * 86_400 - 60 < second.record.until - second.record.since <= 90 * 86_400
    assert network.client().extend(ItemId(1), 90 * 86_400) == ItemId(2)
    # a later job needs no other
    network.client().submit(ELF, INPUT, order=ORDER)
    assert network.facts().item_count == 2
    network.requester = network.new_account()
    assert network.client().extend(ItemId(1), 100 * 86_400, tell=network.said.append) == ItemId(3)
    assert any("registers the bytes of item 1 with 2 keepers until" in each for each in network.said)


def test_a_longer_stay_takes_its_whole_sum_before(network: KeptNetwork) -> None:
    network.enrol(2)
    network.client().submit(ELF, INPUT, order=ORDER)
    network.requester = Account.create()
    network.devnet.fund(network.requester.address, RULES.registrant_bond_wei)
    with pytest.raises(Rejected, match=r"to extend item 1 takes .* in all: 0.04 ETH of a bond"):
        network.client().extend(ItemId(1), 90 * 86_400)
    assert network.facts().item_count == 1


def test_what_has_no_keepers_is_not_extended(network: KeptNetwork) -> None:
    for availability, words in (
        (Availability.CALLDATA, "in calldata, which stays for ever"),
        (Availability.BLOB, "in blobs of a transaction, which no keeper has"),
    ):
        network.client().submit(ELF, availability.encode(), order=replace(ORDER, availability=availability))
        with pytest.raises(Rejected, match=words):
            network.client().extend(ItemId(network.facts().item_count), 90 * 86_400)


# --- what is refused before any coins move --------------------------------------------------------


def test_nothing_is_registered_that_keepers_could_not_fetch(network: KeptNetwork, tmp_path: Path) -> None:
    network.enrol(2)
    elsewhere = BlobServer(DirectoryBlobs(tmp_path / "elsewhere"))
    terms = KeepingTerms(url=elsewhere.url)
    with pytest.raises(Unavailable, match="it is not there"):
        network.client().submit(ELF, INPUT, order=replace(ORDER, keeping=terms))
    elsewhere.close()
    assert not network.facts().item_count


def test_too_few_keepers_are_said(network: KeptNetwork) -> None:
    network.enrol(1)
    with pytest.raises(
        Rejected, match="this network has 1 keeper, of which 1 can take more, 4 seats in all"
    ) as refused:
        network.client().submit(ELF, INPUT, order=ORDER)
    assert refused.value.reason is Reject.KEEPERS_TOO_FEW


def test_data_beyond_the_bond_is_refused(network: KeptNetwork) -> None:
    network.enrol(2)
    rules = network.deployment.rules
    blobs = rules.operator_bond_wei // 2 // RULES.blob_bond_wei
    with pytest.raises(Rejected, match="--bond-multiple") as refused:
        network.client().submit(ELF, bytes(blobs * 126_976 + 1), order=ORDER)
    assert refused.value.reason is Reject.DATA_BOND
    assert not network.facts().item_count


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([], "expected the URL of a blob store"),
        (["some/folder"], "expected the URL of a blob store"),
        (["https://me:secret@store.example"], "without a password"),
        (["https://store.example/" + "x" * 256], "at most 256 bytes"),
    ],
)
def test_stores_that_cannot_be_named_on_the_chain(places: list[str], message: str) -> None:
    with pytest.raises(Rejected, match=message):
        public_url(places)


def test_what_keepers_would_not_connect_to_is_noticed(network: KeptNetwork) -> None:
    """On a public chain they go to public addresses only: a store on this computer is none."""
    manifest = publish(network.blobs, open_kzg(), [input_content(INPUT).tree])
    check_served(network.store.url, manifest)
    with pytest.raises(Unavailable, match="keepers connect to public addresses only"):
        check_served(network.store.url, manifest, may_be_private=False)
    (network.folder / "store" / kzg_name(manifest.versioned_hashes[0])).unlink()
    with pytest.raises(Unavailable, match="it is not there"):
        check_served(network.store.url, manifest)


def test_no_password_is_written_on_the_chain() -> None:
    with pytest.raises(Rejected, match="without a name or password"):
        checked_url("https://me:secret@store.example")


def test_the_first_store_with_a_url_is_named() -> None:
    assert public_url(["folder", "https://a:b@c", "https://store.example/x/"]) == "https://store.example/x"


# --- data on the chain itself ---------------------------------------------------------------------


def test_small_data_is_written_to_the_chain_without_keepers_or_a_bond(network: KeptNetwork) -> None:
    order = replace(ORDER, availability=Availability.CALLDATA)
    before = network.coins()
    client = network.client()
    job = client.submit(ELF, INPUT, order=order, tell=network.said.append)
    assert before - network.coins() < COIN_WEI // 100
    facts = client.chain.facts()
    assert facts.kept.supplied[job.job_id] == (ItemId(1), ItemId(1)) and job.record().is_ready
    assert any("to the chain" in each and "without a bond" in each for each in network.said)
    # what is there stays, whoever wrote it
    network.requester = network.new_account()
    network.enrol(2)
    again = network.client().submit(ELF, INPUT, order=ORDER)
    assert network.client().chain.facts().kept.supplied[again.job_id] == (ItemId(1), ItemId(1))
    network.settle(again)
    assert again.receipt().kept is not None


def test_data_that_the_chain_does_not_take_is_refused_before_anything_is_sent(network: KeptNetwork) -> None:
    order = replace(ORDER, availability=Availability.CALLDATA)
    with pytest.raises(Rejected, match="at most 24,576 bytes each") as refused:
        network.client().submit(ELF, bytes(24_577), order=order)
    assert refused.value.reason is Reject.DATA_SIZE
    assert not network.facts().item_count


def test_a_reducer_is_supplied_once_it_is_fed(network: KeptNetwork) -> None:
    source = network.client().submit(ELF, INPUT, order=replace(ORDER, availability=Availability.NONE))
    client = network.client()
    order = replace(ORDER, availability=Availability.CALLDATA, reducer_of=source.job_id, slot_bytes=8)
    reducer = client.submit(ELF, order=order)
    with pytest.raises(Rejected, match="truestep feed") as refused:
        client.supply(reducer.job_id, availability=Availability.CALLDATA)
    assert refused.value.reason is Reject.JOB_WAITS
    network.settle(source)
    content = reducer.feed(client.chain)
    assert not reducer.record().is_ready
    assert client.supply(reducer.job_id, availability=Availability.CALLDATA)
    assert not client.supply(reducer.job_id, availability=Availability.CALLDATA)
    assert reducer.record().is_ready and reducer.record().input_size == len(content)


# --- receipts -------------------------------------------------------------------------------------


def test_a_receipt_names_the_items_and_a_changed_name_is_noticed(network: KeptNetwork) -> None:
    network.enrol(2)
    job = network.client().submit(ELF, INPUT, order=replace(ORDER, shard_count=2))
    network.settle(job)
    receipt = job.receipt()
    assert receipt.kept is not None and receipt.version == 3
    assert (receipt.kept.program.item_id, receipt.kept.input.item_id) == (1, 1)
    [outputs] = receipt.kept.outputs
    assert outputs.item is not None and outputs.item.item_id == 2
    assert parse_receipt(receipt.to_json()) == receipt
    chain = network.client().chain
    assert [check.name for check in check_chain(receipt, chain) if not check.passed] == []
    program, none = receipt.kept.program, OutputsPart(batch_id=outputs.batch_id, item=None)
    for changed in (
        None,
        receipt.kept.model_copy(update={"program": program.model_copy(update={"item_id": 2})}),
        receipt.kept.model_copy(update={"input": program.model_copy(update={"until": 1})}),
        receipt.kept.model_copy(update={"outputs": (none,)}),
        receipt.kept.model_copy(update={"outputs": ()}),
    ):
        wrong = receipt.model_copy(update={"kept": changed})
        failed = [check.name for check in check_chain(wrong, chain) if not check.passed]
        assert failed == ["the items of data are those that the job was supplied with"]


# --- whatever interrupts it -----------------------------------------------------------------------

PUTS_KILLED = 4
BOUNDARIES = (
    "before a write", "after a write", "before a send", "after a send", "before a put", "after a put",
)  # fmt: skip


@pytest.mark.parametrize(
    ("availability", "boundary"),
    [
        pytest.param(how, each, marks=() if each == "after a send" else pytest.mark.long)
        for how in (Availability.KEEPERS, Availability.BLOB)
        for each in BOUNDARIES
        if how is Availability.KEEPERS or not each.endswith("put")
    ],
)
def test_a_run_that_is_killed_everywhere_pays_once(
    network: KeptNetwork, availability: Availability, boundary: str, tmp_path: Path
) -> None:
    """Killed at each such instant, and begun again with its journal, it makes one item and one job."""
    network.policy = TIMELESS
    network.enrol(2)
    executioner = Executioner(boundary=boundary, is_armed=True)
    coins = network.coins()
    node = WatchedProvider(network.devnet.node, _at(executioner, "before"), _at(executioner, "after"))
    for _ in range(100):
        store = SqliteStore(tmp_path / "state")
        try:
            blobs = MortalBlobs(network.blobs, executioner)
            mortal = MortalStore(deployment_store(store, network.deployment), executioner)
            order = replace(ORDER, availability=availability)
            network.client(mortal, node=node, blobs=blobs).submit(ELF, INPUT, order=order)
            break
        except Killed:
            if boundary.endswith("put"):  # what was stored is stored again: no run could ever end
                executioner.is_armed = executioner.kills < PUTS_KILLED
        finally:
            store.close()
    else:
        raise AssertionError("it never ends")
    facts = network.client().chain.facts()
    assert executioner.kills >= PUTS_KILLED
    assert (facts.job_count, facts.data.item_count, len(facts.kept.supplied)) == (1, 1, 1)
    spent = coins - network.coins()
    assert 0 < spent - RULES.registrant_bond_wei - ORDER.reward_wei < COIN_WEI // 10  # gas


def _at(executioner: Executioner, when: str) -> Callable[[str], None]:
    def watch(method: str) -> None:
        if method == "eth_sendRawTransaction":
            executioner.reach(f"{when} a send")

    return watch


class MortalBlobs(DirectoryBlobs):
    """A store whose user may be killed at each write."""

    def __init__(self, inner: DirectoryBlobs, executioner: Executioner) -> None:
        super().__init__(inner.path_of("x").parent)
        self._executioner = executioner

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        self._executioner.reach("before a put")
        super().put_named(name, content, should_stop=should_stop)
        self._executioner.reach("after a put")
