/* What page_model.js made of the records, drawn: headline, matrix, timeline, reports, details. */

const PROCESSES_MAX = 200, REPORTS_MAX = 100, EXPANDED_MAX = 12, LISTED_MAX = 30;
const HUES = 7; // in page.css; a runtime's letter tells it from others of its hue
const SVG = new Set(["svg", "g", "path", "rect", "line", "circle", "text", "title", "defs", "pattern", "clipPath"]);

const element = (id) => document.getElementById(id);

/* Children that are strings become text nodes: no data is ever parsed as markup. */
function make(tag, attributes = {}, ...children) {
  const made = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const hue = (runtime) => (runtime?.letter ? `hue-${runtime.index % HUES}` : "hue-none");
const badge = (runtime) => make("span", { class: `badge ${hue(runtime)}`, "aria-hidden": "true" }, runtime.letter);
const glyph = (state) => make("span", { class: `glyph state-${state}`, "aria-hidden": "true" }, STATES[state][0]);
const since = (time) => `${(time - model.start).toFixed(3)} s`;

const model = buildModel(JSON.parse(element("records").textContent));
const runtimeByKey = new Map(model.runtimes.map((runtime) => [runtime.key, runtime]));
const view = { from: 0, to: 1, compressed: true, all: model.processes.length <= EXPANDED_MAX, query: "", opener: "", current: "" };

// ---- Filter

function matching() {
  const { query } = view, words = (string) => string.toLowerCase().includes(query);
  const processes = model.processes.filter(({ search }) => search.includes(query));
  const kept = new Set(processes), named = model.runtimes.filter(({ label }) => words(label));
  const forks = model.forks.filter((entry) => kept.has(entry.process) || kept.has(entry.child));
  return { processes, forks, runtimes: query && named.length ? named : model.runtimes };
}

// ---- The matrix

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
  element("matrix").replaceChildren(make("div", { class: "scroll" }, table));
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

// ---- Time

const waitBegin = (entry) => Math.max(entry.time - Math.max(number(object(entry.record.waiting).seconds), 0), entry.process.fork?.time ?? model.start);

/* Seconds -> 0..1: even, or with each gap between records as wide as the logarithm of its length.
   Forks of children that are not drawn take no room of their own. */
function makeScale(rows) {
  const drawn = [...rows.keys()].flatMap(({ events }) => events).filter(({ child }) => !child || rows.has(child));
  const waits = drawn.filter(({ event }) => event === "hang").map(waitBegin), forks = drawn.map(({ time, child }) => child?.born ?? time);
  const times = unique([model.start, ...waits, ...forks, model.end]).sort((a, b) => a - b);
  if (times.length < 2) times.push((times[0] ?? 0) + 1);
  const sums = [0];
  for (let i = 1; i < times.length; i++) {
    const gap = times[i] - times[i - 1];
    sums.push(sums[i - 1] + (view.compressed ? 0.5 + Math.log2(1 + gap / 0.001) : gap));
  }
  const total = sums.at(-1);
  const at = (from, to, value) => { // interpolates between two sorted arrays
    let low = 0, high = from.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (from[middle] <= value) low = middle; else high = middle - 1;
    }
    return to[low] + ((to[low + 1] - to[low]) * (value - from[low])) / (from[low + 1] - from[low]);
  };
  return { times, part: (time) => at(times, sums, time) / total, time: (part) => at(sums, times, part * total) };
}

/* Where labels stand: at records where time is compressed, at round numbers where it is even. */
function ticks(scale, width) {
  if (view.compressed) return scale.times.map((time) => [time, scale.part(time)]);
  const span = (scale.time(view.to) - scale.time(view.from)) / Math.max(width / 90, 1), power = 10 ** Math.floor(Math.log10(span));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= span) ?? span;
  const first = Math.ceil((scale.time(view.from) - model.start) / step);
  return Array.from({ length: 40 }, (_, i) => model.start + (first + i) * step).filter((time) => time <= scale.time(view.to)).map((time) => [time, scale.part(time)]);
}

