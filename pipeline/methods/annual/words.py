"""The words of the method `annual`, for its printed report and its map."""

from pathlib import Path

from pipeline.methods.phrases import Phrases


def _report(lang: str) -> str:
    return Path(__file__).with_name(f"report.{lang}.txt").read_text("utf-8")


EN = Phrases(
    report=_report("en"),
    title="Planes of the roofs",
    subtitle="Roofs with a plane that suits solar panels, by the method annual",
    roofs="Roofs, suitable for",
    parts="Planes, by the direction that they face; paler: less steep",
    remark="Not judged: shade, structure, ownership, permits and monuments, grid capacity, panels"
    " already there.",
    changes={
        "counts.class.solar": "with a suitable plane",
        "counts.class.none": "without one",
        "counts.rejected": "not judged",
        "number.planes": "planes",
        "area_ha.roof:2": "true area of planes, ha",
        "kwp.panel:1": "peak power of the panels, kWp",
    },
)
NL = Phrases(
    report=_report("nl"),
    title="Vlakken van de daken",
    subtitle="Daken met een vlak dat geschikt is voor zonnepanelen, volgens de methode annual",
    roofs="Daken, geschikt voor",
    parts="Dakvlakken, naar hun richting; bleker: minder steil",
    remark="Niet beoordeeld: schaduw, constructie, eigendom, vergunningen en monumenten,"
    " netcapaciteit, panelen die er al liggen.",
    changes={
        "counts.class.solar": "met een geschikt dakvlak",
        "counts.class.none": "zonder",
        "counts.rejected": "niet beoordeeld",
        "number.planes": "dakvlakken",
        "area_ha.roof:2": "werkelijk oppervlak van dakvlakken, ha",
        "kwp.panel:1": "piekvermogen van de panelen, kWp",
    },
)
