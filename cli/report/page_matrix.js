/* SPDX-License-Identifier: Apache-2.0
   The matrix: what became of each runtime at each fork site. */

/* Rows: a site's cells by runtime, each with its outcomes, worst first. */
function matrixRows(forks) {
  const rows = new Map();
  for (const entry of forks) {
    const row = rows.get(entry.site.key) ?? { ...entry.site, entries: [], cells: new Map(), worst: RANKS.fine };
    rows.set(row.key, row);
    row.entries.push(entry);
    for (const outcome of entry.outcomes) {
      const cell = row.cells.get(outcome.runtime.key) ?? { row, runtime: runtimeByKey.get(outcome.runtime.key), outcomes: [], worst: RANKS.fine };
      cell.outcomes.push(outcome);
      cell.worst = Math.min(cell.worst, RANKS[outcome.state]);
      row.cells.set(outcome.runtime.key, cell);
      row.worst = Math.min(row.worst, cell.worst);
    }
  }
  return [...rows.values()].sort((a, b) => a.worst - b.worst || b.entries.length - a.entries.length);
}

const stateAt = (rank) => Object.keys(STATES)[rank];

/* "6 of 9 forks", "5 threads, 9 forks" */
function cellCount(cell) {
  const worst = cell.outcomes.filter(({ state }) => RANKS[state] === cell.worst), forks = plural(cell.row.entries.length, "fork");
  const most = Math.max(...cell.outcomes.slice(0, 10000).map(({ runtime }) => runtime.threads));
  return (worst.length === cell.row.entries.length ? forks : `${worst.length} of ${forks}`) + (most ? `, ${plural(most, "thread")}` : "");
}

function matrixCell(cell, id, runtime) {
  if (!cell) return make("td", { role: "cell", class: "empty", "data-runtime": runtime.label });
  const state = stateAt(cell.worst), words = STATES[state][1], count = cellCount(cell);
  const button = make("button", { type: "button", id, class: `cell state-${state}`, tabindex: "-1",
    "aria-label": `${runtime.label} at ${cell.row.line || cell.row.key}: ${words}, ${count}` }, make("b", {}, glyph(state), words), make("small", {}, count));
  button.addEventListener("click", () => openDetails(id, () => cellDetails(cell)));
  return make("td", { role: "cell", "data-runtime": runtime.label }, button);
}

function siteHeader(row, id) {
  const [at, through] = row.key.split(", through ");
  const button = make("button", { type: "button", id, class: "site", tabindex: "-1" }, make("b", {}, short(basename(at), 80)), " ",
    make("small", {}, [plural(row.entries.length, "fork"), through ? `through ${short(through)}` : ""].filter(Boolean).join(", ")));
  button.addEventListener("click", () => openDetails(id, () => siteDetails(row)));
  return make("th", { scope: "row", role: "rowheader" }, button);
}

function drawMatrix({ forks, runtimes }) {
  const rows = matrixRows(forks), used = runtimes.filter(({ key }) => rows.some(({ cells }) => cells.has(key)));
  if (!rows.length) return element("matrix").replaceChildren(make("p", { class: "none" }, "No fork is to be shown."));
  const head = used.map((runtime) => make("th", { scope: "col", role: "columnheader" }, badge(runtime), short(runtime.base, 60),
    ...(runtime.made && runtime.made !== runtime.base ? [make("small", {}, short(runtime.made, 60))] : [])));
  const body = rows.map((row, y) => make("tr", { role: "row" }, siteHeader(row, `site-${y}`),
    ...used.map((runtime, x) => matrixCell(row.cells.get(runtime.key), `cell-${y}-${x}`, runtime))));
  const table = make("table", { role: "table", "aria-labelledby": "matrix-title" },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, make("th", { scope: "col", role: "columnheader" }, "Fork at"), ...head)),
    make("tbody", { role: "rowgroup" }, ...body));
  table.addEventListener("keydown", (event) => moveInMatrix(event, table));
  const states = Object.keys(STATES).filter((state) => rows.some(({ cells }) => [...cells.values()].some(({ worst }) => stateAt(worst) === state)));
  const legend = states.map((state) => make("li", {}, glyph(state), `${STATES[state][1]}: ${STATES[state][2]}`));
  element("matrix").replaceChildren(make("div", { class: "scroll" }, table), make("ul", { class: "legend" }, ...legend),
    make("p", { class: "note" }, "A cell, or a place, opens its records at the side."));
  table.querySelector("tbody button").tabIndex = 0;
}

/* One stop of the Tab key, arrows within. */
function moveInMatrix(event, table) {
  const [dy, dx] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
  if (!dy && !dx) return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows], cell = event.target.closest("td, th");
  let y = rows.indexOf(cell.parentNode) + dy, x = cell.cellIndex + dx;
  while (rows[y]?.cells[x] && !rows[y].cells[x].querySelector("button")) [y, x] = [y + dy, x + dx];
  moveFocus(event.target, rows[y]?.cells[x]?.querySelector("button"));
}

function moveFocus(from, to) {
  if (!to) return;
  if (from) from.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus();
}
