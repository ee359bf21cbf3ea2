"""The README's benchmark table from the JSON that pytest-benchmark writes.

python -m bench.table FILE.json [README.md]
"""

import json
import sys
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- benchmark: made by `make bench` -->", "<!-- end of benchmark -->"


def table(results: dict[str, Any]) -> str:
    """Markdown: the median of each, and its ratio to the first of its group."""
    lines = ["| what | Mcells/s | times the first of its kind |", "|---|---|---|"]
    first: dict[str, float] = {}
    for result in results["benchmarks"]:
        info, median = result["extra_info"], result["stats"]["median"]
        base = first.setdefault(info["group"], median)
        name = info.get("label") or result["param"]
        speed = info["cells"] / median / 1e6
        figure = f"{speed:,.0f}" if speed >= 100 else f"{speed:.2g}"
        lines.append(f"| {name} | {figure} | {median / base:.2f} |")
    machine = results["machine_info"]
    cpu = machine["cpu"].get("brand_raw", "unknown processor")
    lines.append("")
    lines.append(f"{cpu}, {machine['cpu'].get('count')} cores, Python {machine['python_version']}.")
    return "\n".join(lines)


def insert(text: str, made: str) -> str:
    """A page with the table between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    made = table(json.loads(Path(sys.argv[1]).read_text()))
    print(made)
    if len(sys.argv) > 2:
        page = Path(sys.argv[2])
        page.write_text(insert(page.read_text(), made))
