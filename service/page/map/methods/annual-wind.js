/** The wind of a roof: its yield by sector, in the field beside the brochure, folded. Its interval comes first. */

import { folded, make, terms } from "../dom.js";
import { listOf } from "../methods.js";
import { rose } from "../rose.js";
import { amount, number, percent, t } from "../texts.js";

/** Nothing of a run without wind; of a building that is too low only that. */
export function windSection(roof, { method }) {
  const { wind_min_height_m: least, wind_min_kwh: enough } = method?.parameters ?? {};
  if (roof.wind_candidate === null || roof.wind_candidate === undefined) return [];
  if (!roof.wind_candidate) return fold(t("wind_none"), make("p", {}, t("wind_low", { least: number(least) })));
  const yields = { low: amount(roof.wind_low_kwh), high: amount(roof.wind_high_kwh), kwh: amount(roof.wind_kwh) };
  return fold(t("wind_title", yields),
    terms(figures(roof, yields), { class: "terms" }),
    make("p", {}, t(roof.wind_suitable ? "wind_suits" : "wind_suits_not", { enough: number(enough) })),
    make("p", {}, t("wind_trials")),
    make("h4", {}, t("rose_title")),
    rose(t("rose_title"), listOf(roof, "wind_sector_kwh"), t("sectors").split(" ")),
    make("p", { class: "hint" }, t("rose_hint")),
    ...(roof.wind_held > 0 ? [make("p", { class: "hint" }, t("wind_held", { share: percent(roof.wind_held) }))] : []));
}

function fold(title, ...content) {
  return [folded(make("h3", {}, title), { class: "fold", "data-testid": "roof-wind" }, ...content)];
}

function figures(roof, yields) {
  const speed = (value) => `${number(value, 1)} m/s`;
  return [
    [t("wind_field"), t("yield_year", yields)],
    [t("wind_brochure"), t("wind_year", { kwh: amount(roof.wind_brochure_kwh) })],
    [t("wind_speed"), speed(roof.wind_mean_ms)],
    [t("wind_speed_open"), speed(roof.wind_unsheltered_ms)],
    [t("wind_hub"), `${number(roof.hub_m, 1)} m`],
  ];
}
