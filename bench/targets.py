"""The targets of figures, and whether they are met."""

from typing import Any, NamedTuple

TIMES_PEERS = {"hillshade": (3, "GDAL"), "cast shadow": (100, None), "a year of sun": (100, None)}


class Target(NamedTuple):
    """At most so much of a row's figure `of`."""

    text: str
    of: str
    most: float


def share(percent: float) -> Target:
    """At least so many hundredths of the speed of a copy."""
    return Target(f">= {percent:g} % of a copy", "copies", 100 / percent)


def copies(most: float, what: str) -> Target:
    """At most so many copies of a cell, or of a block."""
    return Target(f"<= {most:g} copies of a {what}", "copies", most)


def seconds(most: float) -> Target:
    """At most so many seconds."""
    return Target(f"<= {most:g} s", "median_s", most)


RELIEF = Target("<= 1.0 decoding", "decodings", 1.0)
SCALING = Target(">= 1.8 x", "inverse", 1 / 1.8)
A_WORKER, IN_ALL = (Target(f"<= {most} GiB", "peak_gib", most) for most in (1, 2))


class Even(NamedTuple):
    """A target that the slowest case of a sweep has at least this share of the fastest's speed."""

    text: str
    share: float


def judge(rows: list[dict[str, Any]]) -> None:
    """Write `met` beside every target of the rows."""
    for row in rows:
        if "target" in row and row[row["target"]["of"]] is not None:
            row["met"] = bool(row[row["target"]["of"]] <= row["target"]["most"])


def judge_even(rows: list[dict[str, Any]], even: Even) -> None:
    """Make a sweep's target that of its slowest row. Costs are compared as multiples of the first
    row's, measured in the same rounds: two of the same kernel drift less than a copy and one."""
    by_cost = sorted(rows, key=lambda row: float(row["of_first"]))
    most = by_cost[0]["of_first"] / even.share
    by_cost[-1]["target"] = Target(even.text, "of_first", most)._asdict()


def judge_peers(rows: list[dict[str, Any]], ours: str) -> None:
    """Give our own rows the targets that speak of peers."""
    for own in (row for row in rows if row["peer"] == ours and row["task"] in TIMES_PEERS):
        times, peer = TIMES_PEERS[own["task"]]
        costs = [
            row["copies"]
            for row in rows
            if row["task"] == own["task"] and row["peer"] != ours and peer in (None, row["peer"])
        ]
        if costs:
            text = f">= {times} x {peer or 'every peer'}"
            own["target"] = Target(text, "copies", min(costs) / times)._asdict()
