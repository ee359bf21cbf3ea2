"""The addresses of a quarter, as BAG has them: streets and numbers that are nowhere in the country.

Most name their building; each tenth does not, and lies in it; the first is one of two buildings,
and the last of none.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from pipeline.quarter.shapes import Bounds

NAME = "addresses.csv"
PLACE = "Daklaag"
COLUMNS = ("openbare_ruimte_naam", "huisnummer", "huisletter", "toevoeging", "postcode",
           "woonplaats_naam", "pand_identificatie", "x", "y")  # fmt: skip
STREETS = ("Zonnestraat", "Windstraat", "Dakpanweg", "Nokstraat", "Schoorsteenlaan", "Gootplein",
           "Dakkapelstraat", "Regenpijp", "Zolderweg", "Gevelstraat")  # fmt: skip
DIRECTIONS = ("", "Oude ", "Nieuwe ", "Korte ", "Lange ")
CELL = 100.0  # m; the houses of a square have a street's name
SMALL, HOUSE = 20.0, 400.0  # m2 of a footprint: below a shed, above a building of several homes
LETTERS = "ABCD"

Row = tuple[str, int, str, str, str, str, str, float, float]


def write_addresses(
    directory: Path, bounds: Bounds, buildings: Sequence[tuple[str, BaseGeometry]]
) -> Path:
    """Write the addresses of buildings, given by id and footprint, as a CSV."""
    file = directory / NAME
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(bounds, buildings))
    return file


def rows(bounds: Bounds, buildings: Sequence[tuple[str, BaseGeometry]]) -> list[Row]:
    """The addresses by street and number."""
    houses = [(id_, shape) for id_, shape in buildings if shape.is_valid and shape.area > SMALL]
    made: list[Row] = []
    numbers: dict[int, int] = defaultdict(int)
    for id_, shape in houses:
        point = shape.representative_point()
        street = _street(bounds, point.x, point.y)
        numbers[street] += 1
        for letter in LETTERS if shape.area > HOUSE else ("",):
            known = "" if len(made) % 10 == 9 else id_
            made.append(_row(street, numbers[street], letter, known, point.x, point.y))
    if len(houses) > 1:
        made[0] = (*made[0][:6], f"{houses[0][0]},{houses[1][0]}", *made[0][7:])
    west, south, _, _ = bounds
    return [*sorted(made, key=lambda row: row[:3]), _row(0, 999, "", "", west - CELL, south - CELL)]


def _row(street: int, number: int, letter: str, building: str, x: float, y: float) -> Row:
    kind, direction = street % len(STREETS), street // len(STREETS) % len(DIRECTIONS)
    name = DIRECTIONS[direction] + STREETS[kind]
    postcode = f"0999{chr(ord('A') + direction)}{chr(ord('A') + kind)}"
    return name, number, letter, "", postcode, PLACE, building, round(x, 2), round(y, 2)


def _street(bounds: Bounds, x: float, y: float) -> int:
    """The number of the street of a place; in a large quarter a name comes again."""
    west, south, east, _ = bounds
    across = int((east - west) // CELL) + 1
    return int((y - south) // CELL) * across + int((x - west) // CELL)
