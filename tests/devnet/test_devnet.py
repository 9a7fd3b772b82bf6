"""The devnet's server: a node to any client, and closed to everybody else."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3 import Account, HTTPProvider, Web3
from web3.exceptions import ContractLogicError, TransactionNotFound

from truestep.adapters.blobs.addresses import blob_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.network import open_reader
from truestep.contracts.artifacts import load_artifact
from truestep.devnet.block_times import BUSY_SECONDS, IDLE_BLOCK_SECONDS
from truestep.devnet.network import POLICY, devnet_parameters
from truestep.devnet.remote import RemoteDevnet
from truestep.devnet.rpc import BATCH_LIMIT, DevnetRpc
from truestep.devnet.server import RPC_LIMIT_BYTES, serving
from truestep.machine.layout import RANGE_LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    url: str
    web3: Any
    devnet: EmbeddedDevnet


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served, None, None]:
    devnet = EmbeddedDevnet()
    blobs = DirectoryBlobs(tmp_path_factory.mktemp("blobs"))
    with serving(DevnetRpc(devnet), blobs, 0) as url:
        yield Served(url=url, web3=Web3(HTTPProvider(url)), devnet=devnet)


def _post(served: Served, body: bytes, headers: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(served.url, data=body, headers=headers or {}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def test_contracts_are_deployed_and_asked_over_http(served: Served) -> None:
    deployer = Account.create()
    RemoteDevnet(served.url).fund(deployer.address, 10**19)
    deployment = deploy(served.web3, deployer, SqliteStore(), devnet_parameters(240), policy=POLICY)
    over_http, inside = (open_reader(node, deployment) for node in (served.url, served.devnet.node))
    assert over_http.parameters() == inside.parameters()
    assert inside.parameters().window_seconds == 240
    head = inside.head()
    assert over_http.block_hash(head.number) == head.hash
    assert over_http.events(deployment.block_number, head.number) == inside.events(
        deployment.block_number, head.number
    )


def test_a_revert_keeps_its_reason(served: Served) -> None:
    rich = served.web3.eth.accounts[0]
    artifact = load_artifact("Programs")
    factory = served.web3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
    receipt = served.web3.eth.wait_for_transaction_receipt(factory.constructor().transact({"from": rich}))
    programs = served.web3.eth.contract(address=receipt["contractAddress"], abi=list(artifact.abi))
    with pytest.raises(ContractLogicError, match="unknown program"):
        programs.functions.get(5).call()


def test_a_transaction_and_its_receipt(served: Served) -> None:
    account = Account.create()
    RemoteDevnet(served.url).fund(account.address, 10**18)
    signed = account.sign_transaction(
        {
            "to": account.address,
            "value": 5,
            "gas": 21_000,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 10**9,
            "nonce": 0,
            "chainId": served.web3.eth.chain_id,
        }
    )
    sent = served.web3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = served.web3.eth.get_transaction_receipt(sent)
    assert (receipt["status"], receipt["gasUsed"], receipt["from"]) == (1, 21_000, account.address)
    assert served.web3.eth.get_transaction(sent)["value"] == 5
    assert served.web3.eth.get_transaction_count(account.address) == 1
    with pytest.raises(TransactionNotFound):
        served.web3.eth.get_transaction_receipt("0x" + "11" * 32)


def test_time_follows_the_clock_and_can_be_moved(served: Served) -> None:
    served.web3.provider.make_request("evm_mine", [])
    assert abs(served.web3.eth.get_block("latest")["timestamp"] - time.time()) < 300
    before = int(time.time())
    RemoteDevnet(served.url).advance(10_000)
    assert served.web3.eth.get_block("latest")["timestamp"] >= before + 10_000


def test_an_idle_chain_mines() -> None:
    now = [time.time()]
    devnet = EmbeddedDevnet()
    rpc = DevnetRpc(devnet, clock=lambda: now[0])
    web3: Any = Web3(devnet.node)
    now[0] += 100
    rpc.tick()
    block = web3.eth.get_block("latest")
    assert block["timestamp"] == int(now[0])
    rpc.tick()
    assert web3.eth.block_number == block["number"]


def test_a_chain_that_nobody_uses_mines_less() -> None:
    now = [1e9 + time.time()]
    devnet = EmbeddedDevnet()
    rpc = DevnetRpc(devnet, clock=lambda: now[0])
    rpc.tick()

    def mined(seconds: int) -> int:
        before = devnet.node.newest_block_seconds(), _answer(rpc, "eth_blockNumber")
        for _ in range(seconds):
            now[0] += 1
            rpc.tick()
        assert devnet.node.newest_block_seconds() > before[0] + seconds - IDLE_BLOCK_SECONDS
        return int(_answer(rpc, "eth_blockNumber"), 16) - int(before[1], 16)

    mined(BUSY_SECONDS)
    assert mined(10 * IDLE_BLOCK_SECONDS) == 10
    rich = _answer(rpc, "eth_accounts")[0]
    _answer(rpc, "eth_sendTransaction", {"from": rich, "to": rich, "gas": "0x5208"})
    assert mined(10) == 10


def test_a_transaction_takes_one_block_with_the_clocks_time() -> None:
    now = [1e9 + time.time()]
    rpc = DevnetRpc(EmbeddedDevnet(), clock=lambda: now[0])
    rich = _answer(rpc, "eth_accounts")[0]
    transfer = {"from": rich, "to": rich, "input": "0x"}
    assert int(_answer(rpc, "eth_estimateGas", transfer, "pending"), 16) >= 21_000
    sent = _answer(rpc, "eth_sendTransaction", transfer | {"gas": "0x5208"})
    block = _answer(rpc, "eth_getBlockByNumber", "latest", False)
    assert (block["number"], int(block["timestamp"], 16)) == ("0x1", int(now[0]))
    receipts = [[_answer(rpc, "eth_getTransactionReceipt", sent)]]
    assert [_answer(rpc, "eth_getBlockReceipts", block[name]) for name in ("number", "hash")] == receipts * 2
    assert _answer(rpc, "eth_getBlockReceipts", "0xffff") is None


def _answer(rpc: DevnetRpc, method: str, *params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.loads(rpc.answer(json.dumps(request).encode()))["result"]


def test_requests_in_a_batch(served: Served) -> None:
    batch = [{"jsonrpc": "2.0", "id": n, "method": "eth_chainId", "params": []} for n in range(3)]
    responses = _post(served, json.dumps(batch).encode())
    assert [response["id"] for response in responses] == [0, 1, 2]
    assert {int(response["result"], 16) for response in responses} == {served.web3.eth.chain_id}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"nonsense", -32700),
        (b"[" * 100_000, -32700),
        (b"{}", -32600),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"method": 5}', -32600),
        (b'{"id": 1, "method": "eth_call", "params": {}}', -32600),
        (b'{"id": 1, "method": "eth_call", "params": ["x"]}', -32000),
        (b'{"id": 1, "method": "no_such"}', -32601),
        (b'{"id": 1, "method": "evm_increaseTime", "params": [-5]}', -32000),
        (b'{"id": 1, "method": "eth_sendRawTransaction", "params": ["0x00"]}', -32000),
        (json.dumps([{"method": "eth_chainId"}] * (BATCH_LIMIT + 1)).encode(), -32600),
    ],
)
def test_a_bad_request_is_answered(served: Served, body: bytes, code: int) -> None:
    assert _post(served, body)["error"]["code"] == code
    assert served.web3.eth.chain_id > 0


def test_an_oversized_request_is_refused(served: Served) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/", headers={"Content-Length": str(RPC_LIMIT_BYTES + 1)})
    assert connection.getresponse().status == 413


def test_a_page_that_rebinds_its_name_is_refused(served: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        _post(served, b'{"method": "eth_accounts"}', {"Host": "evil.example"})
    assert refused.value.code == 403


def test_blobs_come_back(served: Served) -> None:
    blobs = HttpBlobs(f"{served.url}/blobs")
    content = bytes(range(256)) * 5000
    assert blobs.get(blobs.put(content), len(content)) == content
    root = root_of_bytes(content, RANGE_LEVEL)
    blobs.put_output(root, content)
    assert blobs.get_output(root, len(content)) == content
    with pytest.raises(Unavailable):
        blobs.get(f"blob:{blob_name(b'nobody put this')}", 10)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"blobs/{'ab' * 32}", 400),
        (f"blobs/outputs/{'ab' * 32}-3", 400),
        ("blobs/../deployment.json", 404),
        ("blobs/xyz", 404),
    ],
)
def test_a_blob_that_is_not_what_it_says_is_refused(served: Served, path: str, code: int) -> None:
    request = urllib.request.Request(f"{served.url}/{path}", data=b"lie", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == code


def test_a_port_in_use(served: Served, tmp_path: Path) -> None:
    port = int(served.url.rpartition(":")[2])
    with (
        pytest.raises(Unavailable, match="--port"),
        serving(DevnetRpc(served.devnet), DirectoryBlobs(tmp_path), port),
    ):
        pass
