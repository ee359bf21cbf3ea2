"""What `powermapping` derives from the totals of its columns: energy, households, field trials."""

from collections.abc import Mapping
from typing import Any

from pipeline.methods.house import HOMES, HOUSEHOLDS, HOUSEHOLDS_SHARE
from pipeline.methods.method import NUMBER, Column, Derived, Words
from pipeline.methods.powermapping.rules import YIELDS
from pipeline.methods.trials import FIELD_TRIAL_KWH

KWH = "kWh/year"
# fmt: off
COLUMNS = (
    Column(
        "total_kwh", NUMBER, KWH, Words("Yield", "of sun and wind together"),
        Words("Opbrengst", "van zon en wind samen"),
    ),
    Column(
        "wind_field_trials_low_kwh", NUMBER, KWH,
        Words("Wind, lowest trial", "what the turbines yield by the poorest of field trials"),
        Words("Wind, laagste proef", "opbrengst van de turbines naar de zwakste praktijkproef"),
    ),
    Column(
        "wind_field_trials_high_kwh", NUMBER, KWH,
        Words("Wind, highest trial", "what the turbines yield by the best of field trials"),
        Words("Wind, hoogste proef", "opbrengst van de turbines naar de beste praktijkproef"),
    ),
    *HOUSEHOLDS,
    Column(
        "households_total", NUMBER, HOMES,
        Words("Households", "whose use the yield of both equals"),
        Words("Huishoudens", "waarvan het verbruik gelijk is aan de opbrengst van beide"),
    ),
    HOUSEHOLDS_SHARE,
)
# fmt: on


def _sections(
    sections: dict[str, Any], parameters: Mapping[str, Any], households: float | None
) -> dict[str, Any]:
    """Sun and wind together [kWh a year]; the households whose use each equals, and if their number
    is known the share of those."""
    kwh = sections["kwh"] | {"total": sections["kwh"]["solar"] + sections["kwh"]["wind"]}
    served = {name: value / parameters["household_kwh"] for name, value in kwh.items()}
    if households is not None and households > 0:
        served |= {"number": households, "share": served["total"] / households}
    return {"kwh": kwh, "households": served}


def _yields(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The yield of the same roofs by each preset: the parameters that it sets, hectares of panels,
    kWh of sun a year, and the households that use as much."""
    yields = {}
    for name, preset in YIELDS.items():
        panel_ha = preset["panel_share"] * sections["area_ha"]["suitable_roof"]
        kwh = 10_000 * panel_ha * preset["solar_kwh_m2"]
        households = kwh / preset["household_kwh"]
        yields[name] = {**preset, "panel_ha": panel_ha, "solar_kwh": kwh, "households": households}
    return {"yields": yields}


def _row(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Beside the turbines' yield that of field trials; and the households."""
    low, high = (kwh * sections["counts"]["wind_suitable"] for kwh in FIELD_TRIAL_KWH)
    served = sections["households"].items()
    return {
        "wind_field_trials_low_kwh": low,
        "wind_field_trials_high_kwh": high,
        **{f"households_{name}": value for name, value in served if name != "number"},
    }


DERIVED = Derived(sections=_sections, presets=_yields, row=_row, columns=COLUMNS)
