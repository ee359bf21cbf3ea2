"""The words of report and map that all methods have, in Dutch and English."""

from pipeline.errors import InputError
from pipeline.messages import Text

WORDS = {
    "en": {
        "report": "Method {method.name} ({program})\n{coverage}\n"
        "Footprints in the area | {accounting.read} |\n"
        "  judged | {accounting.judged} |\n  not judged | {accounting.rejected} |\n"
        "{reasons}{selection}\nRoofs by class\n{classes}"
        "  not judged, so unknown | {counts.rejected} |\n"
        "[counts.legend.set_aside]  set aside by restrictions | {counts.legend.set_aside} |\n"
        "{excluded}\nTotals\n{totals}"
        "{warnings}{flags}{sources}",
        "coverage": "The inputs cover {covered.footprints:percent} of the footprints and"
        " {covered.ground:percent} of the ground.\n",
        "selection": "[unselected]Counted below are the {counts.selected} footprints that were"
        " selected.\n",
        "excluded": "[counts.excluded]Set aside by restrictions: {counts.excluded.solar} for sun,"
        " {counts.excluded.wind} for wind, {counts.excluded.both} for both.\n[counts.excluded]They"
        " keep their class in the table and leave the totals of sun and wind.\n"
        "[counts.restrictions]Restrictions by kind: {kinds}.\n",
        "outside": "(outside)",
        "warnings": "\nWarnings\n",
        "flags": "\nFlags to look at before use:\n",
        "map_made": "Made on {date}; heights: {heights}",
        "map_heights": "Heights: {heights}",
        "no_version": "AHN version unknown",
        "circle": "within {radius} m of {middle}",
        "flown": "{version} (flown {years})",
        "sums": "Judged | {counts.judged} | of {counts.selected} footprints\n{coverage}",
        "map_dots": "A dot of {metres} m has the colour of most roofs in it, and is fainter where "
        "there are few; outlines only of roofs that are larger.",
        "not_judged": "not judged: unknown",
        "unselected": "outside the selection",
        "set_aside": "set aside by a restriction",
        "added": "added: not in the heights",
        "no_height": "no height data (often water)",
        "bare": "the rest of a roof",
        "sources": "\nSources\n",
        "map_sources": "Sources",
        "grid": "Coordinates: RD New (EPSG:28992)",
        "north": "N",
    },
    "nl": {
        "report": "Methode {method.name} ({program})\n{coverage}\n"
        "Panden in het gebied | {accounting.read} |\n"
        "  beoordeeld | {accounting.judged} |\n  niet beoordeeld | {accounting.rejected} |\n"
        "{reasons}{selection}\nDaken naar klasse\n{classes}"
        "  niet beoordeeld, dus onbekend | {counts.rejected} |\n"
        "[counts.legend.set_aside]  uitgezonderd door beperkingen | {counts.legend.set_aside} |\n"
        "{excluded}\nTotalen\n{totals}"
        "{warnings}{flags}{sources}",
        "coverage": "De invoer beslaat {covered.footprints:percent} van de panden en"
        " {covered.ground:percent} van de grond.\n",
        "selection": "[unselected]Hieronder tellen de {counts.selected} panden die geselecteerd"
        " zijn.\n",
        "excluded": "[counts.excluded]Uitgezonderd door beperkingen: {counts.excluded.solar} voor"
        " zon, {counts.excluded.wind} voor wind, {counts.excluded.both} voor beide.\n"
        "[counts.excluded]Zij houden hun klasse in de tabel en vallen buiten de totalen van zon en"
        " wind.\n[counts.restrictions]Beperkingen naar soort: {kinds}.\n",
        "outside": "(buiten)",
        "warnings": "\nWaarschuwingen\n",
        "flags": "\nVlaggen om vóór gebruik naar te kijken:\n",
        "map_made": "Gemaakt op {date}; hoogten: {heights}",
        "map_heights": "Hoogten: {heights}",
        "no_version": "AHN-versie onbekend",
        "circle": "binnen {radius} m van {middle}",
        "flown": "{version} (gevlogen {years})",
        "sums": "Beoordeeld | {counts.judged} | van {counts.selected} panden\n{coverage}",
        "map_dots": "Een stip van {metres} m heeft de kleur van de meeste daken erin, en is vager "
        "waar het er weinig zijn; omtrekken alleen van daken die groter zijn.",
        "not_judged": "niet beoordeeld: onbekend",
        "unselected": "buiten de selectie",
        "set_aside": "uitgezonderd door een beperking",
        "added": "toegevoegd: niet in de hoogten",
        "no_height": "geen hoogtegegevens (vaak water)",
        "bare": "de rest van een dak",
        "sources": "\nBronnen\n",
        "map_sources": "Bronnen",
        "grid": "Coördinaten: RD New (EPSG:28992)",
        "north": "N",
    },
}


def words(lang: str) -> dict[str, str]:
    """The words of `lang`; `InputError` if it is neither `nl` nor `en`."""
    if lang not in WORDS:
        raise InputError(
            Text("language {lang!r}", lang=lang),
            remedy="choose one of {known}",
            known=sorted(WORDS),
        )
    return WORDS[lang]
