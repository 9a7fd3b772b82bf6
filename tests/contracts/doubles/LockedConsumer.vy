#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer that calls whom it is told to while it is locked, and cannot be called back meanwhile
"""

count: public(uint256)


@external
@nonreentrant
def run(target: address, message: Bytes[4096]):
    raw_call(target, message)


@external
@nonreentrant
def on_job(job_id: uint256):
    self.count += 1
