"""Tables and figures of results: on the terminal, and between the marks of a page.

python -m bench.table FOLDER PAGE...

A mark of a table says which kind's, and of which groups if not of all; `targets` are the rows that
have one. A mark of a figure says which field of which row, or the least of which group:
<!-- benchmark kernels: kernel, start -->
<!-- figure kernels mcells_s: cast shadow, one sun -->
"""

import re
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from bench.result import Result, Row, read

BEGIN = re.compile(r"<!-- benchmark (\w+)(?:: ([^>]+))? -->\n")
END = "<!-- end of benchmark -->"
FIGURE = re.compile(r"(<!-- figure (\w+) (\w+): (.+?) -->)(.*?)(<!-- end of figure -->)")
Column = tuple[str, Callable[[Row], str]]


def figure(value: float | None) -> str:
    """Three digits, and no more than a whole number where there are three."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _copies(row: Row) -> str:
    if not row["spread"]:
        return figure(row["copies"])
    return f"{figure(row['copies'])} ({'-'.join(map(figure, row['spread']))})"


def _decodings(row: Row) -> str:
    if "decodings" not in row:
        return ""
    spread = "-".join(map(figure, row["spread_of_decodings"]))
    return (
        f"{figure(row['decodings'])} ({spread})" if row["rounds"] > 1 else figure(row["decodings"])
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _target(row: Row) -> str:
    if "target" not in row:
        return ""
    return f"{row['target']['text']}: {'met' if row['met'] else 'missed'}"


NAME: Column = ("what", lambda row: row["name"])
SPEED: Column = ("Mcells/s", lambda row: figure(row["mcells_s"]) or f"{row['median_s']:.3g} s")
COST: Column = ("a cell costs, in copies", _copies)
RUNS: list[Column] = [
    NAME,
    ("s", lambda row: figure(row["median_s"])),
    ("Mcells/s", lambda row: figure(row["mcells_s"])),
    ("in decodings", _decodings),
    ("most memory, GiB", lambda row: figure(row.get("peak_gib"))),
    ("figure", lambda row: row.get("figure", "")),
    ("target", _target),
]
COLUMNS: dict[str, list[Column]] = {
    "kernels": [
        NAME, SPEED, COST,
        ("share of a copy's speed", lambda row: _percent(row["copies"] and 1 / row["copies"])),
        ("of the memory's bandwidth", lambda row: _percent(row.get("share_of_bandwidth"))),
        ("target", _target),
    ],
    "sheet": RUNS,
    "scaling": [NAME, SPEED, COST, ("efficiency", lambda row: _percent(row["efficiency"]))],
    "peers": [
        ("task", lambda row: row["group"]),
        ("by", lambda row: f"{row['peer']} {row.get('version') or ''}".strip()),
        SPEED, COST,
        ("ours is faster, times", lambda row: figure(row.get("ratio_to_ours"))),
        ("target", _target),
        ("how right", lambda row: row.get("correct", "")),
    ],
    "rehearsal": RUNS,
    "load": [
        NAME,
        ("asked", lambda row: f"{row['asked']:,}" if "asked" in row else ""),
        ("p50, ms", lambda row: figure(row.get("p50_ms"))),
        ("p99, ms", lambda row: figure(row.get("p99_ms"))),
        ("most, ms", lambda row: figure(row.get("max_ms"))),
        ("figure", lambda row: row.get("figure", "")),
        ("target", _target),
    ],
    "page": [
        NAME,
        ("kB", lambda row: figure(row.get("kb"))),
        ("unpacked, kB", lambda row: figure(row.get("unpacked_kb"))),
        ("times", lambda row: f"{row['rounds']:,}"),
        ("least, ms", lambda row: figure(row["least_ms"])),
        ("median, ms", lambda row: figure(row["median_ms"])),
        ("most, ms", lambda row: figure(row["most_ms"])),
        ("target", _target),
    ],
}  # fmt: skip


def table(found: Result, groups: Collection[str] = ()) -> str:
    """Markdown: a row each, of these groups or all, and a line on what it was measured."""
    columns = COLUMNS[found["kind"]]
    rows = [row for row in found["rows"] if not groups or _among(row, groups)]
    lines = [[head for head, _ in columns], ["---"] * len(columns)]
    lines += [[cell(row) for _, cell in columns] for row in rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    skipped = [f"Skipped: {one['peer']}: {one['reason']}" for one in found["skipped"]]
    return "\n".join([text, "", *skipped, origin(found)])


def _among(row: Row, groups: Collection[str]) -> bool:
    return row["group"] in groups or ("targets" in groups and "target" in row)


def origin(found: Result) -> str:
    """On what, with what and when it was measured."""
    its, side, versions = found["machine"], found["size"], found["versions"]
    cells = f" {side} x {side} cells;" if side else ""
    return (
        f"{its['cpu']} ({its['llvm_cpu']}), {its['cores']} cores, {its['memory_gib']} GiB,"
        f" Python {versions['python']}, Numba {versions['numba']}, GDAL {versions['gdal']};"
        f"{cells} {found['date'][:10]}."
    )


def insert(text: str, results: dict[str, Result]) -> str:
    """A page with the tables and figures between its marks anew; those without a result stay."""
    parts = BEGIN.split(FIGURE.sub(lambda mark: _figure(mark, results), text))
    page = parts[0]
    for kind, groups, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        old, after = rest.split(END, 1)
        asked = groups.split(", ") if groups else ()
        made = f"{table(results[kind], asked)}\n" if kind in results else old
        page += f"<!-- benchmark {kind}{f': {groups}' if groups else ''} -->\n{made}{END}{after}"
    return page


def _figure(mark: re.Match[str], results: dict[str, Result]) -> str:
    begin, kind, field, wanted, old, end = mark.groups()
    rows = results[kind]["rows"] if kind in results else []
    values = [row.get(field) for row in rows if wanted in (row["name"], row["group"])]
    made = min((value for value in values if value is not None), default=old)
    return f"{begin}{made if isinstance(made, str) else figure(made)}{end}"


def results(folder: Path) -> dict[str, Result]:
    """The results in a folder, by kind."""
    return {kind: read(path) for kind in COLUMNS if (path := folder / f"{kind}.json").exists()}


if __name__ == "__main__":
    found = results(Path(sys.argv[1]))
    for page in map(Path, sys.argv[2:]):
        page.write_text(insert(page.read_text("utf-8"), found), "utf-8")
