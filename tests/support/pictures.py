"""The pictures of the demo's map, of a roof's card and of roofs in 3D in the docs, of generated
ground:

python -m tests.support.pictures docs/
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from matplotlib.colors import to_rgb
from PIL import Image

from pipeline.methods import METHODS
from pipeline.output.map.palette import GROUND, INK, PAPER, QUIET, WATER, styles
from tests.support import browsers
from tests.support.browsers import Window, bring
from tests.support.commands import call
from tests.support.roofcards import LISTED, NAME, STUDY, judged, shadiest
from tests.support.servers import serving

DESKTOP = {"viewport": {"width": 1180, "height": 900}}
SLANTED = "() => { daklaag.map.jumpTo({zoom: 18.4, pitch: 60, bearing: -20}); }"
CLOSE = "() => { document.getElementById('legend').open = false; }"


def shown(browser: Any, host: str, screen: dict[str, Any], to: Path) -> None:
    """A picture of the page with a shaded roof, of which a plane is chosen."""
    roof = shadiest(host)
    with browsers.window(browser, host, **screen) as window:
        window.go(f"#c={NAME}")
        bring(window, roof).click()
        window.page.wait_for_selector(LISTED)
        window.at("beside-powermapping").wait_for()
        window.at("chip").first.click()
        window.page.evaluate(CLOSE)
        saved(window, to)


def solids(browser: Any, host: str, to: Path) -> None:
    """A picture of roofs in 3D, in the colours of their direction and tilt."""
    with browsers.window(browser, host, **DESKTOP) as window:
        window.go(f"#c={NAME}&colour=planes&layers=3d")
        bring(window, shadiest(host))
        window.page.evaluate(SLANTED)
        window.page.wait_for_function("() => daklaag.corners > 100")
        saved(window, to)


def saved(window: Window, to: Path) -> None:
    """What is seen, at once it is drawn."""
    window.page.evaluate("() => { document.getElementById('roof').scrollTop = 0; }")
    window.idle()
    window.page.screenshot(path=to)


def few_colours(page: Image.Image) -> Image.Image:
    """A printed map in the colours of its classes and 40 others, for a file of 400 kB."""
    small = page.convert("RGB").resize((1400, 990), Image.Resampling.LANCZOS)
    lines = styles(METHODS["powermapping"]).values()
    drawn = {style[key] for style in lines for key in ("facecolor", "edgecolor")} - {"none"}
    kept = [PAPER, INK, QUIET, GROUND, WATER, *sorted(drawn)]
    own = [round(255 * part) for colour in kept for part in to_rgb(colour)]
    others = small.quantize(40, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(own + others[:120])
    return small.quantize(palette=palette, dither=Image.Dither.NONE)


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    with tempfile.TemporaryDirectory() as made:
        place, state = Path(made), Path(made) / "state"
        call("demo", "--out", place / "demo", "--quiet")
        few_colours(Image.open(place / "demo" / "map.png")).save(folder / "demo.png", optimize=True)
        state.mkdir()
        runs = judged(place, {NAME: "annual", STUDY: "powermapping"}, repeats=2)
        data = [word for each in runs.values() for word in ("--data", each)]
        known = ("--addresses", place / "in" / "addresses.csv", "--state", state)
        with serving(state, *data, *known) as host, browsers.started() as browser:
            shown(browser, host, DESKTOP, folder / "card.png")
            shown(browser, host, browsers.PHONE, folder / "card-phone.png")
            solids(browser, host, folder / "map-3d.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
