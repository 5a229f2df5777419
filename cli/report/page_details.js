/* SPDX-License-Identifier: Apache-2.0
   The panel at the side: all about what was clicked. */

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

/* The record that tells most of what became of a runtime. */
function tellingEntry({ state, entry }) {
  return entry.child?.hang && RANKS[state] < RANKS.used ? entry.child.hang : entry;
}

function cellDetails(cell) {
  const sorted = [...cell.outcomes].sort((a, b) => RANKS[a.state] - RANKS[b.state]), about = tellingEntry(sorted[0]);
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
