#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer that refuses calls when the test says so, or with too little gas; it takes no coins
"""

GAS_NEEDED: constant(uint256) = 50_000

refuses: bool


@external
def set_mood(mood: uint256):
    self.refuses = mood == 1


@external
def on_job(job_id: uint256):
    assert not self.refuses and msg.gas >= GAS_NEEDED, "refused"
