"""The styles with which QGIS opens a GeoPackage: buildings in their classes, parts in their
shades."""

import contextlib
import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from matplotlib.colors import to_rgb

from pipeline.methods.method import Column, Method, names
from pipeline.methods.shades import Shade
from pipeline.output.map.palette import Style, labels, shade_style, styles

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
MM_PER_POINT = 25.4 / 72

TABLE = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
"""
CONTENTS = """
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier)
VALUES ('layer_styles', 'attributes', 'layer_styles')
"""
STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner)
VALUES ('', '', ?, ?, 'daklaag', ?, '', 1, ?, '')
"""


class Rule(NamedTuple):
    """A line of a style. rows: a condition in SQL, which QGIS reads too."""

    name: str
    label: str
    rows: str
    style: Style


def add_style(
    geopackage: Path, layer: str, geometry_column: str, qml: str, description: str
) -> None:
    """Add a style to the table `layer_styles`, as QGIS does when it saves a default one."""
    with contextlib.closing(sqlite3.connect(geopackage)) as database, database:
        database.execute(TABLE)
        database.execute(CONTENTS)
        database.execute(STYLE, (layer, geometry_column, qml, description))


def rules_of(method: Method, lang: str) -> list[Rule]:
    """The rows of buildings that each line of the legend takes, in its order."""
    judged = '"selected" AND "rejected" IS NULL AND'
    rows = {
        **{name: f"{judged} \"class\" = '{name}'" for name in names(method.classes)},
        "not_judged": '"selected" AND "rejected" IS NOT NULL',
        "set_aside": f'{judged} "excluded" IS NOT NULL',
        "unselected": 'NOT "selected"',
    }
    style, label = styles(method), labels(method, lang)
    return [Rule(name, label[name], condition, style[name]) for name, condition in rows.items()]


def shade_rules(of: Column, lang: str) -> list[Rule]:
    """The parts that each of their shades takes."""
    return [Rule(each.name, each.words(lang), _rows(each), shade_style(each)) for each in of.shades]


def _rows(shade: Shade) -> str:
    field = f'"{shade.field}"'
    if shade.value is not None:
        return f"{field} = '{shade.value}'"
    edges = [(">=", shade.low), ("<", shade.high)]
    parts = [f"{field} {op} {edge:g}" for op, edge in edges if math.isfinite(edge)]
    return (" OR " if shade.low > shade.high else " AND ").join(parts)


def qml(rules: Sequence[Rule]) -> str:
    """A style of polygons as a QML document, in the colours of the map.

    It writes `prop` elements, which every QGIS 3 reads; `Option` came only with 3.20.
    """
    root = ElementTree.Element("qgis", version="3.16.0", styleCategories="Symbology")
    renderer = ElementTree.SubElement(root, "renderer-v2", type="RuleRenderer", symbollevels="0")
    listed = ElementTree.SubElement(renderer, "rules", key="daklaag")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, rule in enumerate(rules):
        values = {"key": f"daklaag-{rule.name}", "symbol": str(number), "label": rule.label}
        ElementTree.SubElement(listed, "rule", values, filter=rule.rows)
        symbol = ElementTree.SubElement(symbols, "symbol", type="fill", name=str(number), alpha="1")
        _fill(symbol, rule.style)
    ElementTree.SubElement(root, "layerGeometryType").text = "2"
    ElementTree.indent(root)
    return DOCTYPE + ElementTree.tostring(root, encoding="unicode")


def _fill(symbol: ElementTree.Element, style: Style) -> None:
    """A fill with its outline, and over it the lines of the hatch if there is one."""
    line = {
        "outline_color": _colour(style["edgecolor"]),
        "outline_width": f"{style['linewidth'] * MM_PER_POINT:.2f}",
        "outline_width_unit": "MM",
    }
    face = style["facecolor"]
    fill = {"style": "no"} if face == "none" else {"color": _colour(face), "style": "solid"}
    _layer(symbol, fill | line)
    if "hatch" in style:
        hatch = {"color": _colour(style["edgecolor"]), "style": "b_diagonal"}
        _layer(symbol, hatch | {"outline_style": "no"})


def _layer(symbol: ElementTree.Element, properties: dict[str, str]) -> None:
    layer = ElementTree.SubElement(
        symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"}
    )
    for key, value in properties.items():
        ElementTree.SubElement(layer, "prop", k=key, v=value)


def _colour(colour: str) -> str:
    return ",".join(str(round(255 * part)) for part in to_rgb(colour)) + ",255"
