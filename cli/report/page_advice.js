/* SPDX-License-Identifier: Apache-2.0
   What to change: for each red cell of the matrix the advice that fits best. */

const ADVICE_MAX = 4;

/* [{ advice, cells }] of a site's red cells: one change often helps several runtimes. */
function adviceOf(row) {
  const found = new Map();
  for (const cell of row.cells.values()) {
    if (cell.worst > RANKS.failed) continue;
    const worst = cell.outcomes.find(({ state }) => RANKS[state] === cell.worst);
    const advice = wordsOf(tellingEntry(worst)).slice(1).find(([label]) => label === "do")?.[1];
    if (advice) found.set(advice, [...(found.get(advice) ?? []), cell]);
  }
  return [...found].map(([advice, cells]) => ({ advice, cells }));
}

function adviceItem({ advice, cells }) {
  const [{ row, worst }] = cells, id = `advice-${row.key}`;
  const open = make("button", { type: "button", class: "link", id }, `${cells.map(({ runtime }) => runtime.base).join(", ")} at ${short(basename(row.key.split(", through ")[0]), 80)}`);
  open.addEventListener("click", () => openDetails(id, () => cellDetails(cells[0])));
  return make("li", {}, glyph(stateAt(worst)), make("span", {}, open, make("code", {}, advice)));
}

function drawAdvice({ forks }) {
  const all = matrixRows(forks).flatMap(adviceOf), more = all.length - ADVICE_MAX;
  element("advice-section").hidden = !all.length;
  element("advice").replaceChildren(...all.slice(0, ADVICE_MAX).map(adviceItem),
    ...(more > 0 ? [make("li", { class: "note" }, `and ${more} more: see the red cells`)] : []));
}
