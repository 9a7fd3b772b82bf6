"""What a log has stated in anchors, out of the rows that it and others serve (docs/logs.md L5.7, L8)."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog
from truestep.adapters.logs.epoch_file import FILE_LIMIT_BYTES, EpochFile, epoch_path, parse_epoch
from truestep.adapters.logs.sources import LogSource
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.client.log_audit import OtherPast
from truestep.protocol.logs.contracts.anchors import Anchor, AnchorNumber, AnchorPath
from truestep.protocol.logs.epochs import group_of, number_at, place_of
from truestep.protocol.logs.notes import Checkpoint
from truestep.protocol.settlement.facts.due import set_bits

OTHERS_LIMIT = 8
"""Logs that are asked for what one does not serve."""

Opened = Callable[[RegisteredLog], AbstractContextManager[LogSource]]


@dataclass(slots=True, kw_only=True)
class ServedEpochs:
    """The rows of anchors, as far as anybody serves them."""

    pasts: list[OtherPast] = field(default_factory=list[OtherPast])
    unread: list[int] = field(default_factory=list[int])
    """Anchors whose rows nobody who was asked has."""


def served_epochs(
    desk: AnchorsDesk, log: RegisteredLog, source: LogSource, opened: Opened, limit: int
) -> ServedEpochs:
    """What a log has stated in its newest anchors, at most `limit`. Asks the log itself, then others.

    Raises `Unavailable` if the chain cannot be asked.
    """
    found = ServedEpochs()
    own = {
        number: each
        for number, each in desk.anchors().items()
        if each.group == group_of(log.number) and each.bitmap >> place_of(log.number) & 1
    }
    members = desk.members(group_of(log.number)) if own and limit else {}
    for number in sorted(own)[len(own) - min(limit, len(own)) :]:
        anchor = own[number]
        file = _file(source, anchor)
        witnesses = [number_at(anchor.group, place) for place in set_bits(anchor.bitmap)]
        others = [members[each] for each in witnesses if each in members and each != log.number]
        for other in others[:OTHERS_LIMIT] if file is None else ():
            file = file or _file_of_other(other, opened, anchor)
        if file is None:
            found.unread.append(number)
        else:
            found.pasts += anchored_pasts([("served with the log", file)], {number: anchor}, log)
    return found


def _file(source: LogSource, anchor: Anchor) -> EpochFile | None:
    """The rows of an anchor; None if they are not served there, or are others."""
    try:
        (content,) = source.read([epoch_path(anchor.epoch, anchor.root)], FILE_LIMIT_BYTES)
        file = parse_epoch(content) if content is not None else None
        is_right = file is not None and file.tree().root == anchor.root
    except (Rejected, Unavailable):
        return None
    return file if is_right else None


def _file_of_other(other: RegisteredLog, opened: Opened, anchor: Anchor) -> EpochFile | None:
    try:
        with opened(other) as source:
            return _file(source, anchor)
    except ValueError:  # its URL is none
        return None


def anchored_pasts(
    files: Iterable[tuple[str, EpochFile]], anchors: Mapping[int, Anchor], log: RegisteredLog
) -> list[OtherPast]:
    """What a log has stated in anchors, out of epoch files. Raises `Rejected` if one was never anchored."""
    pasts: list[OtherPast] = []
    for name, file in files:
        rows, place = file.tree(), place_of(log.number)
        fitting = [
            number
            for number, anchor in anchors.items()
            if (anchor.group, anchor.epoch, anchor.root) == (file.group, file.epoch, rows.root)
            and anchor.bitmap >> place & 1
        ]
        row = rows.by_place.get(place)
        if not fitting or row is None or row.number != log.number:
            raise Rejected(Reject.LOG_STATE, f"{name}: log {log.number} is in no anchor with these rows")
        checkpoint = Checkpoint(origin=log.origin, size=row.size, root=row.root)
        number = fitting[-1]
        at = AnchorPath(number=AnchorNumber(number), anchor=anchors[number], path=rows.path(log.number))
        where = f"anchor {number} ({name})"
        pasts.append(OtherPast(name=where, note=b"", checkpoint=checkpoint, anchored=at))
    return pasts
