"""A plan as it is printed: names and values."""

from pipeline.messages import Text, spoken
from pipeline.runs.plan import Plan, Unread


def table(found: Plan | Unread) -> list[tuple[Text, Text]]:
    """The rows of a plan, in the order in which they are printed."""
    rows = _unread(found) if isinstance(found, Unread) else _planned(found)
    return [(Text(name), Text(value)) for name, value in rows]


def _unread(found: Unread) -> list[tuple[str, str]]:
    cells = Text("{n} ({cells:,.1f} Gcells)", n=found.sheets, cells=found.cells / 1e9)
    return [
        ("sheets", f"{found.of}"),
        ("on disk", _on_disk(found)),
        ("footprints", _footprints(found)),
        ("sheets without relief", cells),
        ("reading them once, by `run` or `fetch`", _about(found.seconds)),
        ("all else", "is told when that is done"),
    ]


def _planned(found: Plan) -> list[tuple[str, str]]:
    halo = [Text("{side} {cells}", side=Text(s), cells=n) for s, n in found.halo._asdict().items()]
    longer = [("trying it took longer", _trial(found))] if found.trial > found.seconds else []
    return [
        ("sheets", Text("{n} of {size:g} m", n=found.sheets, size=found.resolution)),
        ("on disk", _on_disk(found)),
        ("extent", _extent(found)),
        ("shards", Text("{n} of {side} x {side} cells", n=found.shards, side=found.shard)),
        ("blocks", f"{found.blocks}"),
        ("blocks without work", f"{found.skipped}"),
        ("relief", Text("{metres:.2f} m", metres=found.relief)),
        ("halo, at most", Text("{halo} cells", halo=halo)),
        ("cells read over cells of the blocks", Text("{ratio:.2f}, as tried", ratio=found.ratio)),
        ("footprints", _footprints(found)),
        ("neighbours", Text("{n:,}", n=found.neighbours)),
        ("workers", Text("{n} {kind}", n=found.workers, kind=Text(found.scheduler))),
        ("working memory a worker, at most", Text("{n:,.0f} MiB", n=found.memory / 2**20)),
        ("expected time", _about(found.seconds)),
        *longer,
    ]


def _trial(found: Plan) -> Text:
    return Text("{time}, so the next time run it at once", time=_about(found.trial))


def _on_disk(found: Plan | Unread) -> Text:
    size, unit = (found.disk / 1e9, "GB") if found.disk >= 1e9 else (found.disk / 1e6, "MB")
    return Text("{size:,.1f} {unit}", size=size, unit=unit)


def _footprints(found: Plan | Unread) -> Text:
    return Text("{all:,}, of the area {asked:,}", all=found.footprints, asked=found.asked)


def _extent(found: Plan) -> Text:
    edges = [f"{edge:g}" for edge in found.extent.bounds(found.resolution)]
    return Text("{edges:,} ({cells:,} cells)", edges=edges, cells=found.extent.size)


def _about(seconds: float) -> Text:
    return Text("about {time}", time=spoken(seconds))