function setView(from, to) {
  const span = Math.min(Math.max(to - from, 1e-5), 1), start = Math.min(Math.max(from, 0), 1 - span);
  [view.from, view.to] = [start, start + span];
  requestDraw();
}

function zoom(factor, around = 0.5) {
  const span = view.to - view.from, at = view.from + span * around;
  setView(at - span * factor * around, at + span * factor * (1 - around));
}

const pan = (part) => setView(view.from + (view.to - view.from) * part, view.to + (view.to - view.from) * part);

// ---- The timeline

/* At most PROCESSES_MAX, the worst first with those they were forked from, in the order of the tree. */
function chosenProcesses(processes) {
  const chosen = new Set(), ordered = [];
  for (const process of [...processes].sort((a, b) => a.worst - b.worst || a.born - b.born)) {
    if (chosen.size >= PROCESSES_MAX) break;
    for (let each = process; each && !chosen.has(each) && chosen.size < PROCESSES_MAX; each = each.parent) chosen.add(each);
  }
  const children = new Map();
  for (const process of [...chosen].sort((a, b) => b.born - a.born)) {
    const parent = chosen.has(process.parent) ? process.parent : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(process);
  }
  const waiting = (children.get(null) ?? []).map((process) => [process, 0]);
  while (waiting.length) {
    const [process, depth] = waiting.pop();
    ordered.push([process, depth]);
    waiting.push(...(children.get(process) ?? []).map((child) => [child, depth + 1]));
  }
  return ordered;
}

/* A process's lanes: what it was forked without, and what its own forks tell of. */
function lanesOf(process) {
  const lanes = new Map();
  for (const { runtime, state } of process.fork?.outcomes ?? [])
    if (state !== "fine" && runtime.threads) lanes.set(`lost ${runtime.key}`, { runtime, state, threads: runtime.threads, lost: true, from: process.born, to: process.last });
  for (const entry of process.forks) {
    const all = entry.outcomes.map(({ runtime }) => runtime), known = all.reduce((sum, { threads }) => sum + threads, 1);
    if (number(entry.record.threads) > known) all.push({ key: "others", label: "other threads", threads: entry.record.threads - known });
    for (const runtime of all) {
      if (!runtime.threads) continue;
      const lane = lanes.get(runtime.key) ?? { runtime, state: "fine", threads: 0, lost: false, from: entry.time };
      lanes.set(runtime.key, Object.assign(lane, { threads: Math.max(lane.threads, runtime.threads), to: entry.time }));
    }
  }
  const known = [...lanes.values()].map((lane) => ({ ...lane, runtime: runtimeByKey.get(lane.runtime.key) ?? lane.runtime }));
  return known.sort((a, b) => b.lost - a.lost || (a.runtime.index ?? Infinity) - (b.runtime.index ?? Infinity));
}

const labelsWidth = (width) => (width < 560 ? 112 : 210);
const MAIN = 34, LANE = 17, GAP = 8;

function layOut(processes, runtimes) {
  const shown = new Set(runtimes.map(({ key }) => key)), rows = new Map();
  let y = 4;
  for (const [process, depth] of chosenProcesses(processes)) {
    const matters = view.all || process.hang || process.uses.length || !process.fork;
    const lanes = matters ? lanesOf(process).filter(({ runtime }) => runtime.key === "others" ? !view.query : shown.has(runtime.key)) : [];
    const height = MAIN + lanes.length * LANE;
    rows.set(process, { process, depth, y, height, main: y + MAIN - 13, lanes: lanes.map((lane, i) => ({ ...lane, y: y + MAIN + (i + 0.5) * LANE })) });
    y += height + GAP;
  }
  return { rows, height: y };
}

const measure = document.createElement("canvas").getContext("2d");

