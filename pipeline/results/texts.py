"""The words of report and map in Dutch and English, and how numbers and days are written."""

import datetime

from pipeline.errors import InputError

FIELD_TRIAL_KWH = (15, 870)  # a year, of small roof turbines: the Warwick trials

REPORT = {
    "en": """\
Sun and wind on the roofs: what is potentially suitable
Method {method} ({program}); the sun of {date} at {times} CET.
{coverage}
Footprints in the area | {read} |
  judged | {judged_all} |
  not judged | {rejected_all} |
{reasons}  besides, for their shadow and shelter | {neighbours} |
{selection}
Potentially suitable
  for sun only | {legend_solar} |
  for wind, with or without sun | {legend_wind_or_solar} |
  for neither | {legend_none} |
{set_aside}  not judged, so unknown | {rejected} |
{one_cell}{excluded}
Sun
  roofs potentially suitable | {solar_suitable} | {solar_and_wind} of them for wind too
  their roof area | {suitable_roof} | ha of {roof} ha judged
  panels, {panel_share} of it | {panel} | ha
  yield | {solar_kwh} | kWh a year
  as much as the use of | {solar_households} | households
  lit at all these times, cell by cell | {lit_roof} | ha of {roof} ha judged

Wind
  buildings of {wind_min_height} m or higher | {wind_candidates} |
  sheltered by a higher one within {wind_radius} m | {wind_shadowed} |
  potentially suitable, one turbine each | {wind_suitable} |
  yield, at {turbine_kwh} kWh a turbine | {wind_kwh} | kWh a year
    but {trials}
    a turbine; together {trial_sum}
  as much as the use of | {wind_households} | households

Together
  yield | {total_kwh} | kWh a year
    of which from turbines {wind_kwh} kWh;
    {trials}
  as much as the use of | {total_households} | households of {household_kwh} kWh
{share}
{yields}
For context: what the study found for the whole of Amsterdam
  240 ha of panels, almost 50,000 households or about 12 %, and more than
  1,000 turbines (Powermapping, Waag Society; data of about 2008).
  These figures are of another place and time; nothing here is tuned to them.

Accuracy
  Every roof is taken as one flat height. At cells of 5 m, which cell a ray
  of shadow meets decides 3-4 % of the verdicts; the three times, the height
  statistic and the surface are choices too and weigh as much or more.
{warnings}{flags}{sources}
Not judged here
  the structure of the roof, ownership, permits and monuments, noise,
  grid capacity, and panels already there.
""",
    "nl": """\
Zon en wind op de daken: wat potentieel geschikt is
Methode {method} ({program}); de zon van {date} om {times} MET.
{coverage}
Panden in het gebied | {read} |
  beoordeeld | {judged_all} |
  niet beoordeeld | {rejected_all} |
{reasons}  daarnaast gelezen om hun schaduw en luwte | {neighbours} |
{selection}
Potentieel geschikt
  voor alleen zon | {legend_solar} |
  voor wind, met of zonder zon | {legend_wind_or_solar} |
  voor geen van beide | {legend_none} |
{set_aside}  niet beoordeeld, dus onbekend | {rejected} |
{one_cell}{excluded}
Zon
  daken potentieel geschikt | {solar_suitable} | waarvan {solar_and_wind} ook voor wind
  hun dakoppervlak | {suitable_roof} | ha van {roof} ha beoordeeld
  panelen, {panel_share} daarvan | {panel} | ha
  opbrengst | {solar_kwh} | kWh per jaar
  evenveel als het verbruik van | {solar_households} | huishoudens
  steeds in de zon, cel voor cel | {lit_roof} | ha van {roof} ha beoordeeld

Wind
  gebouwen van {wind_min_height} m of hoger | {wind_candidates} |
  in de luwte van een hoger binnen {wind_radius} m | {wind_shadowed} |
  potentieel geschikt, elk één turbine | {wind_suitable} |
  opbrengst, {turbine_kwh} kWh per turbine | {wind_kwh} | kWh per jaar
    maar {trials}
    per stuk; samen {trial_sum}
  evenveel als het verbruik van | {wind_households} | huishoudens

Samen
  opbrengst | {total_kwh} | kWh per jaar
    waarvan uit turbines {wind_kwh} kWh;
    {trials}
  evenveel als het verbruik van | {total_households} | huishoudens van {household_kwh} kWh
{share}
{yields}
Ter vergelijking: wat de studie voor heel Amsterdam vond
  240 ha panelen, bijna 50.000 huishoudens ofwel ongeveer 12 %, en meer dan
  1.000 turbines (Powermapping, Waag Society; gegevens van omstreeks 2008).
  Die cijfers zijn van een andere plaats en tijd; niets is hier op afgestemd.

Nauwkeurigheid
  Elk dak geldt als één vlakke hoogte. Bij cellen van 5 m beslist de vraag
  welke cel een schaduwstraal raakt over 3-4 % van de oordelen; de drie
  tijden, de hoogtemaat en het oppervlak zijn ook keuzes en wegen even zwaar
  of zwaarder.
{warnings}{flags}{sources}
Hier niet beoordeeld
  de constructie van het dak, eigendom, vergunningen en monumenten, geluid,
  de capaciteit van het net, en panelen die er al liggen.
""",
}

