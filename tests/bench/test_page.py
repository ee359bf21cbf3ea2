"""The page as it is measured: on a slow line, with all bytes that came."""

from pathlib import Path

import pytest

from bench.load import Place
from bench.page import LINE, SCREENS, Page, opened, started
from bench.result import result
from bench.table import table
from bench.targets import Target
from tests.bench.test_bench import MACHINE
from tests.support.browsers import browser_file
from tests.support.sites import hosted

SIZE = 100_000  # bytes of a file that the page waits for
READY = """window.daklaag = { ready: fetch("large.bin").then((answer) => answer.arrayBuffer()) };
daklaag.ready.then(() => {
  document.body.innerHTML = '<div id="totals" data-judged="1" aria-busy="false"></div>';
});"""


@pytest.mark.slow
def test_an_opened_page_has_its_bytes_on_a_slow_line(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="page.js"></script><body></body>')
    (tmp_path / "page.js").write_text(READY)
    (tmp_path / "large.bin").write_bytes(bytes(SIZE))
    with hosted(tmp_path) as host, started(browser_file()) as browser:
        found = opened(browser, f"{host}/index.html", SCREENS["telephone"])
    sent = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert sent < found.bytes < sent + 3000  # heads
    least = 1000 * SIZE / LINE["downloadThroughput"] + 3 * LINE["latency"]
    assert least <= found.totals_ms <= found.picture_ms < 20 * least


def test_rows_are_judged_by_their_own_figure() -> None:
    page = Page(Place((), None), Path(), 1)
    page._add("slow at times", [10.0, 20.0, 300.0], Target("<= 200 ms", "most_ms", 200))
    page._add("as a rule quick", [10.0, 20.0, 300.0], Target("<= 50 ms", "median_ms", 50), kb=1.5)
    lines = table(result("page", None, MACHINE, page.rows, [])).splitlines()
    assert lines[2] == "| slow at times |  |  | 3 | 10 | 20 | 300 | <= 200 ms: missed |"
    assert lines[3] == "| as a rule quick | 1.5 |  | 3 | 10 | 20 | 300 | <= 50 ms: met |"