function fitted(string, width, font) {
  measure.font = font;
  if (measure.measureText(string).width <= width) return string;
  let most = string.length;
  while (most > 1 && measure.measureText(`${string.slice(0, most)}…`).width > width) most--;
  return `${string.slice(0, most)}…`;
}

/* What can be focused and opened; the arrows go from one to the next in the order of making. */
function item(draw, id, name, details, ...shapes) {
  const attributes = { id, class: "item", role: "button", tabindex: view.current === id ? "0" : "-1", "aria-label": name };
  const made = make("g", attributes, make("title", {}, name), ...shapes);
  made.addEventListener("click", () => openDetails(id, details));
  draw.items.push(made);
  return made;
}

function threadStripes({ threads, y }, from, to, kind) {
  const width = Math.max(to - from, 2);
  if (threads > 3) return [make("rect", { x: from, y: y - 5.5, width, height: 11, rx: 2, class: kind })];
  const top = (i) => y + (i - (threads - 1) / 2) * 5 - 1.75;
  return Array.from({ length: threads }, (_, i) => make("rect", { x: from, y: top(i), width, height: 3.5, rx: 1, class: kind }));
}

function drawLane(draw, row, lane) {
  const { x, labels, right } = draw, { runtime, threads, y, lost } = lane, from = x(lane.from), to = row.end;
  const name = `${runtime.label}, ${plural(threads, "thread")}${lost ? `: ${STATES[lane.state][1]}` : ""}, ${row.process.name}`;
  const room = draw.left - 30 - row.indent, label = `${runtime.base ?? runtime.label}${threads > 1 ? ` ×${threads}` : ""}`;
  labels.append(make("g", { class: hue(runtime) }, make("rect", { x: row.indent, y: y - 6.5, width: 15, height: 13, rx: 3, class: "letter" }),
    make("text", { x: row.indent + 7.5, y: y + 3.5, class: "letter-text" }, runtime.letter ?? "·"),
    make("text", { x: row.indent + 20, y: y + 4, class: "lane-label" }, fitted(label, room, draw.font))));
  const known = lost ? to : Math.min(Math.max(x(lane.to), from + 2), right);
  const shapes = threadStripes(lane, from, known, lost ? (lane.state === "reset" ? "thread back" : "thread gone") : "thread");
  if (!lost && known < to) shapes.push(make("line", { x1: known, x2: to, y1: y, y2: y, class: "beyond" }));
  const details = () => laneDetails(row.process, lane);
  draw.plot.append(make("g", { class: hue(runtime) }, item(draw, `lane-${row.process.id}-${runtime.key}-${lost}`, name, details,
    make("rect", { x: from, y: y - LANE / 2, width: Math.max(to - from, 1), height: LANE, class: "target" }), ...shapes)));
}

function drawMark(draw, id, at, y, state, name, entry) {
  draw.plot.append(item(draw, id, name, () => entryDetails(entry), make("circle", { cx: at, cy: y, r: 8, class: `mark state-${state}` }),
    make("text", { x: at, y: y + 4, class: `mark-text state-${state}` }, STATES[state]?.[0] ?? "•")));
}

/* The wait in red, from where it began to its end or, where it goes on, to that of the log; an arrow
   to what it waits for. */
function drawWait(draw, row, entry) {
  const { x, plot } = draw, at = Math.max(x(entry.time), x(waitBegin(entry)) + 4), y = row.main, state = hangState(entry);
  const lane = row.lanes.find(({ runtime, lost }) => lost && runtime.key === runtimeOf(entry.record.lost).key);
  const goesOn = text(entry.record.outcome) === "waits", title = wordsOf(entry)[0];
  const from = x(waitBegin(entry)), width = Math.max((goesOn ? row.end : at) - from, 4);
  draw.forks.append(make("rect", { x: from, y: y - 4, width, height: 8, class: `wait ${state}` }));
  if (lane) plot.append(make("path", { d: `M${at} ${y + 8}V${lane.y - 7}m-4 -5l4 6l4 -6`, class: `arrow ${state}` }));
  const words = fitted(`${STATES[state][1]}: ${(entry.record.lost ? runtimeOf(entry.record.lost) : NOWHERE).base}`, draw.right - at + 4, draw.bold);
  if (words.length > 6 && at >= draw.left && at <= draw.right) plot.append(make("text", { x: at - 6, y: y - 10, class: "wait-text" }, words));
  drawMark(draw, `record-${entry.index}`, at, y, state, title, entry);
}

