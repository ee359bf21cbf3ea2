"""Two results side by side: of two machines, or of two commits."""

from typing import Any

from bench.result import Result, Row
from pipeline.errors import InputError

RULE = (
    "A row is told as faster or slower only where its medians differ by more than the spreads"
    " (third quartile minus first) of A and B together."
)
Key = tuple[str, str]


def compare(a: Result, b: Result) -> str:
    """The cost of each row in B over that in A, both in copies, as a page of text.

    Raises InputError for results of different kinds.
    """
    if a["kind"] != b["kind"]:
        raise InputError(
            "the results",
            "{source} are of {one} and of {other}",
            "give two of one kind",
            one=a["kind"],
            other=b["kind"],
        )
    old, new = _keyed(a), _keyed(b)
    lines = [_origin("A", a), _origin("B", b)]
    if a["size"] != b["size"]:
        lines.append("The sizes differ: what hangs on the size is not compared like with like.")
    lines += ["", "| what | A, copies | B, copies | B / A | |", "|---|---|---|---|---|"]
    lines += [_line(row, new[key]) for key, row in old.items() if key in new]
    lines += ["", RULE]
    for name, here, there in (("A", old, new), ("B", new, old)):
        lines += [f"Only in {name}: {row['name']}" for key, row in here.items() if key not in there]
    return "\n".join(lines) + "\n"


def verdict(a: Row, b: Row) -> str:
    """Whether B is faster or slower than A by more than the spread of both."""
    if not (a["spread"] and b["spread"]):
        return "no spread stated"
    spread = sum(row["spread"][1] - row["spread"][0] for row in (a, b))
    if abs(b["copies"] - a["copies"]) <= spread:
        return "no difference"
    return "faster" if b["copies"] < a["copies"] else "slower"


def _keyed(found: Result) -> dict[Key, Row]:
    return {(row["group"], row["name"]): row for row in found["rows"] if row["copies"]}


def _line(a: Row, b: Row) -> str:
    over = b["copies"] / a["copies"]
    return f"| {a['name']} | {_cost(a)} | {_cost(b)} | {over:.2f} | {verdict(a, b)} |"


def _cost(row: Row) -> str:
    if not row["spread"]:
        return f"{row['copies']:.3g}"
    low, high = row["spread"]
    return f"{row['copies']:.3g} ({low:.3g} to {high:.3g})"


def _origin(name: str, found: dict[str, Any]) -> str:
    its = found["machine"]
    return (
        f"{name}: {found['commit'] or 'no commit'}, {found['date']}, {its['cpu']},"
        f" {its['cores']} cores, load {its['load']}, {found['size']} x {found['size']} cells"
    )
