#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Everything that JobReader does, for tests
"""
from interfaces import IItems
from interfaces import IJobs
from interfaces import IKept
from interfaces import IResults
from modules import job_reader

JOBS: immutable(address)
question: job_reader.Question
source: job_reader.Question
called: public(uint256)


@deploy
@payable
def __init__(jobs: address):
    JOBS = jobs


@external
@payable
def __default__():
    pass


@external
@payable
def ask(order: IJobs.Order, program: job_reader.Program, parameters_id: uint16):
    self.question = job_reader.ask(JOBS, order, program, parameters_id)


@external
def expect(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    self.question = job_reader.expect(JOBS, job_id, work, terms)


@external
def keep_as_source():
    self.source = self.question


@external
def set_source(question: job_reader.Question):
    self.source = question


@external
def forget():
    self.question = empty(job_reader.Question)


@external
def feed(work: IJobs.Work, terms: IJobs.JobTerms):
    self.question = job_reader.fed(self.question, self.source, work, terms)


@external
@view
def check_kept(kept: address):
    job_reader.check_kept(self.question, kept)


@external
def supply(
    kept: address,
    work: IJobs.Work,
    terms: IJobs.JobTerms,
    program: IKept.Named,
    input: IKept.Named,
    program_parts: DynArray[IItems.Part, 256],
    input_parts: DynArray[IItems.Part, 256],
):
    job_reader.supply(
        self.question, kept, work, terms, program, input, program_parts, input_parts
    )


@external
def on_job(job_id: uint256):
    job_reader.check_callback(self.question, job_id)
    self.called += 1


@external
def withdraw(asset: address, receiver: address):
    job_reader.withdraw(self.question, asset, receiver)


@external
@view
def proved(shard_index: uint32, evidence: job_reader.Evidence) -> IResults.Result:
    return job_reader.proved(self.question, shard_index, evidence)


@external
@view
def proved_any(shard_index: uint32, evidence: job_reader.Evidence) -> IResults.Result:
    return job_reader.proved_any(self.question, shard_index, evidence)


@external
@view
def written(shard_index: uint32) -> IResults.Result:
    return job_reader.written(self.question, shard_index)


@external
@view
def written_any(shard_index: uint32) -> IResults.Result:
    return job_reader.written_any(self.question, shard_index)


@external
@view
def proved_output(shard_index: uint32, evidence: job_reader.Evidence, output: Bytes[8192]):
    job_reader.proved_output(self.question, shard_index, evidence, output)


@external
@view
def written_output(shard_index: uint32, output: Bytes[8192]):
    job_reader.written_output(self.question, shard_index, output)


@external
@view
def proved_chunk(shard_index: uint32, evidence: job_reader.Evidence, chunk: job_reader.Chunk):
    job_reader.proved_chunk(self.question, shard_index, evidence, chunk)


@external
@view
def written_chunk(shard_index: uint32, chunk: job_reader.Chunk):
    job_reader.written_chunk(self.question, shard_index, chunk)


@external
@pure
def check_output(result: IResults.Result, output: Bytes[8192]):
    job_reader.check_output(result, output)


@external
@pure
def check_chunk(result: IResults.Result, chunk: job_reader.Chunk):
    job_reader.check_chunk(result, chunk)