function drawEntry(draw, row, entry) {
  const { x } = draw, at = x(entry.child?.born ?? entry.time);
  if (entry.event === "hang") return drawWait(draw, row, entry);
  const isFork = entry.event === "fork" || entry.event === "refused", child = draw.rows.get(entry.child);
  const spot = `${row.process.id} ${entry.event} ${Math.round(at / 4)}`;
  if (!child && draw.taken.has(spot)) return undefined; // hidden by its like until there is more room
  draw.taken.add(spot);
  if (isFork && child) draw.forks.append(make("path", { d: `M${at} ${row.main}V${child.main}`, class: "fork-line" }));
  if (entry.event === "start") return draw.plot.append(make("path", { d: `M${at} ${row.main - 6}v12`, class: "begin" }));
  const id = `record-${entry.index}`, title = wordsOf(entry)[0], lane = row.lanes.find((each) => each.runtime.key === runtimeOf(entry.record).key);
  if (entry.event === "use") return drawMark(draw, id, at, row.main, "used", title, entry);
  if (entry.event === "reset") return drawMark(draw, id, at, lane?.y ?? row.main, resetState(entry), title, entry);
  if (entry.event === "refused") return drawMark(draw, id, at, row.main, "refused", title, entry);
  return draw.plot.append(item(draw, id, title, () => entryDetails(entry),
    make("circle", { cx: at, cy: row.main, r: 8, class: "target" }), make("circle", { cx: at, cy: row.main, r: 4, class: isFork ? "fork-dot" : "other-dot" })));
}

function drawProcess(draw, row) {
  const { x, right } = draw, { process, main } = row, last = x(process.last);
  const ended = ["exited", "aborted"].includes(text(process.hang?.record.outcome));
  row.indent = 10 + Math.min(row.depth, 4) * 12;
  row.end = process.fork ? (ended ? Math.max(last, x(process.born) + 4) : right) : right;
  draw.labels.append(make("rect", { x: 0, y: row.y, width: draw.width, height: row.height, rx: 4, class: "band" }));
  const words = [process.fork ? "↳" : "", process.pid, process.rank ? `rank ${process.rank}` : "", process.program, process.host].filter(Boolean).join(" ");
  const label = fitted(words, draw.left - row.indent - 8, draw.bold);
  draw.labels.append(make("text", { x: row.indent, y: main + 4, class: "process-label" }, make("title", {}, process.name), label));
  const born = x(process.born), target = { x: born, y: main - 8, width: Math.max(last - born, 8), height: 16, class: "target" };
  draw.plot.append(item(draw, process.id, process.name, () => processDetails(process), make("rect", target),
    make("line", { x1: born, x2: Math.max(last, born + 2), y1: main, y2: main, class: "main" })));
  if (!ended) draw.plot.append(make("line", { x1: last, x2: right, y1: main, y2: main, class: "beyond main-beyond" }));
  for (const lane of row.lanes) drawLane(draw, row, lane);
}

