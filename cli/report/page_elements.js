/* SPDX-License-Identifier: Apache-2.0
   What every part of the page uses: elements made of text, the model, what is looked at. */

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

// The filter

function matching() {
  const { query } = view, words = (string) => string.toLowerCase().includes(query);
  const processes = model.processes.filter(({ search }) => search.includes(query));
  const kept = new Set(processes), named = model.runtimes.filter(({ label }) => words(label));
  const forks = model.forks.filter((entry) => kept.has(entry.process) || kept.has(entry.child));
  return { processes, forks, runtimes: query && named.length ? named : model.runtimes };
}
