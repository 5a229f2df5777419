/* SPDX-License-Identifier: Apache-2.0
   Two logs, before and after a change: what became of each runtime at each place. */

/* Lines move when a file is changed: a place is a file and a function. */
function placeKey(entry) {
  const site = object(entry.site.site), { file } = object(siteLine(site));
  return text(file) ? `${path(file)}${text(site.function) ? ` in ${text(site.function)}` : ""}` : entry.site.key;
}

function worstByPlace({ forks }) {
  const found = new Map();
  for (const entry of forks)
    for (const { runtime, state } of entry.outcomes) {
      const key = `${placeKey(entry)}\n${runtime.base}`, known = found.get(key);
      if (known === undefined || RANKS[state] < RANKS[known]) found.set(key, state);
    }
  return found;
}

/* [{ place, runtime, before, now }] of what matters and differs: what is worse now, then what is better. */
function differences(before, now) {
  const old = worstByPlace(before), current = worstByPlace(now), rank = (state) => RANKS[state ?? "fine"];
  const differs = (key) => old.get(key) !== current.get(key) && Math.min(rank(old.get(key)), rank(current.get(key))) <= RANKS.lost;
  return unique([...old.keys(), ...current.keys()]).filter(differs)
    .map((key) => ({ place: key.split("\n")[0], runtime: key.split("\n")[1], before: old.get(key), now: current.get(key) }))
    .sort((a, b) => (rank(a.now) - rank(a.before)) - (rank(b.now) - rank(b.before)));
}

/* On a narrow screen each cell says what it is. */
const comparedCell = (name, ...children) => make("td", { "data-runtime": name }, ...children);
const stateWords = (state) => (state ? [glyph(state), ` ${STATES[state][1]}`] : ["not there"]);

function drawComparison() {
  const records = JSON.parse(element("before").textContent);
  if (!records) return;
  const before = buildModel(records), rows = differences(before, model);
  const head = ["Fork at", "Runtime", "Before", "Now"].map((name) => make("th", { scope: "col" }, name));
  const body = rows.slice(0, REPORTS_MAX).map((row) => make("tr", {}, make("th", { scope: "row" }, row.place),
    comparedCell("Runtime", row.runtime), comparedCell("Before", ...stateWords(row.before)), comparedCell("Now", ...stateWords(row.now))));
  element("comparison-section").hidden = false;
  element("comparison").replaceChildren(make("p", {}, `Before: ${headline(before)[1]}`), make("p", {}, `Now: ${headline(model)[1]}`),
    rows.length ? make("div", { class: "scroll" }, make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)))
      : make("p", { class: "none" }, "No place and no runtime differs."),
    ...(rows.length > REPORTS_MAX ? [make("p", { class: "note" }, `${rows.length - REPORTS_MAX} more differences are not shown.`)] : []));
}