WORDS = {
    "en": {
        "outside": "(outside)",
        "and": "and",
        "coverage": "The inputs cover {footprints} of the footprints and {ground} of the ground.\n",
        "selection": "Counted below are the {selected} footprints that were selected.\n",
        "excluded": "Set aside by restrictions: {solar} for sun, {wind} for wind, {both} for "
        "both.\nThey keep their class in the table and leave the totals of sun and wind.\n",
        "set_aside_line": "  set aside by restrictions | {set_aside} |\n",
        "one_cell_line": "Smaller than a cell, so resting on one: {solar} for sun, "
        "{wind_or_solar} for wind, {none} for neither.\n",
        "by_kind": "Restrictions by kind: {kinds}.\n",
        "yields": "Sun by other yields, side by side",
        "yields_own": "this run",
        "yields_panel_share": "  panels of the roof",
        "yields_solar_kwh_m2": "  kWh a year of a m2 of panels",
        "yields_household_kwh": "  kWh a year of a household",
        "yields_panel_ha": "  ha of panels",
        "yields_solar_kwh": "  kWh a year",
        "yields_households": "  as much as the use of households",
        "yields_told": "  Of 2024 the share and the kWh of a m2 are assumptions; the use is "
        "CBS's.\n  What edges, paths and installations leave of a roof is not known.\n",
        "share": "  that is {share} of the {number} households of the area\n",
        "trials": "field trials of small roof turbines measured 15-870 kWh a year",
        "trial_sum": "{low} to {high} kWh for these",
        "potential": "Potentially suitable; beside every turbine yield (wind_kwh): {trials}.",
        "warnings": "\nWarnings\n",
        "flags": "\nFlags to look at before use:\n",
        "map_title": "Sun and wind on the roofs",
        "map_subtitle": "Potentially suitable roofs, by the Powermapping method",
        "map_made": "Made on {date}; heights: {heights}",
        "map_heights": "Heights: {heights}",
        "no_version": "AHN version unknown",
        "circle": "within {radius} m of {middle}",
        "map_suns": "Shadows on {date} at {times} CET",
        "map_roofs": "Roofs, potentially suitable for",
        "map_dots": "A dot of {metres} m has the colour of most roofs in it, and is fainter where "
        "there are few; outlines only of roofs that are larger.",
        "solar": "sun",
        "wind_or_solar": "wind, with or without sun",
        "none": "neither",
        "not_judged": "not judged: unknown",
        "unselected": "outside the selection",
        "set_aside": "set aside by a restriction",
        "map_reach_cut": "near the inputs' edge: shade may be missed",
        "map_added": "added: not in the heights",
        "ground": "Relief and shadow",
        "shadow": "in shadow (darker: at more of these times)",
        "no_height": "no height data (often water)",
        "map_remark": "Not judged: structure, ownership, permits and monuments, noise, grid "
        "capacity, panels already there.",
        "sources": "\nSources\n",
        "map_sources": "Sources",
        "grid": "Coordinates: RD New (EPSG:28992)",
        "north": "N",
        "empty": "no geometry, or an empty one",
        "invalid": "a geometry that cannot be repaired",
        "not_standing": "not standing, by its status",
        "newer_than_heights": "built after the heights were surveyed",
        "off_rasters": "centre outside the rasters",
        "no_data": "no cell with data in the DSM",
        "no_ground": "no ground height around it",
        "not_in_heights": "hardly rises above the ground in the height model",
        "repeated_id": "the id stands on more than one row",
        "uneven": "parts differ by more than 10 m in height",
        "one_cell": "smaller than a cell: rests on the one cell at its centre",
        "part_outside": "partly outside the rasters",
        "reach_cut": "what may shade or shelter it lies partly outside the inputs",
        "repaired": "the geometry was invalid and repaired",
        "unknown_status": "a status that the method does not know",
        "restricted": "touched by a restriction",
    },
    "nl": {
        "outside": "(buiten)",
        "and": "en",
        "coverage": "De invoer beslaat {footprints} van de panden en {ground} van de grond.\n",
        "selection": "Hieronder tellen de {selected} panden die geselecteerd zijn.\n",
        "excluded": "Uitgezonderd door beperkingen: {solar} voor zon, {wind} voor wind, {both} "
        "voor beide.\nZij houden hun klasse in de tabel en vallen buiten de totalen van zon en "
        "wind.\n",
        "set_aside_line": "  uitgezonderd door beperkingen | {set_aside} |\n",
        "one_cell_line": "Kleiner dan een cel, dus op één cel beoordeeld: {solar} voor zon, "
        "{wind_or_solar} voor wind, {none} voor geen van beide.\n",
        "by_kind": "Beperkingen naar soort: {kinds}.\n",
        "yields": "Zon bij andere opbrengsten, naast elkaar",
        "yields_own": "deze run",
        "yields_panel_share": "  panelen op het dak",
        "yields_solar_kwh_m2": "  kWh per jaar van een m2 paneel",
        "yields_household_kwh": "  kWh per jaar van een huishouden",
        "yields_panel_ha": "  ha panelen",
        "yields_solar_kwh": "  kWh per jaar",
        "yields_households": "  evenveel als het verbruik van huishoudens",
        "yields_told": "  Van 2024 zijn aandeel en kWh van een m2 aannamen; het verbruik is "
        "van CBS.\n  Wat randen, paden en installaties van een dak overlaten, is niet bekend.\n",
        "share": "  dat is {share} van de {number} huishoudens van het gebied\n",
        "trials": "in praktijkproeven haalden kleine dakturbines 15-870 kWh per jaar",
        "trial_sum": "{low} tot {high} kWh voor deze",
        "potential": "Potentieel geschikt; bij elke turbineopbrengst (wind_kwh): {trials}.",
        "warnings": "\nWaarschuwingen\n",
        "flags": "\nVlaggen om vóór gebruik naar te kijken:\n",
        "map_title": "Zon en wind op de daken",
        "map_subtitle": "Potentieel geschikte daken, volgens de methode Powermapping",
        "map_made": "Gemaakt op {date}; hoogten: {heights}",
        "map_heights": "Hoogten: {heights}",
        "no_version": "AHN-versie onbekend",
        "circle": "binnen {radius} m van {middle}",
        "map_suns": "Schaduwen op {date} om {times} MET",
        "map_roofs": "Daken, potentieel geschikt voor",
        "map_dots": "Een stip van {metres} m heeft de kleur van de meeste daken erin, en is vager "
        "waar het er weinig zijn; omtrekken alleen van daken die groter zijn.",
        "solar": "zon",
        "wind_or_solar": "wind, met of zonder zon",
        "none": "geen van beide",
        "not_judged": "niet beoordeeld: onbekend",
        "unselected": "buiten de selectie",
        "set_aside": "uitgezonderd door een beperking",
        "map_reach_cut": "rand van de invoer: mist mogelijk schaduw",
        "map_added": "toegevoegd: niet in de hoogten",
        "ground": "Reliëf en schaduw",
        "shadow": "in de schaduw (donkerder: op meer van deze tijden)",
        "no_height": "geen hoogtegegevens (vaak water)",
        "map_remark": "Niet beoordeeld: constructie, eigendom, vergunningen en monumenten, geluid, "
        "netcapaciteit, panelen die er al liggen.",
        "sources": "\nBronnen\n",
        "map_sources": "Bronnen",
        "grid": "Coördinaten: RD New (EPSG:28992)",
        "north": "N",
        "empty": "geen geometrie, of een lege",
        "invalid": "een geometrie die niet te herstellen is",
        "not_standing": "staat er niet, volgens zijn status",
        "newer_than_heights": "gebouwd nadat de hoogten zijn gemeten",
        "off_rasters": "middelpunt buiten de rasters",
        "no_data": "geen cel met gegevens in het DSM",
        "no_ground": "geen maaiveldhoogte eromheen",
        "not_in_heights": "steekt in het hoogtemodel nauwelijks boven het maaiveld uit",
        "repeated_id": "het id staat op meer dan één rij",
        "uneven": "delen verschillen meer dan 10 m in hoogte",
        "one_cell": "kleiner dan een cel: berust op de ene cel bij het middelpunt",
        "part_outside": "deels buiten de rasters",
        "reach_cut": "wat schaduw of luwte kan geven, ligt deels buiten de invoer",
        "repaired": "de geometrie was ongeldig en is hersteld",
        "unknown_status": "een status die de methode niet kent",
        "restricted": "geraakt door een beperking",
    },
}

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


def words(lang: str) -> dict[str, str]:
    """The words of `lang`; `InputError` if it is neither `nl` nor `en`."""
    if lang not in WORDS:
        raise InputError("language {lang!r}: choose one of {known}", lang=lang, known=sorted(WORDS))
    return WORDS[lang]


def number(value: float, lang: str, digits: int = 0) -> str:
    """`value` with grouped thousands, as `lang` writes them."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if lang == "nl" else text


def percent(share: float, lang: str) -> str:
    """A share of one in per cent, with one decimal where it is not whole."""
    return number(100 * share, lang, 0 if round(1000 * share) % 10 == 0 else 1) + " %"


def day(date: str, lang: str) -> str:
    """An ISO date in full: 2025-12-21 is 21 December 2025."""
    when = datetime.date.fromisoformat(date[:10])
    return f"{when.day} {MONTHS[lang].split()[when.month - 1]} {when.year}"


def listed(items: list[str], lang: str) -> str:
    """`items` as a phrase: a, b and c."""
    head, tail = items[:-1], items[-1:]
    return f" {words(lang)['and']} ".join([", ".join(head), *tail] if head else tail)


def template(lang: str) -> str:
    """The printed report of `lang`, with places to fill."""
    words(lang)
    return REPORT[lang]
