"""How the columns of the method `annual` add up over an area, and what follows from these sums."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.annual.interval import MONTHS as MONTH_ERRORS
from pipeline.methods.annual.interval import SHADE, YEAR, Interval, apart, of_sum, shade_of
from pipeline.methods.annual.rules import DIRECTIONS, PITCHED
from pipeline.methods.annual.wind import sums as wind
from pipeline.methods.house import HOUSEHOLDS, HOUSEHOLDS_SHARE
from pipeline.methods.method import NUMBER, Column, Derived, Label, Total, Words
from pipeline.wording import MONTHS

HA, KWP, KWH = "ha", "kWp", "kWh/year"
DUTCH = dict(zip(DIRECTIONS, ("N", "NO", "O", "ZO", "Z", "ZW", "W", "NW"), strict=True))
FACING = ("flat", *(f"facing_{name}" for name in DIRECTIONS))
MONTH_LABELS = tuple(
    Label(en.lower(), en, nl)
    for en, nl in zip(*(MONTHS[lang].split() for lang in ("en", "nl")), strict=True)
)
SUITS = "solar_suitable"  # what a restriction sets aside for sun does not count

Chosen = NDArray[np.bool_]


def hectares(name: str, en: Words | None = None, nl: Words | None = None, where: str = "") -> Total:
    """Hectares of a column in m2."""
    return Total(name, "area_ha", HA, 10_000, where=where, en=en, nl=nl)


def is_pitched(planes: pa.StructArray) -> Chosen:
    """Which planes are pitched."""
    return np.asarray(pc.equal(planes.field("kind"), PITCHED))


def _is_flat(planes: pa.StructArray) -> Chosen:
    return ~is_pitched(planes)


def _facing(sector: int) -> Callable[[pa.StructArray], Chosen]:
    """Which planes are pitched and face within 22.5 degrees of one of the eight directions."""

    def parts(planes: pa.StructArray) -> Chosen:
        azimuth = np.asarray(pc.fill_null(planes.field("azimuth_deg"), np.nan))
        turned = (azimuth + 180 / len(DIRECTIONS)) % 360
        low, high = sector * 360 / len(DIRECTIONS), (sector + 1) * 360 / len(DIRECTIONS)
        return (turned >= low) & (turned < high)

    return parts


def areas_by_direction() -> tuple[Total, ...]:
    """Hectares of pitched planes by the direction that they face."""
    return tuple(
        replace(
            hectares(
                f"facing_{name}_ha",
                Words(f"Facing {name.upper()}", "true area of pitched planes that face there"),
                Words(f"Naar {DUTCH[name]}", "werkelijk oppervlak van hellende vlakken daarheen"),
            ),
            parts=_facing(sector),
        )
        for sector, name in enumerate(DIRECTIONS)
    )


def _panels(among: Callable[[pa.StructArray], Chosen]) -> Callable[[pa.StructArray], Chosen]:
    """Which planes have the panels that count, of some."""

    def parts(planes: pa.StructArray) -> Chosen:
        return among(planes) & np.asarray(pc.fill_null(planes.field("suitable"), False))

    return parts


def panels_by_direction(unit: str) -> tuple[Total, ...]:
    """Peak power or yield of the panels on flat planes, and on pitched ones by their direction."""
    suffix, error = ("kwp", None) if unit == KWP else ("kwh", apart_of)
    kinds = (_is_flat, *map(_facing, range(len(DIRECTIONS))))
    return tuple(
        Total(
            f"{name}_{suffix}", f"facing_{suffix}", unit, where=SUITS, parts=_panels(among),
            error=error, listed=False,
        )
        for name, among in zip(FACING, kinds, strict=True)
    )  # fmt: skip


def by_month() -> tuple[Total, ...]:
    """The yield of the panels in each month."""
    return tuple(
        Total(
            f"{month.name}_kwh", "month_kwh", "kWh", where=SUITS, item=number, error=apart_of,
            listed=False,
        )
        for number, month in enumerate(MONTH_LABELS)
    )  # fmt: skip


def apart_of(rows: pa.Table) -> NDArray[np.float64]:
    """What of the error of each roof's yield is its own, as a share of that."""
    kwh, unshaded = (
        np.asarray(pc.fill_null(rows[name], 0.0)) for name in ("solar_kwh", "unshaded_kwh")
    )
    return apart(shade_of(kwh, unshaded))


