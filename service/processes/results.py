"""Outputs of each process, and those that a client requests, by value or by reference."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.methods.method import names
from service.core.links import COG, GEOJSON, GEOPACKAGE, JSON, PARQUET, same

RAW, DOCUMENT = "raw", "document"
VALUE, REFERENCE = "value", "reference"


class Result(NamedTuple):
    """An output. file: below the files of the result's collection; layer: only there if that
    raster layer was asked for, or the method gives buildings such parts; value: whether it may be
    given by value, as JSON."""

    title: str
    description: str
    media_type: str
    file: str | None = None
    value: bool = False
    layer: str | None = None


COLLECTION = {
    "buildings": Result(
        "Buildings", "A row a building: GeoParquet 1.1, RD.", PARQUET, "buildings.parquet",
    ),
    "geopackage": Result(
        "Buildings", "GeoPackage, RD, with a style for QGIS.", GEOPACKAGE, "buildings.gpkg",
    ),
    "geojson": Result("Buildings", "GeoJSON, lon/lat.", GEOJSON, "buildings.geojson"),
    "csv": Result("Buildings", "CSV, without outlines.", "text/csv", "buildings.csv"),
    "report": Result(
        "Report", "Totals, accounting, and where it all comes from.", JSON, "report.json", True
    ),
    "map": Result("Map", "The roofs by class, as a picture.", "image/png", "map.png"),
    "rasters": Result("Rasters", "The raster layers: zarr v3.", "application/vnd+zarr",
                      "rasters.zarr/0"),
}  # fmt: skip
SUMMARY = {
    "summary": Result("Summary", "The totals, and a row a part.", JSON, value=True),
}
CHANGES = {
    "changes": Result(
        "Changes", "The buildings whose verdict or yield changes.", GEOJSON, value=True
    ),
    "totals": Result("Totals", "Of the area before and after, and what differs.", JSON, value=True),
}


def outputs_of(process: str) -> dict[str, Result]:
    """The outputs of a process, by name."""
    if process == "summary":
        return SUMMARY
    return (CHANGES if process == "what-if" else {}) | COLLECTION | _parts() | _pictures()


def _parts() -> dict[str, Result]:
    """An output for each kind of parts that a method gives buildings."""
    return {
        of.name: Result(
            of.en.title, "A row each: GeoParquet 1.1, RD.", PARQUET, f"{of.name}.parquet",
            layer=of.name,
        )
        for method in METHODS.values()
        for of in method.parts
    }  # fmt: skip


def _pictures() -> dict[str, Result]:
    """An output for each raster layer that a method makes by default."""
    layers = [layer for method in METHODS.values() for layer in method.layers if layer.default]
    return {
        layer.name: Result(layer.en, "GeoTIFF, RD.", COG, f"{layer.name}.tif", layer=layer.name)
        for layer in layers
    }


def check_format(process: str, output: str, media_type: str) -> None:
    """Raise InputError where an output that there is does not come as that media type."""
    result = outputs_of(process).get(output)
    if result and not same(result.media_type, media_type):
        raise InputError(
            Text("output {output}", output=output),
            "comes as {kind}, not as {other}",
            "leave out its format",
            kind=result.media_type,
            other=media_type[:100],
        )


def read_outputs(
    process: str, outputs: Mapping[str, str | None], response: str | None
) -> dict[str, Any]:
    """Which outputs a client wants, each by value or by reference, and whether raw.

    outputs: the transmission asked for, by name; none: all, files by reference. Raises InputError
    for an output that there is not, or not in that form.
    """
    every = outputs_of(process)
    for name in outputs:
        if name not in every:
            raise InputError(
                Text("output {name}", name=name[:100]),
                "is unknown",
                "there is {names}",
                names=list(every),
            )
    chosen = outputs or {name: REFERENCE if every[name].file else VALUE for name in every}
    sent = {name: _sent(name, every[name], how) for name, how in chosen.items()}
    return {"outputs": sent, "response": response or (RAW if len(sent) == 1 else DOCUMENT)}


def _sent(name: str, result: Result, how: str | None) -> str:
    """By value or by reference; if nothing is said, by value where that can be."""
    how = how or (VALUE if result.value else REFERENCE)
    if how == VALUE and not result.value:
        raise InputError(
            Text("output {name}", name=name),
            "is a file, given by reference",
            "ask for its transmissionMode `reference`",
        )
    if how == REFERENCE and name == "summary":
        raise InputError("output summary", "is not kept, so given by value only")
    return how


def available(results: dict[str, Result], inputs: Mapping[str, Any]) -> dict[str, Result]:
    """The results of a job with these inputs, by its raster layers and its method."""
    parts = names(METHODS[inputs["method"]].parts)
    there = {None, *inputs["layers"], *parts}
    return {name: result for name, result in results.items() if result.layer in there}
