#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer with moods: 0 counts its calls, 1 reverts, 2 burns all its gas, 3 returns a lot, 4 calls back
"""


interface Results:
    def is_complete(job_id: uint256) -> bool: view


mood: uint256
count: public(uint256)
gas_seen: public(uint256)
message: Bytes[4096]
was_refused: public(bool)


@external
def feel(mood: uint256, message: Bytes[4096]):
    self.mood = mood
    self.message = message


@external
def on_job(job_id: uint256):
    self.gas_seen = msg.gas
    if self.mood == 1:
        raise "not today"
    if self.mood == 2:
        for index: uint256 in range(10**9):
            self.count = index
    if self.mood == 3:
        raw_revert(slice(msg.data, 0, 36))
    if self.mood == 4:
        is_success: bool = raw_call(msg.sender, self.message, revert_on_failure=False)
        self.was_refused = not is_success
        assert staticcall Results(msg.sender).is_complete(job_id), "views are refused"
    self.count += 1