function drawAxis(draw, scale) {
  const axis = make("svg", { class: "axis", viewBox: `0 0 ${draw.width} 26`, width: draw.width, height: 26, "aria-hidden": "true" });
  let taken = draw.left - 20;
  for (const [time, part] of ticks(scale, draw.width - draw.left)) {
    const at = draw.at(part), label = `${Number((time - model.start).toFixed(view.to - view.from < 0.01 ? 6 : 3))} s`;
    if (at < draw.left - 1 || at > draw.right + 1) continue;
    const half = measure.measureText(label).width / 2 + 5, middle = Math.min(Math.max(at, draw.left + half - 5), draw.right - half + 5);
    const room = middle - half >= taken;
    axis.append(make("line", { x1: at, x2: at, y1: room ? 19 : 22, y2: 26, class: "tick" }));
    if (!room) continue;
    axis.append(make("text", { x: middle, y: 14, class: "tick-text" }, label));
    draw.labels.append(make("line", { x1: at, x2: at, y1: 0, y2: draw.height, class: "grid" }));
    taken = middle + half;
  }
  return axis;
}

/* Stripes for what is lost: of the runtime's colour, on nothing. */
function patterns() {
  const names = [...Array(HUES).keys(), "none"], size = { width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  return make("defs", {}, ...names.map((name) =>
    make("pattern", { id: `gone-${name}`, class: `hue-${name}`, ...size }, make("rect", { width: 2.2, height: 6, class: "stripe" }))));
}

function drawTimeline() {
  const host = element("timeline"), found = matching(), { rows, height } = layOut(found.processes, found.runtimes), focused = document.activeElement?.id;
  const width = Math.max(host.clientWidth, 280), left = labelsWidth(width), right = width - 16, scale = makeScale(rows);
  const at = (part) => left + 12 + ((part - view.from) / (view.to - view.from)) * (right - left - 24);
  const style = getComputedStyle(document.body).fontFamily;
  const draw = { width, height, left, right, rows, at, x: (time) => Math.min(Math.max(at(scale.part(time)), left - 40), right + 40), items: [], taken: new Set(),
    font: `12px ${style}`, bold: `600 12px ${style}`, labels: make("g"), forks: make("g"), plot: make("g", { "clip-path": "url(#plot-clip)" }) };
  measure.font = draw.font;
  const axis = drawAxis(draw, scale);
  for (const row of rows.values()) drawProcess(draw, row);
  draw.plot.append(draw.forks);
  for (const row of rows.values()) for (const entry of row.process.events) drawEntry(draw, row, entry);
  const svg = make("svg", { class: "lanes", viewBox: `0 0 ${width} ${height}`, width, height }, patterns(),
    make("clipPath", { id: "plot-clip" }, make("rect", { x: left, y: 0, width: right - left + 14, height })), draw.labels, draw.plot);
  if (!draw.items.some(({ id }) => id === view.current)) draw.items[0]?.setAttribute("tabindex", "0");
  host.replaceChildren(axis, svg);
  if (focused && draw.items.some(({ id }) => id === focused)) element(focused).focus({ preventScroll: true });
  drawLegend(found.processes.filter((process) => !rows.has(process)).length);
}

const sample = (name, ...shapes) => make("li", {}, make("svg", { viewBox: "0 0 34 16", width: 34, height: 16, "aria-hidden": "true" }, ...shapes), name);
const sampleMark = (state, name) => make("li", {}, glyph(state), name);

function drawLegend(leftOut) {
  const bar = (kind) => make("g", { class: "hue-0" }, make("rect", { x: 2, y: 4, width: 30, height: 9, rx: 2, class: kind }));
  const states = unique(model.forks.flatMap(({ outcomes }) => outcomes.map(({ state }) => state)));
  element("legend").replaceChildren(make("ul", { class: "legend" },
    sample("the thread that forks", make("line", { x1: 2, x2: 32, y1: 8, y2: 8, class: "main" })),
    sample("a runtime's threads; one thick lane for more than 3", bar("thread")),
    sample("lost in the child", bar("thread gone")),
    sample("got back by a reset", bar("thread back")),
    sample("not recorded any more, maybe alive", make("line", { x1: 2, x2: 32, y1: 8, y2: 8, class: "beyond" })),
    sample("waits, with an arrow to what it waits for", make("rect", { x: 2, y: 4, width: 30, height: 8, class: "wait hung" })),
    sample("a fork", make("path", { d: "M8 2V14", class: "fork-line" }), make("circle", { cx: 8, cy: 4, r: 3, class: "fork-dot" })),
    ...["used", "refused", "failed"].filter((state) => states.includes(state)).map((state) => sampleMark(state, STATES[state][1]))),
  make("ul", { class: "legend" }, ...model.runtimes.map((runtime) => make("li", {}, badge(runtime), short(runtime.label, 50)))),
  make("p", { class: "note" }, [leftOut ? `${plural(leftOut, "process", "processes")} for which there is no room ${leftOut === 1 ? "is" : "are"} not drawn; the worst are. ` : "",
    "The log tells of threads at forks only: a lane begins at the first fork that tells of it, not where its threads began. ",
    view.compressed ? "Time is compressed: the distance between two records grows with the logarithm of the time between them. " : "",
    "Drag to move, Ctrl and wheel to zoom; or the keys +, \u2212, 0 and the arrows."].join("")));
}

// ---- Details

function stack(title, frames) {
  return frames.length ? [make("h3", {}, title), make("ol", { class: "stack" }, ...frames.map((frame) => make("li", {}, frame)))] : [];
}

function wordsList(lines) {
  return make("dl", {}, ...lines.filter(([, line]) => line).flatMap(([label, line], nth) =>
    [make("dt", {}, nth && lines[nth - 1]?.[0] === label ? "" : label), make("dd", {}, line)]));
}

function entryBody(entry) {
  const { record } = entry, [, ...lines] = wordsOf(entry);
  return [wordsList([["time", `${since(entry.time)} (${new Date(entry.time * 1000).toISOString()})`], ...lines]),
    ...stack("Python stack", list(record.python_stack).map((frame) => `${place(frame)} in ${text(object(frame).function)}`)),
    ...stack("Native stack", list(record.native_stack).map(object).map((frame) => `${path(frame.dso)} ${text(frame.symbol)}+0x${number(frame.offset).toString(16)}`)),
    make("details", { class: "raw" }, make("summary", {}, "The record"), make("pre", {}, JSON.stringify(record, null, 1).split("\n").map(visible).join("\n")))];
}

const entryDetails = (entry) => [wordsOf(entry)[0], ...entryBody(entry)];

function entryLinks(entries) {
  const links = entries.slice(0, LISTED_MAX).map((entry) => {
    const link = make("button", { type: "button", class: "link" }, `${since(entry.time)}: ${short(wordsOf(entry)[0], 100)}`);
    link.addEventListener("click", () => openDetails(`record-${entry.index}`, () => entryDetails(entry)));
    return make("li", {}, link);
  });
  const more = entries.length - links.length;
  return make("ul", { class: "links" }, ...links, ...(more ? [make("li", {}, `and ${more} more`)] : []));
}

function cellDetails(cell) {
  const sorted = [...cell.outcomes].sort((a, b) => RANKS[a.state] - RANKS[b.state]), worst = sorted[0];
  const about = worst.entry.child?.hang && RANKS[worst.state] < RANKS.used ? worst.entry.child.hang : worst.entry;
  return [`${cell.runtime.label} at ${cell.row.line || cell.row.key}`, make("p", {}, countBy(sorted.map(({ state }) => STATES[state][1]))),
    make("h3", {}, wordsOf(about)[0]), ...entryBody(about), make("h3", {}, "Records"), entryLinks(sorted.map(({ entry }) => (entry.child?.hang ?? entry)))];
}

const siteDetails = (row) => [row.key, make("h3", {}, "Records"), entryLinks(row.entries)];
const processRecords = (process) => [make("h3", {}, "Records"), entryLinks(unique([process.fork, ...process.events].filter(Boolean)))];
const processDetails = (process) => [process.name, wordsList([["program", process.program], ["from", process.parent?.name]]), ...processRecords(process)];
const laneDetails = (process, { runtime, state, threads, lost }) => [`${runtime.label} in ${process.name}`,
  wordsList([["threads", runtime.raw ? threadsWords({ ...runtime, threads }) : `${threads}, of which no record names the owner`],
    ["state", lost ? STATES[state][1] : "alive"], ["library", text(runtime.raw?.dso)], ["started", path(runtime.raw?.started)]]),
  ...processRecords(process)];

/* Beside the page, or over its lower part where it is narrow; Escape brings back to where one was. */
function openDetails(id, details) {
  const panel = element("details"), [title, ...body] = details();
  const close = make("button", { type: "button", class: "close", "aria-label": "Close details" }, "✕");
  close.addEventListener("click", closeDetails);
  if (document.activeElement?.id) view.opener = document.activeElement.id;
  panel.replaceChildren(close, make("h2", { id: "details-title" }, title), ...body);
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.focus({ preventScroll: true });
  document.body.classList.add("open");
  view.current = id;
  if (id.startsWith("record-")) history.replaceState(null, "", `#${id.replace("-", "=")}`);
  requestDraw();
}

function closeDetails() {
  element("details").hidden = true;
  document.body.classList.remove("open");
  history.replaceState(null, "", location.pathname + location.search);
  requestDraw();
  element(view.opener)?.focus({ preventScroll: true });
}

/* "#hang=1": the first hang; "#record=12": a record by its place in the log. */
function openFragment() {
  const [kind, value] = location.hash.slice(1).split("=");
  const entry = kind === "hang" ? model.entries.filter(({ event }) => event === "hang")[Number(value) - 1]
    : kind === "record" ? model.entries.find(({ index }) => index === Number(value)) : undefined;
  if (entry) openDetails(`record-${entry.index}`, () => entryDetails(entry));
}

// ---- Reports: what happened the same way told once

/* Hangs, refusals and failures; uses and losses where no hang tells of them. */
function isReported({ event, record, process, child, outcomes }) {
  if (event === "hang" || event === "refused") return true;
  if (event === "use") return !process.hang;
  if (event === "reset") return Boolean(record.error);
  return !child?.hang && Boolean(outcomes?.some(({ state }) => state === "lost"));
}

function groupRank([{ event, record }]) {
  if (event === "hang") return RANKS[hangState({ record })];
  return lookup({ use: RANKS.used, reset: RANKS.failed, refused: RANKS.refused }, event) ?? RANKS.lost;
}

function drawReports({ processes }) {
  const groups = new Map(), kept = new Set(processes);
  for (const entry of model.entries) {
    if (!kept.has(entry.process) || !isReported(entry)) continue;
    const { record, event } = entry, runtime = runtimeOf(event === "hang" ? record.lost : record);
    const key = [event, text(record.verdict), siteWords(object(record.waiting).site), siteOf(entry).key, runtime.key].join("\n");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(entry);
  }
  const sorted = [...groups.values()].sort((a, b) => groupRank(a) - groupRank(b) || b.length - a.length);
  element("reports").replaceChildren(...sorted.slice(0, REPORTS_MAX).map((group) => reportOf(group, stateAt(groupRank(group)))),
    ...(sorted.length ? [] : [make("p", { class: "none" }, "There is nothing to report.")]),
    ...(sorted.length > REPORTS_MAX ? [make("p", { class: "note" }, `${sorted.length - REPORTS_MAX} more kinds of report are not shown.`)] : []));
}

/* Its body is made when it is opened first. */
function reportOf(group, state) {
  const count = group.length > 1 ? [make("b", { class: "count" }, `${group.length}×`)] : [];
  const report = make("details", { class: "report" }, make("summary", {}, glyph(state), ...count, make("span", {}, wordsOf(group[0])[0])));
  report.addEventListener("toggle", () => {
    if (report.children.length === 1) report.append(...entryBody(group[0]), ...(group.length > 1 ? [make("h3", {}, "Records"), entryLinks(group)] : []));
  });
  return report;
}

// ---- The page

let requested = 0;
function requestDraw() {
  cancelAnimationFrame(requested);
  requested = requestAnimationFrame(drawTimeline);
}

function drawAll() {
  const found = matching();
  drawMatrix(found);
  drawReports(found);
  drawTimeline();
  element("found").textContent = view.query ? `${found.processes.length} of ${plural(model.processes.length, "process", "processes")}` : "";
}

function drawHead() {
  const [state, words] = headline(model), omitted = Number(element("records").dataset.omitted);
  const hosts = unique(model.entries.map(({ host }) => host)).filter(Boolean), forks = model.entries.filter(({ event }) => event === "fork").length;
  const begin = new Date(model.start * 1000).toISOString().slice(0, 19).replace("T", " ");
  element("headline").replaceChildren(glyph(state), make("span", {}, words));
  element("about").textContent = [plural(model.entries.length, "record"), omitted ? `${omitted} more were left out` : "",
    forks ? plural(forks, "fork") : "", plural(model.processes.length, "process", "processes"),
    hosts.length > 3 ? plural(hosts.length, "host") : hosts.join(", "),
    model.start ? `from ${begin} UTC, ${seconds(model.end - model.start)}` : ""].filter(Boolean).join(" · ");
}

function toggle(id, key) {
  const button = element(id), show = () => button.setAttribute("aria-pressed", String(view[key]));
  button.addEventListener("click", () => {
    view[key] = !view[key];
    show();
    setView(0, 1);
  });
  show();
}

function keyInTimeline(event) {
  const open = () => event.target.dispatchEvent(new MouseEvent("click")), nearer = () => zoom(0.6);
  const keys = {
    "+": nearer, "=": nearer, "-": () => zoom(1 / 0.6), 0: () => setView(0, 1), Enter: open, " ": open,
    ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), ArrowUp: () => stepItem(-1), ArrowDown: () => stepItem(1),
  };
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}

