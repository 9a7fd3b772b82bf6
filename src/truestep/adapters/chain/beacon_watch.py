"""Notices consensus nodes that do not answer before they are needed: blobs are read rarely, then in need."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, ValidationError

from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.transfer import download, origin
from truestep.base.errors import Rejected, Unavailable
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.reporter import Reporter

PROBE_SECONDS = 60.0
"""Between two questions to a node: cheap, and far below the times of demands."""
ANSWER_LIMIT_BYTES = 64 << 10
VERSION_PATH = "/eth/v1/node/version"
"""Of the Beacon API: every consensus node answers it, also one that is still behind."""
ADVICE = "start it, or correct --beacon"
COST = (
    "Until one answers, blobs of transactions cannot be read: jobs whose data is in them are not run, such"
    " items are not checked, and demands about them are not answered"
)


class _Version(BaseModel):
    """What a node says of itself."""

    model_config = ConfigDict(strict=True, extra="ignore")

    version: str


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    data: _Version


def trouble_of(url: str, should_stop: ShouldStop) -> str:
    """Why a URL is no consensus node at the moment; empty if it is one. Raises `Stopped`."""
    target = f"{url.rstrip('/')}{VERSION_PATH}"
    try:
        body = run_in_background(
            lambda: download(target, VERSION_PATH, ANSWER_LIMIT_BYTES, ADVICE), should_stop
        )
        _Answer.model_validate_json(body)
    except ValidationError:
        return f"what it sent for {VERSION_PATH} is not what consensus nodes send; {ADVICE}"
    except (Rejected, Unavailable) as error:
        return str(error)
    return ""


class BeaconWatch:
    """Asks consensus nodes now and then, in the caller's thread, and reports what has changed."""

    def __init__(self, urls: Sequence[str], reporter: Reporter, *, has_others: bool = False) -> None:
        """`has_others`: whether there are consensus nodes beside these."""
        self._has_others = has_others
        self._urls = list(dict.fromkeys(urls))
        self._reporter = reporter
        self._down: set[str] = set()

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping` is set."""
        while not stopping.is_set():
            try:
                self.look(stopping.is_set)
            except Stopped:
                return
            stopping.wait(PROBE_SECONDS)

    def look(self, should_stop: ShouldStop) -> None:
        """Ask each once."""
        troubles = {url: trouble_of(url, should_stop) for url in self._urls}
        down = {url for url, trouble in troubles.items() if trouble}
        has_another = self._has_others or len(down) < len(self._urls)
        rest = "Others are asked in its place" if has_another else COST
        for url in self._urls:
            if url in down - self._down:
                self._reporter.report(
                    "beacon_unavailable",
                    f"the consensus node {origin(url)} (--beacon) does not answer as one:"
                    f" {troubles[url]}. {rest}",
                )
            elif url in self._down - down:
                self._reporter.report("beacon_answers", f"the consensus node {origin(url)} answers again")
        self._down = down


@contextmanager
def watched_beacons(urls: Sequence[str], reporter: Reporter, *, has_others: bool = False) -> Generator[None]:
    """While this is open, a thread watches these nodes."""
    if not urls:
        yield
        return
    stopping = threading.Event()
    watch = threading.Thread(
        target=BeaconWatch(urls, reporter, has_others=has_others).run,
        args=(stopping,),
        name="beacons",
        daemon=True,
    )
    watch.start()
    try:
        yield
    finally:
        stopping.set()
        watch.join()
