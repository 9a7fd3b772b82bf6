"""Jobs under the policy validity on anvil: what Verifiers takes besides the verifier that it asks."""

from __future__ import annotations

from dataclasses import astuple

from _gas_network import OPERATOR, OTHER, Network, leaf
from web3.contract import Contract

from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement.ids import Item
from truestep.protocol.validity.contracts.verifiers import Entry, Selector

POLICY = 2
SELECTOR = Selector(b"gas!")
SEAL = SELECTOR + bytes(32)
SELECTOR_CALL = "ea3d508a"
"""What `selector()` begins with."""
STAND_IN = bytes.fromhex(
    f"5f3560e01c63{SELECTOR_CALL}1460165760015f5260205ff35b63{SELECTOR.hex()}60e01b5f5260205ff3"
)
"""Says 1 to everything, and to `selector()` what it must: a verifier that costs nothing."""


class ValidityNetwork:
    """A network with Verifiers, and one entry that believes the stand-in."""

    def __init__(self, network: Network) -> None:
        self.network, self.gas = network, dict[str, int]()
        self.verifiers: Contract = network.deploy("Verifiers", network.assurances.address)
        network.by_owner(network.assurances, "add", self.verifiers.address, POLICY)
        for number in (1, 2):
            gas = network.by_owner(self.verifiers, "add", astuple(self._entry()), number)
        self.gas["`execute` of an entry that was announced"] = gas

    def _entry(self) -> Entry:
        return Entry(
            verifier=self._stand_in(),
            selector=SELECTOR,
            key_digest=Bytes32(b"k" * 32),
            program_hash=Bytes32(bytes(32)),
            system="stand-in",
            bits=100,
            value_cap_wei=10**24,
            least_bond_wei=0,
            gas_limit=1_000_000,
            active_from=0,
            active_until=2**40 - 1,
        )

    def _stand_in(self) -> Address:
        web3 = self.network.web3
        creation = bytes.fromhex(f"60{len(STAND_IN):02x}80600a5f395ff3").ljust(10, b"\0") + STAND_IN
        sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "data": creation})
        return Address(str(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]))

    def measure(self) -> dict[str, int]:
        """Two proofs of claims of one batch, and a leaf that nobody has proven."""
        network = self.network
        job_id, _ = network.post(4, policy=POLICY)
        taken, _ = network.take([Item(job_id=job_id, first_shard=0, count=4, offset=0).pack()])
        batch, _ = network.claim(taken, [leaf(index) for index in range(4)])
        stated = [
            (batch.claim_id(index), astuple(batch.terms), astuple(network.proof(batch, index)))
            for index in range(4)
        ]
        prove, drop = self.verifiers.functions.prove, self.verifiers.functions.drop
        self.gas["`prove`, the first of a network"] = network.gas(prove(*stated[0], 1, SEAL), OTHER)
        self.gas["`prove`, another claim of the batch"] = network.gas(prove(*stated[1], 1, SEAL), OTHER)
        network.pass_time(batch.terms.window_seconds + 1)
        network.gas(drop(*stated[2]), OPERATOR)
        self.gas["`drop` of a leaf that nobody has proven"] = network.gas(drop(*stated[3]), OPERATOR)
        return self.gas
