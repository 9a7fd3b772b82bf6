"""The operations that everybody may use: what each reads, and how it is answered."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from truestep.adapters.chain.deployment import Deployment
from truestep.base.ids import Address, GameId, JobId, ProgramId, TaskId
from truestep.dashboard.history import JobHistory
from truestep.dashboard.reading import Reading
from truestep.gateway import documents, parameters, views
from truestep.gateway.large import LargeAnswer, Room
from truestep.gateway.operations import BYTES, HEAVY, JSON, MEDIUM, STREAM, Operation
from truestep.gateway.parameters import Values
from truestep.gateway.problems import HEADERS, Refused, unavailable
from truestep.gateway.progress import Streams
from truestep.gateway.results import KeptReceipts, Results
from truestep.gateway.service import answered, client_name
from truestep.gateway.work import Workbench
from truestep.ports.chain import Head

_Found = TypeVar("_Found")


class Reads:
    """Answers reads."""

    def __init__(
        self,
        reading: Reading,
        results: Results,
        deployment: Deployment,
        name: str,
        *,
        orders_to: Address | None = None,
    ) -> None:
        """`name` is the network's; `orders_to` the account that posts orders, if this gateway takes them."""
        self._reading = reading
        self._results = results
        self._deployment = deployment
        self._name = name
        self._orders_to = orders_to
        self._bench = Workbench()
        self._streams = Streams(reading)
        self._receipts = KeptReceipts()
        self._room = Room()

    def operations(self) -> tuple[Operation, ...]:
        """All of them."""
        of_jobs = (*self._of_jobs(), *self._of_shards())
        return (*self._of_network(), *self._of_programs(), *of_jobs, *self._of_people())

    def _of_network(self) -> tuple[Operation, ...]:
        return (
            Operation(
                name="health",
                path="/health",
                summary="Whether the answers are up to date",
                handler=self._health,
                answer=documents.Health,
            ),
            Operation(
                name="network",
                path="/v1/network",
                summary="The network and its figures",
                handler=self._network,
                answer=documents.Network,
            ),
        )

    def _of_programs(self) -> tuple[Operation, ...]:
        return (
            Operation(
                name="program",
                path="/v1/programs/{program_id}",
                summary="A registered program",
                handler=self._program,
                parameters=(parameters.PROGRAM,),
                answer=documents.Program,
            ),
        )

    def _of_jobs(self) -> tuple[Operation, ...]:
        job = (parameters.JOB,)
        return (
            Operation(
                name="jobs",
                path="/v1/jobs",
                summary="Jobs, the newest first",
                handler=self._jobs,
                parameters=(parameters.BEFORE, parameters.LIMIT, parameters.REQUESTER),
                answer=documents.JobList,
            ),
            Operation(
                name="job",
                path="/v1/jobs/{job_id}",
                summary="A job and its terms",
                handler=self._job,
                parameters=job,
                answer=documents.JobDetail,
            ),
            Operation(
                name="job_events",
                path="/v1/jobs/{job_id}/events",
                summary="A job's progress, as server-sent events",
                handler=self._job_events,
                parameters=job,
                kind=STREAM,
            ),
            Operation(
                name="shards",
                path="/v1/jobs/{job_id}/shards",
                summary="The shards of a job",
                handler=self._shards,
                parameters=(parameters.JOB, parameters.FROM, parameters.LIMIT),
                answer=documents.ShardList,
            ),
            Operation(
                name="claims",
                path="/v1/jobs/{job_id}/claims",
                summary="The claims on a job's shards, the newest first",
                handler=self._claims,
                parameters=(parameters.JOB, parameters.SKIP, parameters.LIMIT),
                answer=documents.ClaimList,
            ),
            Operation(
                name="receipt",
                path="/v1/jobs/{job_id}/receipt",
                summary="The receipt of a complete job, for `truestep verify`",
                handler=self._receipt,
                parameters=job,
                refusals=(409, 422),
                cost=HEAVY,
            ),
        )

    def _of_shards(self) -> tuple[Operation, ...]:
        shard = (parameters.JOB, parameters.SHARD)
        path = "/v1/jobs/{job_id}/shards/{shard_index}"
        return (
            Operation(
                name="shard",
                path=path,
                summary="A shard",
                handler=self._shard,
                parameters=shard,
                answer=documents.Shard,
            ),
            Operation(
                name="result",
                path=f"{path}/result",
                summary="The result of a shard, as a contract reads it",
                handler=self._result,
                parameters=shard,
                answer=documents.Result,
                cost=MEDIUM,
            ),
            Operation(
                name="proof",
                path=f"{path}/proof",
                summary="What a contract needs to check the result of a shard",
                handler=self._proof,
                parameters=(*shard, parameters.PART, parameters.PART_LEVEL),
                answer=documents.Proof,
                refusals=(409, 422),
                cost=HEAVY,
            ),
            Operation(
                name="output",
                path=f"{path}/output",
                summary="The output of a final shard, checked against its root",
                handler=self._output,
                parameters=shard,
                kind=BYTES,
                refusals=(409, 422),
                cost=HEAVY,
            ),
        )

    def _of_people(self) -> tuple[Operation, ...]:
        return (
            Operation(
                name="operators",
                path="/v1/operators",
                summary="Operators, in the order of their addresses",
                handler=self._operators,
                parameters=(parameters.AFTER, parameters.LIMIT),
                answer=documents.OperatorList,
            ),
            Operation(
                name="operator",
                path="/v1/operators/{address}",
                summary="An operator",
                handler=self._operator,
                parameters=(parameters.OPERATOR,),
                answer=documents.OperatorDetail,
            ),
            Operation(
                name="disputes",
                path="/v1/disputes",
                summary="Disputes, the newest first",
                handler=self._disputes,
                parameters=(parameters.BEFORE, parameters.LIMIT),
                answer=documents.DisputeList,
            ),
            Operation(
                name="dispute",
                path="/v1/disputes/{game_id}",
                summary="A dispute: how it narrowed, and how it ended",
                handler=self._dispute,
                parameters=(parameters.DISPUTE,),
                answer=documents.DisputeDetail,
            ),
        )

    # --- the network ----------------------------------------------------------------------------------

    async def _health(self, request: Request, values: Values) -> Response:
        del request, values
        reading = self._reading
        with reading.lock:
            head, is_ready = reading.head, reading.head is not None and not reading.trouble
        if not is_ready:
            raise Refused(503, "the node does not answer, or is read for the first time; answers may be old")
        block = head.number if head else None
        return answered(documents.Health(is_ready=True, head_block=block, why_not=None), "")

    async def _network(self, request: Request, values: Values) -> Response:
        del request, values
        reading, deployment = self._reading, self._deployment
        with reading.lock:
            head, history = self._head(), reading.history
            found = documents.Network(
                name=self._name,
                chain_id=deployment.chain_id,
                contracts={name: deployment.address(name) for name in deployment.contracts},
                head_block=head.number,
                time_seconds=head.time_seconds,
                is_current=not reading.trouble,
                jobs=len(history.jobs),
                operators=len({*reading.stakes, *history.operators}),
                disputes=len(history.disputes),
                open_disputes=len(history.open_disputes()),
                final_results=history.final_count,
                struck_claims=history.struck_count,
                orders_to=self._orders_to,
            )
        return answered(found, "")

    async def _program(self, request: Request, values: Values) -> Response:
        del request
        program_id = ProgramId(values.number(parameters.PROGRAM))
        return self._read(
            lambda: views.program(self._reading.facts, program_id), "this network has no such program"
        )

    # --- jobs and shards ------------------------------------------------------------------------------

    async def _jobs(self, request: Request, values: Values) -> Response:
        del request
        before, limit = values.number_if_given(parameters.BEFORE), values.number(parameters.LIMIT)
        requester = values.address_if_given(parameters.REQUESTER)
        return self._read(lambda: views.jobs(self._reading.history, before, limit, requester))

    async def _job(self, request: Request, values: Values) -> Response:
        del request
        job_id = JobId(values.number(parameters.JOB))
        return self._read(
            lambda: views.job(self._reading.history, job_id, self._relied(job_id)), _no_job(job_id)
        )

    async def _job_events(self, request: Request, values: Values) -> Response:
        job_id = JobId(values.number(parameters.JOB))
        self._known(job_id, 0, lambda _: None)
        client = client_name(request)
        if not self._streams.has_room(client):
            raise Refused(
                503, "too many streams are open; close one, or ask for the job now and then", headers=_LATER
            )
        return StreamingResponse(self._streams.of_job(client, job_id), media_type=STREAM, headers=HEADERS)

    async def _shards(self, request: Request, values: Values) -> Response:
        del request
        job_id = JobId(values.number(parameters.JOB))
        start, limit = values.number(parameters.FROM), values.number(parameters.LIMIT)
        return answered(
            self._known(job_id, 0, lambda job: views.shards(job, start, limit, self._relied(job_id))), ""
        )

    async def _claims(self, request: Request, values: Values) -> Response:
        del request
        skip, limit = values.number(parameters.SKIP), values.number(parameters.LIMIT)
        job_id = JobId(values.number(parameters.JOB))
        return answered(self._known(job_id, 0, lambda job: views.claims(job, skip, limit)), "")

    async def _shard(self, request: Request, values: Values) -> Response:
        del request
        job_id, index = _place(values)
        return answered(
            self._known(job_id, index, lambda job: views.shard(job, index, self._relied(job_id))), ""
        )

    async def _result(self, request: Request, values: Values) -> Response:
        del request
        job_id, index = self._existing(values)
        return answered(await self._bench.ask(lambda: self._results.result(job_id, index)), "")

    async def _proof(self, request: Request, values: Values) -> Response:
        del request
        job_id, index = self._existing(values)
        part, level = values.number_if_given(parameters.PART), values.number(parameters.PART_LEVEL)
        work = self._bench.ask if part is None else self._bench.fetch
        return answered(await work(lambda: self._results.proof(job_id, index, part, level)), "")

    async def _output(self, request: Request, values: Values) -> Response:
        job_id, index = self._existing(values)
        found = await self._bench.fetch(lambda: self._results.output(job_id, index))
        name = {"Content-Disposition": f'attachment; filename="job-{job_id}-shard-{index}.bin"'}
        return LargeAnswer(found, BYTES, self._room, client_name(request), name)

    async def _receipt(self, request: Request, values: Values) -> Response:
        job_id = JobId(values.number(parameters.JOB))
        branch = self._reading.history
        first_block, shard_count = self._known(
            job_id, 0, lambda job: (job.posted.at.block_number, job.posted.shard_count)
        )
        found = self._receipts.get(job_id, branch)
        if found is None:
            found = await self._bench.fetch(lambda: self._results.receipt(job_id, shard_count, first_block))
            self._receipts.put(job_id, found, branch)
        return LargeAnswer(found, JSON, self._room, client_name(request))

    # --- operators and disputes -----------------------------------------------------------------------

    async def _operators(self, request: Request, values: Values) -> Response:
        del request
        after, limit = values.address_if_given(parameters.AFTER), values.number(parameters.LIMIT)
        reading = self._reading
        return self._read(lambda: views.operators(reading.history, reading.stakes, after, limit))

    async def _operator(self, request: Request, values: Values) -> Response:
        del request
        address, reading = values.text(parameters.OPERATOR), self._reading
        return self._read(
            lambda: views.operator(reading.history, reading.stakes, address),
            "no operator of this address has done anything here",
        )

    async def _disputes(self, request: Request, values: Values) -> Response:
        del request
        before, limit = values.number_if_given(parameters.BEFORE), values.number(parameters.LIMIT)
        return self._read(lambda: views.disputes(self._reading.history, before, limit))

    async def _dispute(self, request: Request, values: Values) -> Response:
        del request
        game_id = GameId(int(values.text(parameters.DISPUTE)))
        return self._read(
            lambda: views.dispute(self._reading.history, game_id), "this network has no such dispute"
        )

    # --- how ------------------------------------------------------------------------------------------

    def _read(self, view: Callable[[], documents.Document | None], missing: str = "") -> Response:
        with self._reading.lock:
            self._head()
            found = view()
            if found is None and self._reading.trouble:
                raise unavailable()
        return answered(found, missing)

    def _head(self) -> Head:
        """The block that the history goes to. What an incomplete one lacks may be there all the same."""
        head = self._reading.head
        if head is None:
            raise Refused(503, "the network is read for the first time; try again", headers=_LATER)
        return head

    def _relied(self, job_id: JobId) -> frozenset[TaskId]:
        head = self._reading.head
        return self._reading.final_for_consumers(job_id, head.time_seconds if head else 0)

    def _known(self, job_id: JobId, shard: int, view: Callable[[JobHistory], _Found]) -> _Found:
        """What a view makes of a job. Raises Refused if there is no such job, or it has no such shard."""
        with self._reading.lock:
            self._head()
            job = self._reading.history.jobs.get(job_id)
            if job is None and self._reading.trouble:
                raise unavailable()
            if job is None:
                raise Refused(404, _no_job(job_id))
            if shard >= job.posted.shard_count:
                raise Refused(404, f"expected a shard from 0 to {job.posted.shard_count - 1}, got {shard}")
            return view(job)

    def _existing(self, values: Values) -> tuple[JobId, int]:
        job_id, index = _place(values)
        self._known(job_id, index, lambda _: None)
        return job_id, index


_LATER = {"Retry-After": "30"}


def _place(values: Values) -> tuple[JobId, int]:
    return JobId(values.number(parameters.JOB)), values.number(parameters.SHARD)


def _no_job(job_id: JobId) -> str:
    return f"this network has no job {job_id}"
