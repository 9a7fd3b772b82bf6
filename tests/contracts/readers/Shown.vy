#pragma version 0.4.3
from interfaces import IJobs
from modules import job_reader

QUESTION: immutable(job_reader.Question)


@deploy
def __init__(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    QUESTION = job_reader.expect(jobs, job_id, work, terms)


@external
def use(evidence: job_reader.Evidence, output: Bytes[8192]):
    job_reader.proved_output(QUESTION, 0, evidence, output)
    # output is what the program wrote: final, accepted, and of the job that was meant
