/* SPDX-License-Identifier: Apache-2.0
   The timeline: processes, their threads, and the records as marks. */

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
  const ended = ["exited", "again", "aborted"].includes(text(process.hang?.record.outcome));
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
