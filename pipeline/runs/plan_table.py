"""The table of a plan, as the command line prints it."""

from pipeline.messages import Text, spoken
from pipeline.runs.plan import Plan, Unread


def table(plan: Plan | Unread) -> list[tuple[Text, Text]]:
    """Names and values of a plan, in the order in which they are printed."""
    rows = _unread(plan) if isinstance(plan, Unread) else _planned(plan)
    return [(Text(name), Text(value)) for name, value in rows]


def _unread(plan: Unread) -> list[tuple[str, str]]:
    cells = Text("{n} ({cells:,.1f} Gcells)", n=plan.sheets, cells=plan.cells / 1e9)
    return [
        ("sheets", f"{plan.of}"),
        ("on disk", _on_disk(plan)),
        ("footprints", _footprints(plan)),
        ("sheets without relief", cells),
        ("reading them once, by `run` or `fetch`", _about(plan.seconds)),
        ("all else", "is told when that is done"),
    ]


def _planned(plan: Plan) -> list[tuple[str, str]]:
    halo = [Text("{side} {cells}", side=Text(s), cells=n) for s, n in plan.halo._asdict().items()]
    longer = [("trying it took longer", _trial(plan))] if plan.trial > plan.seconds else []
    return [
        ("sheets", Text("{n} of {size:g} m", n=plan.sheets, size=plan.resolution)),
        ("on disk", _on_disk(plan)),
        ("extent", _extent(plan)),
        ("shards", Text("{n} of {side} x {side} cells", n=plan.shards, side=plan.shard)),
        ("blocks", f"{plan.blocks}"),
        ("blocks without work", f"{plan.skipped}"),
        ("relief", Text("{metres:.2f} m", metres=plan.relief)),
        ("halo, at most", Text("{halo} cells", halo=halo)),
        ("cells read over cells of the blocks", Text("{ratio:.2f}, as tried", ratio=plan.ratio)),
        ("footprints", _footprints(plan)),
        ("neighbours", Text("{n:,}", n=plan.neighbours)),
        ("workers", Text("{n} {kind}", n=plan.workers, kind=Text(plan.scheduler))),
        ("working memory a worker, at most", Text("{n:,.0f} MiB", n=plan.memory / 2**20)),
        ("expected time", _about(plan.seconds)),
        *longer,
    ]


def _trial(plan: Plan) -> Text:
    return Text("{time}, so the next time run it at once", time=_about(plan.trial))


def _on_disk(plan: Plan | Unread) -> Text:
    size, unit = (plan.disk / 1e9, "GB") if plan.disk >= 1e9 else (plan.disk / 1e6, "MB")
    return Text("{size:,.1f} {unit}", size=size, unit=unit)


def _footprints(plan: Plan | Unread) -> Text:
    return Text("{all:,}, of the area {asked:,}", all=plan.footprints, asked=plan.asked)


def _extent(plan: Plan) -> Text:
    edges = [f"{edge:g}" for edge in plan.extent.bounds(plan.resolution)]
    return Text("{edges:,} ({cells:,} cells)", edges=edges, cells=plan.extent.size)


def _about(seconds: float) -> Text:
    return Text("about {time}", time=spoken(seconds))