def least(en: str, nl: str) -> tuple[Words, Words]:
    """The words of the lower end of an interval. en, nl: of what it is one."""
    return (
        Words(f"{en}, at least", "lower end of the interval that holds it in 80 of 100 cases"),
        Words(f"{nl}, minstens", "ondergrens van de marge waarin het in 80 van de 100 keer ligt"),
    )


def most(en: str, nl: str) -> tuple[Words, Words]:
    """The words of the upper end of an interval. en, nl: of what it is one."""
    return (
        Words(f"{en}, at most", "upper end of the interval that holds it in 80 of 100 cases"),
        Words(f"{nl}, hoogstens", "bovengrens van de marge waarin het in 80 van de 100 keer ligt"),
    )


# fmt: off
COLUMNS = (
    Column("solar_low_kwh", NUMBER, KWH, *least("Solar yield", "Opbrengst zon")),
    Column("solar_high_kwh", NUMBER, KWH, *most("Solar yield", "Opbrengst zon")),
    Column(
        "shade_kwh", NUMBER, KWH,
        Words("Lost by shade", "what the panels would give more with nothing around"),
        Words("Schaduwverlies", "wat de panelen meer zouden geven zonder iets eromheen"),
    ),
    Column("shade_low_kwh", NUMBER, KWH, *least("Lost by shade", "Schaduwverlies")),
    Column("shade_high_kwh", NUMBER, KWH, *most("Lost by shade", "Schaduwverlies")),
    Column("wind_low_kwh", NUMBER, KWH, *least("Wind yield", "Opbrengst wind")),
    Column("wind_high_kwh", NUMBER, KWH, *most("Wind yield", "Opbrengst wind")),
    *HOUSEHOLDS,
    HOUSEHOLDS_SHARE,
)
# fmt: on


def _sections(
    sections: dict[str, Any], parameters: Mapping[str, Any], households: float | None
) -> dict[str, Any]:
    """Each yield with its interval, what shade takes, and the households whose use sun and wind
    equal, with the share of those that sun serves if their number is known."""
    kwh, errors = sections["kwh"], sections["errors"]
    shade = kwh["unshaded"] - kwh["solar"]
    served = {name: kwh[name] / parameters["household_kwh"] for name in ("solar", "wind")}
    if households is not None and households > 0:
        served |= {"number": households, "share": served["solar"] / households}
    return {
        "kwh": {
            "solar": kwh["solar"],
            **_ends("solar", of_sum(kwh["solar"], errors["kwh"]["solar"])),
            "unshaded": kwh["unshaded"],
            "shade": shade,
            **_ends("shade", of_sum(shade, SHADE * shade)),  # as if all had the same error
            "wind": kwh["wind"],
            **_ends("wind", wind.of_sum(kwh["wind"], errors["kwh"]["wind"])),
            "wind_brochure": kwh["wind_brochure"],
        },
        **{
            section: _with_ends(sections[section], errors[section], years)
            for section, years in YEARS.items()
        },
        "households": served,
    }


def _with_ends(
    kwh: Mapping[str, float], errors: Mapping[str, float], years: Mapping[str, float]
) -> dict[str, float]:
    """Yields, each with the ends of its interval behind it. years: of each what a year is off."""
    every: dict[str, float] = {}
    for name, year in years.items():
        every |= {name: kwh[name], **_ends(name, of_sum(kwh[name], errors[name], year))}
    return every


def _ends(name: str, interval: Interval) -> dict[str, float]:
    return {f"{name}_low": interval.low, f"{name}_high": interval.high}


def _row(sections: Mapping[str, Any]) -> dict[str, Any]:
    served = sections["households"].items()
    return {f"households_{name}": value for name, value in served if name != "number"}


YEARS = {
    "month_kwh": dict(zip((month.name for month in MONTH_LABELS), MONTH_ERRORS, strict=True)),
    "facing_kwh": dict.fromkeys(FACING, YEAR),
}
DERIVED = Derived(sections=_sections, row=_row, columns=COLUMNS)
