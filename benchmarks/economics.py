"""The figures and pictures of docs/economics.md: `make economics`.

python benchmarks/economics.py            # writes the tables and pictures; some minutes
python benchmarks/economics.py --drawn    # writes the tables of drawn jobs alone; half a minute
python benchmarks/economics.py --check    # compares a part of them with the page
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from _line_plot import Line, line_chart

from truestep.adapters.parameter_files import read_settings
from truestep.base.ids import Address
from truestep.protocol.settlement.parameters import BPS
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.committees import committees
from truestep.simulation.economy.drawn_queues import LOADS_BPS, drawn_queues, sleepers
from truestep.simulation.economy.scenarios import QUORUM_SHARES_BPS, SCENARIOS, Request, earnings
from truestep.simulation.economy.sieges import sieges

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PICTURES = DOCS / "economics.md", DOCS / "pictures"
SEED = 1
COIN = 10**18
HOUR_SECONDS = 3_600
BLOCK = re.compile(r"<!-- figures: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
CHARTED = ("lying", "colluding", "self-challenging", "sybil", "flooding", "correlated crash")
COLOURS = ("#4f46e5", "#ea580c", "#0f766e", "#be123c", "#a16207", "#64748b")

Figures = Mapping[str, Any]


def request() -> Request:
    """The shipped parameters, the assumptions and the seed of the page."""
    settings = read_settings(
        "mainnet", ["proposer=deployer", "guardian=none"], Address("0x" + "0" * 39 + "1")
    )
    return Request(
        rules=settings.rules,
        assumptions=Assumptions(),
        seed=SEED,
        admission=settings.admission,
        judged_by=settings.judged_by,
        drawn_by=settings.drawn_by,
    )


def played(name: str) -> Figures:
    """The figures of one scenario."""
    return SCENARIOS[name].play(request(), lambda words: print(words, file=sys.stderr))


# --- tables ---------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def coins(amount_wei: int, places: int = 3) -> str:
    """An amount for a table."""
    return f"{amount_wei / COIN:,.{places}f}"


def assumptions_table() -> str:
    """What is assumed, with what each number means."""
    assumed = Assumptions()
    words = _words_of_fields()
    rows = [
        (f"`{each.name}`", f"{getattr(assumed, each.name):,}", words[each.name]) for each in fields(assumed)
    ]
    return table(("name", "value", "what it is"), rows)


def _words_of_fields() -> dict[str, str]:
    """The words below each field of `Assumptions`."""
    source = Path(sys.modules[Assumptions.__module__].__file__ or "").read_text("utf-8")
    found = re.findall(r'^    (\w+): int = [^\n]+\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL)
    return {name: " ".join(words.split()) for name, words in found}


def strategies_table(figures: Figures) -> str:
    """Each strategy at each share."""
    rows = [
        (
            row["name"],
            f"{row['stake_share']:.0%}",
            row["attempts"],
            row["believed"],
            coins(row["loss_wei"]),
            coins(row["gain_wei"]),
            "" if row["loss_over_gain"] is None else f"{row['loss_over_gain']:,.1f}",
            "" if row["value_at_bar_wei"] is None else coins(row["value_at_bar_wei"]),
            "" if row.get("break_even_value_wei") is None else coins(row["break_even_value_wei"]),
            f"{round(row['mean_delay_seconds'] / HOUR_SECONDS, 1) + 0.0:.1f}",
        )
        for row in figures["strategies"]
    ]
    head = (
        "strategy",
        "stake",
        "attempts",
        "believed",
        "lost",
        "could gain",
        "ratio",
        "value at the bar",
        "break-even",
        "delay, h",
    )
    return table(head, rows)


def sieges_table(figures: Figures) -> str:
    """Sybils on one true claim."""
    rows = [
        (
            row["manner"],
            f"{row['sybils']:,}",
            f"{row['delay_seconds'] / HOUR_SECONDS:.1f}",
            f"{row['bar_seconds'] / HOUR_SECONDS:.0f}",
            coins(row["attacker_wei"], 2),
            coins(row["defender_wei"], 4),
            f"{row['capital_ratio']:,.1f}",
            coins(row["attacker_loss_wei"], 2),
            coins(row["defender_profit_wei"], 2),
            row["games_won"],
        )
        for row in figures["sieges"]
    ]
    head = (
        "manner", "sybils", "delay, h", "bar, h", "their bonds", "defenders' gas", "ratio", "they lose",
        "defenders gain", "games won",
    )  # fmt: skip
    return table(head, rows)


def queues_table(figures: Figures) -> str:
    """Liars that are always quicker than others."""
    rows = [
        (
            row["manner"],
            row["liars"],
            f"{row['delay_seconds'] / HOUR_SECONDS:.1f}",
            f"{row['bar_seconds'] / HOUR_SECONDS:.0f}",
            coins(row["attacker_loss_wei"], 2),
            coins(row["defender_wei"], 2),
            f"{row['capital_ratio']:.1f}",
        )
        for row in figures["queues"]
    ]
    head = (
        "manner",
        "liars in a row",
        "delay, h",
        "bar, h",
        "they lose",
        "challengers' bonds and gas",
        "ratio",
    )
    return table(head, rows)


def drawn_table(figures: Figures) -> str:
    """Silent liars that wait to be drawn."""
    rows = [
        (
            f"{row['names']:,}",
            f"{row['stake_share']:.0%}",
            row["lies"],
            row["longest_row"],
            f"{row['mean_delay_seconds'] / HOUR_SECONDS:.1f}",
            f"{row['worst_delay_seconds'] / HOUR_SECONDS:.1f}",
            f"{row['bar_seconds'] / HOUR_SECONDS:.0f}",
            f"{row['over_bar'] / row['jobs']:.1%}",
            f"{row['over_bar_chance']:.2%}",
            coins(row["attacker_loss_wei"], 1),
            coins(row["defender_wei"], 1),
            f"{row['loss_ratio']:.1f}",
            f"{row['least_capital_ratio']:.1f}",
            coins(row["pledged_wei"], 0),
            f"{row['capital_ratio']:,.0f}",
        )
        for row in figures["drawn"]
    ]
    head = (
        "names", "of the pool", "lies", "most on one job", "mean delay, h", "worst, h", "bar, h", "later",
        "later, computed", "they lose", "challengers' bonds and gas", "ratio", "with the least pledge",
        "pledged", "with all pledges",
    )  # fmt: skip
    return table(head, rows)


def sleepers_table(figures: Figures) -> str:
    """Operators that let their turns pass."""
    rows = [
        (
            row["lot_tasks"],
            row["turns"],
            f"{row['mean_delay_seconds'] / 60:.0f}",
            coins(row["loss_wei"], 2),
            coins(row["gain_wei"], 2),
            f"{row['loss_over_gain']:.1f}",
            *(f"{ratio:.1f}" for ratio in row["under_load"]),
        )
        for row in figures["sleepers"]
    ]
    loads = (f"{load_bps / BPS:.0%} at risk" for load_bps in LOADS_BPS)
    head = ("tasks of a lot", "turns", "delay of each, min", "they lose", "delays are worth", "ratio", *loads)
    return table(head, rows)


def drawn_figures() -> Figures:
    """What is played of drawn jobs."""
    asked = request()
    if asked.judged_by.drawn is None:
        raise ValueError("expected the shipped parameters to have lots")
    given = (asked.rules, asked.assumptions, asked.seed, asked.judged_by.drawn, asked.drawn_by)
    return {
        "drawn": list(map(asdict, drawn_queues(*given))),
        "sleepers": list(map(asdict, sleepers(*given))),
    }


def auditors_table(figures: Figures) -> str:
    """What auditors bring home."""
    rows = [
        (
            row["manner"],
            row["audits"],
            row["failures"],
            f"{row['mean_profit_wei'] / row['fee_wei']:+.2f}",
            "" if row["loss_over_gain"] is None else f"{row['loss_over_gain']:,.1f}",
        )
        for row in figures["auditors"]
    ]
    return table(("an auditor that", "audits", "failed", "profit of one audit, in fees", "ratio"), rows)


def quorums_table(figures: Figures) -> str:
    """How often friends have a quorum."""
    sizes = dict.fromkeys((row["needed"], row["seats"]) for row in figures["quorums"])
    shares = dict.fromkeys(row["stake_share"] for row in figures["quorums"])
    found = {(row["needed"], row["seats"], row["stake_share"]): row for row in figures["quorums"]}
    rows = [
        (
            f"{needed} of {seats}",
            *(f"{found[needed, seats, share]['lies']:.2%}" for share in shares),
            *(
                text
                for name in ("loss", "loss_without_result")
                for text in (
                    coins(found[needed, seats, next(iter(shares))][f"{name}_wei"], 2),
                    f"{found[needed, seats, next(iter(shares))][f'{name}_over_gain']:,.1f}",
                )
            ),
        )
        for needed, seats in sizes
    ]
    costs = ("a lie costs", "ratio", "without a result", "ratio")
    return table(("quorum", *(f"{share:.0%} of the pool" for share in shares), *costs), rows)


def colluders_table(figures: Figures) -> str:
    """What members have lost that lied together."""
    rows = [
        (
            f"{row['needed']} of {row['seats']}",
            row["tactic"],
            f"{row['stake_share']:.0%}",
            f"{row['draws']:,}",
            row["lies"],
            row["believed"],
            coins(row["loss_wei"]) if row["lies"] else "",
            coins(row["gain_wei"]) if row["lies"] else "",
            f"{row['loss_over_gain']:,.1f}" if row["lies"] else "",
        )
        for row in figures["colluders"]
    ]
    head = (
        "quorum", "friends", "of the pool", "draws", "lies", "believed at once", "lost", "could gain", "ratio"
    )  # fmt: skip
    return table(head, rows)


def honest_table(figures: Figures) -> str:
    """What honest nodes earn, and what is recommended."""
    rows = [
        (key.removesuffix("_wei").replace("_", " "), coins(value, 6) if key.endswith("_wei") else value)
        for group in ("honest", "recommended")
        for key, value in figures[group].items()
    ]
    return table(("what", "coins"), rows)


def copycats_table(figures: Figures) -> str:
    """Copycats beside honest challengers."""
    rows = [
        (row["name"], row["attempts"], coins(row["loss_wei"], 4), coins(row["gain_wei"], 4))
        for row in figures["strategies"]
    ]
    return table(("challenger", "games", "lost, less what it was paid", "paid and spared"), rows)


def blocks(
    deterrence: Figures, default: Figures, sybils: Figures, copycats: Figures, quorum: Figures
) -> dict[str, str]:
    """All tables, by the names of their places in the page."""
    return {
        "assumptions": assumptions_table(),
        "strategies": strategies_table(deterrence),
        "sybils": sieges_table(sybils),
        "queues": queues_table(sybils),
        "drawn": drawn_table(sybils),
        "sleepers": sleepers_table(sybils),
        "auditors": auditors_table(default),
        "quorums": quorums_table(default),
        "colluders": colluders_table(quorum),
        "honest": honest_table(default),
        "copycats": copycats_table(copycats),
    }


def with_blocks(page: str, made: Mapping[str, str]) -> str:
    """The page with these tables in their places; others stay."""

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- figures: {name} -->\n{made[name]}\n<!-- end -->" if name in made else match[0]

    return BLOCK.sub(replaced, page)


def block_of(page: str, name: str) -> str:
    """One table as the page has it."""
    return next(
        match[0].split("\n", 1)[1].rsplit("\n", 1)[0] for match in BLOCK.finditer(page) if match[1] == name
    )


# --- pictures -------------------------------------------------------------------------------------


def deterrence_picture(figures: Figures) -> str:
    """Loss over gain by share of stake."""
    rows = [row for row in figures["strategies"] if row["loss_over_gain"] is not None]
    lines = [
        Line(
            label=name,
            colour=colour,
            points=[(100 * row["stake_share"], row["loss_over_gain"]) for row in rows if row["name"] == name],
        )
        for name, colour in zip(CHARTED, COLOURS, strict=True)
    ]
    bar = Line(label="the bar", colour="#0f172a", points=[(0, 3), (50, 3)], is_dashed=True)
    return line_chart(
        title="What a strategy loses, over what it could gain",
        note="by its share of all stake, in percent; every lie counts as gained",
        lines=[*lines, bar],
    )


def sybils_picture(figures: Figures) -> str:
    """Capital by number of sybils."""
    lines = [
        Line(
            label=manner,
            colour=colour,
            points=[
                (row["sybils"], row["capital_ratio"]) for row in figures["sieges"] if row["manner"] == manner
            ],
        )
        for manner, colour in zip(("idle", "at once", "dragging"), COLOURS[:3], strict=True)
    ]
    bar = Line(label="the bar", colour="#0f172a", points=[(1, 10), (1_024, 10)], is_dashed=True)
    return line_chart(
        title="Bonds of sybils, over the gas of those that answer them",
        note="by the number of sybils on one true claim; both axes are logarithmic",
        lines=[*lines, bar],
        is_logarithmic=True,
    )


def outdated() -> list[str]:
    """Lines that a cheap part of the figures has, and the page has not."""
    page, asked = PAGE.read_text("utf-8"), request()
    few = [asdict(siege) for siege in sieges(asked.rules, asked.assumptions, asked.seed, (8,))]
    reward = earnings(asked)
    drawn = committees(asked.rules, asked.assumptions, asked.seed, QUORUM_SHARES_BPS, asked.judged_by.quorum)
    lots = asked.judged_by.drawn
    slept = (
        sleepers(asked.rules, asked.assumptions, asked.seed, lots, asked.drawn_by, sizes=(1,)) if lots else []
    )
    wanted = [
        *sleepers_table({"sleepers": list(map(asdict, slept))}).splitlines(),
        *quorums_table({"quorums": list(map(asdict, drawn))}).splitlines(),
        *assumptions_table().splitlines(),
        *sieges_table({"sieges": few}).splitlines(),
        *honest_table({"honest": reward, "recommended": {}}).splitlines(),
    ]
    known = page.splitlines()
    return [line for line in wanted if line not in known]


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--json", action="store_true", help="print all figures as the last line, write nothing"
    )
    parser.add_argument("--check", action="store_true", help="compare what takes seconds, write nothing")
    parser.add_argument("--drawn", action="store_true", help="write the tables of drawn jobs alone")
    options = parser.parse_args(arguments)
    if options.check:
        lines = outdated()
        print("\n".join(lines), file=sys.stderr)
        return int(bool(lines))
    if options.drawn:
        drawn = drawn_figures()
        tables = {"drawn": drawn_table(drawn), "sleepers": sleepers_table(drawn)}
        PAGE.write_text(with_blocks(PAGE.read_text("utf-8"), tables), "utf-8")
        return 0
    names = ("deterrence", "default", "sybils", "copycats", "quorum")
    figures = {name: played(name) for name in names}
    if options.json:
        print(json.dumps(figures))
        return 0
    made = blocks(*(figures[name] for name in names))
    PAGE.write_text(with_blocks(PAGE.read_text("utf-8"), made), "utf-8")
    (PICTURES / "economics-deterrence.svg").write_text(deterrence_picture(figures["deterrence"]), "utf-8")
    (PICTURES / "economics-sybils.svg").write_text(sybils_picture(figures["sybils"]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
