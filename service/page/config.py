"""The page's config.json: results, methods, base map and limits of its service or folder."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import shapely

from pipeline.areas.regions import boundary_files
from pipeline.grid.crs import lonlat
from pipeline.methods import METHODS
from pipeline.output.tiles.roofs import LAYER, vector_layers
from pipeline.results.features import Features
from pipeline.results.printed import attributions, flights, sun_times
from service.core.catalogue import Collection, Sources
from service.core.settings import Settings
from service.page import basemap as own_basemap
from service.page.declared import LANGUAGES, declared, drawn

NETHERLANDS = [3.2, 50.7, 7.3, 53.6]  # what is looked at where nothing has a place
MAXZOOM = 19  # of most tile services, PDOK's too
REGIONS = "Regions: CBS and Kadaster, CC BY 4.0"


def configuration(
    settings: Settings,
    collections: Iterable[Collection],
    sources: Sources,
    ground: shapely.Geometry | None = None,
) -> dict[str, Any]:
    """All of config.json, for a page that a service serves; ground: of which there are heights
    [RD m], for a page without results."""
    return {
        "collections": [described(each) for each in collections],
        "basemap": basemap(settings),
        "addresses": bool(sources.addresses),
        "can_compute": sources.can_compute,
        "ground": rectangle(ground.bounds) if ground else None,
        "regions": regions_line(sources.boundaries),
        "limits": {
            "area_km2": settings.area_km2 if settings.is_open else settings.visitor_area_km2
        },
        "methods": methods(),
        "languages": list(LANGUAGES),
        "marks": settings.marks,
    }


def regions_line(boundaries: Sequence[str]) -> str | None:
    """The source line of the regions that are found by name, as the licence of CBS asks for it;
    None where none of their files is of CBS."""
    names = (file.name.lower() for file in boundary_files(boundaries))
    return REGIONS if any("cbs" in name or "wijkenbuurten" in name for name in names) else None


def basemap(settings: Settings) -> dict[str, Any] | None:
    """The base map that the operator chose, or None."""
    if settings.basemap:
        return own_basemap.described(settings.basemap, settings.basemap_attribution)
    if not settings.basemap_url:
        return None
    attribution = settings.basemap_attribution
    return {"url": settings.basemap_url, "attribution": attribution, "maxzoom": MAXZOOM}


def methods() -> dict[str, Any]:
    """Declarations of all methods, by name."""
    return {name: declared(method) for name, method in METHODS.items()}


def described(collection: Collection) -> dict[str, Any]:
    """A result as the page shows it: its place, method, date and sources."""
    report = collection.report
    method, inputs, counts = report["method"], report["inputs"], report["counts"]
    made = inputs.get("options", {}).get("layers", ())
    return {
        "name": collection.name,
        "title": title_of(collection),
        "bbox": bbox(collection),
        "suns": sun_times(report),
        "date": str(method["parameters"].get("date", "")),
        "method": {"name": method["name"], "parameters": method["parameters"]},
        "attribution": "; ".join(attributions(inputs)),
        "licence": _licence(inputs),
        "layers": [layer.name for layer in drawn(collection.method) if layer.name in made],
        "computed": str(report["machine"].get("finished", "")),
        "heights": heights(inputs),
        "flown": flights(inputs),
        "unselected": counts["footprints"] > counts["selected"],
        "outlines": outlined_from(collection),
    }


def outlined_from(collection: Collection) -> int:
    """The lowest zoom with outlines of roofs."""
    return vector_layers(collection.method, len(Features.of(collection.place)))[LAYER].first


def bbox(collection: Collection) -> list[float]:
    """West, south, east, north of all buildings, in degrees."""
    bounds = Features.of(collection.place).bounds
    return list(NETHERLANDS) if bounds is None else rectangle(bounds)


def rectangle(bounds: tuple[float, float, float, float]) -> list[float]:
    """West, south, east, north in degrees of a rectangle in RD [m]."""
    return [round(each, 6) for each in lonlat(bounds)]


def heights(inputs: Mapping[str, Any]) -> str:
    """Which heights were used: AHN4, AHN4 and AHN5; nothing if the sheets do not say."""
    versions = {sheet.get("ahn_version") for sheet in inputs.get("dsm", [])} - {None}
    return ", ".join(sorted(versions))


def title_of(collection: Collection) -> str:
    """Title of a result: its region, else its folder."""
    area = collection.report["inputs"].get("area")
    name = area.get("name") if isinstance(area, Mapping) else None
    return str(name or collection.name)


def ordered_title(report: Mapping[str, Any]) -> str:
    """Title of a job's result: its area, and the day it was finished."""
    inputs, finished = report["inputs"], str(report["machine"].get("finished", ""))[:10]
    area, around = inputs.get("area"), inputs.get("around")
    if isinstance(area, Mapping) and area.get("name"):
        where = str(area["name"])
    elif isinstance(area, list):
        where = f"box {','.join(f'{edge:.0f}' for edge in area)}"
    else:
        where = f"circle {','.join(f'{each:.0f}' for each in around)}" if around else "drawn area"
    return f"{where}, {finished}" if finished else where


def _licence(inputs: Mapping[str, Any]) -> str:
    kinds = [part for name in ("dsm", "dtm", "buildings") for part in inputs.get(name, [])]
    return "; ".join(dict.fromkeys(str(part["licence"]) for part in kinds if part.get("licence")))
