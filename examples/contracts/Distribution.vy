#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer that reads a large output row by row: coins for those whom a computation names
@license Apache-2.0
@notice The output is a table of rows of 32 bytes, [ account 20 | amount 12 ], as long as it likes: everybody brings its
        own row and the path from it.
"""
from interfaces import IJobs
from interfaces import IResults
from modules import job_reader


event Paid:
    index: indexed(uint64)
    account: indexed(address)
    amount_wei: uint256


QUESTION: immutable(job_reader.Question)

result: IResults.Result
is_paid: public(HashMap[uint64, bool])


@deploy
@payable
def __init__(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    """
    @notice Who deploys it says which job it means, in full.
    """
    QUESTION = job_reader.expect(jobs, job_id, work, terms)


@external
def settle(evidence: job_reader.Evidence):
    """
    @notice Prove the result, once and for all. By anybody.
    """
    assert not self.result.is_final, "settled already"
    self.result = job_reader.proved(QUESTION, 0, evidence)


@external
def claim(index: uint64, account: address, amount_wei: uint96, path: DynArray[bytes32, 24]):
    """
    @notice Pay a row of the table. By anybody.
    """
    assert not self.is_paid[index], "paid already"
    # A row is one leaf: a path of another length would be that of a longer part.
    assert len(path) == 24, "not the path of a row"
    row: Bytes[32] = concat(convert(account, bytes20), convert(amount_wei, bytes12))
    job_reader.check_chunk(self.result, job_reader.Chunk(index=index, content=row, path=path))
    self.is_paid[index] = True
    log Paid(index=index, account=account, amount_wei=convert(amount_wei, uint256))
    raw_call(account, b"", value=convert(amount_wei, uint256))