function stepItem(by) {
  const items = [...element("timeline").querySelectorAll(".item")], from = items.indexOf(document.activeElement), to = items[from + by];
  if (!to) return;
  view.current = to.id;
  moveFocus(items[from], to);
}

function dragTimeline(host) {
  let last = null;
  host.addEventListener("pointerdown", (event) => { last = event.button === 0 ? event.clientX : null; });
  window.addEventListener("pointerup", () => { last = null; });
  window.addEventListener("pointermove", (event) => {
    if (last === null || Math.abs(event.clientX - last) < 3) return;
    pan((last - event.clientX) / host.clientWidth);
    last = event.clientX;
  });
  host.addEventListener("wheel", (event) => {
    const box = host.getBoundingClientRect(), labels = labelsWidth(box.width);
    const part = (event.clientX - box.left - labels) / (box.width - labels), step = Math.max(Math.min(event.deltaY, 60), -60);
    if (event.ctrlKey) zoom(Math.exp(step / 150), Math.min(Math.max(part, 0), 1));
    else if (event.deltaX || event.shiftKey) pan((event.deltaX || event.deltaY) / host.clientWidth);
    else return;
    event.preventDefault();
  }, { passive: false });
}

/* On paper nothing can be opened: everything is. */
function openForPaper() {
  view.all = true;
  setView(0, 1);
  drawTimeline();
  for (const details of document.querySelectorAll("details.report")) {
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
  }
}

toggle("all-lanes", "all");
toggle("idle", "compressed");
element("zoom-in").addEventListener("click", () => zoom(0.6));
element("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
element("fit").addEventListener("click", () => setView(0, 1));
element("filter").addEventListener("input", (event) => {
  view.query = event.target.value.trim().toLowerCase();
  drawAll();
});
element("timeline").addEventListener("keydown", keyInTimeline);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !element("details").hidden) closeDetails(); });
window.addEventListener("beforeprint", openForPaper);
window.addEventListener("hashchange", openFragment);
dragTimeline(element("timeline"));
drawHead();
drawAll();
openFragment();
new ResizeObserver(requestDraw).observe(element("timeline"));
