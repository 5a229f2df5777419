/* SPDX-License-Identifier: Apache-2.0
   Records in; processes, sites, runtimes and words out. Records are foreign data: any member may be
   missing or of another type. What they hold gets into the page as text only (page.js). Before this
   stand the words of policy/*.def (tools/words.py). */

const EARLY_SECONDS = 5; // a child can be in the log before the fork that made it

const TIME_END = 1e11; // seconds; what is later is no time

// What became of a runtime at a fork, worst first: [glyph, word, meaning].
const STATES = {
  hung: ["✕", "hung", "a child waits for its threads, and nobody else can end the wait"],
  seems: ["?", "seems to hang", "a child has waited for long"],
  used: ["▲", "used", "a child called the library without its threads"],
  failed: ["!", "reset failed", "the child has the library, but it is not usable"],
  refused: ["⊘", "refused", "the fork failed, by the policy"],
  lost: ["▨", "lost", "the child would hang if it used the library"],
  unknown: ["▨", "not known", "the child lacks the threads; nobody knows what follows"],
  reset: ["↺", "reset", "usable again in the child"],
  kept: ["–", "kept", "the fork was refused for another library"],
  fine: ["✓", "fine", "the library works without its threads"],
};
const RANKS = Object.fromEntries(Object.keys(STATES).map((state, rank) => [state, rank]));
const NOWHERE = { key: "", label: "not known which", base: "not known which", threads: 0, raw: {} };

const object = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});
const list = (value) => (Array.isArray(value) ? value : []);
const number = (value) => (Number.isFinite(value) ? value : 0);
const lookup = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined); // "constructor" is no key
const plural = (count, word, words = `${word}s`) => `${count} ${count === 1 ? word : words}`;
const short = (string, most = 60) => (string.length > most ? `${string.slice(0, most / 2)}…${string.slice(-most / 2)}` : string);
const basename = (path) => path.slice(path.lastIndexOf("/") + 1);
const unique = (values) => [...new Set(values)];

/* Control characters, and those that turn the direction of a line, are shown by their number. */
function visible(string) {
  return string.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function text(value) {
  return short(visible(typeof value === "string" ? value : Number.isFinite(value) ? String(value) : ""), 1000);
}

/* Installed code by its path in its package, as in the reports on stderr. */
function path(value) {
  return text(value).replace(/^.*\/(?:(?:site|dist)-packages|lib\/python3\.\d+)\//, "");
}

function place(line) {
  const { file, line: row } = object(line);
  return text(file) ? `${path(file)}:${number(row)}` : "";
}

function siteLine(site) {
  return [site.user, site.library, site.innermost].find((line) => text(object(line).file));
}

/* "/home/me/train.py:19 in main, through multiprocessing/process.py:121" */
function siteWords(value, call) {
  const site = object(value), line = place(siteLine(site)), through = place(site.library) || place(site.called);
  if (!line) return text(site.dso) ? `${call || "fork"}() called from ${text(site.dso)}` : "a place that was not recorded";
  return line + (text(site.function) ? ` in ${text(site.function)}` : "") + (through && through !== line ? `, through ${through}` : "");
}

function runtimeOf(value) {
  const raw = object(value), code = text(raw.package), made = [code, text(raw.version)].filter(Boolean).join(" ");
  const base = text(raw.name) || code || basename(text(raw.dso)) || "unnamed";
  const label = !code ? base : base === code ? made : `${base} (${made})`;
  return { key: label, label, base, made: base === code ? text(raw.version) : made, raw, threads: Math.trunc(Math.max(number(raw.threads), 0)) };
}

function seconds(value) {
  const places = value < 0.1 ? 3 : value < 10 ? 2 : 1;
  return `${Number(value.toFixed(places))} s`;
}

// ---- The model: entries (records in time), processes, sites, runtimes

function readEntries(raw) {
  const records = list(raw).map(object), isTime = (value) => number(value) > 0 && value < TIME_END;
  let time = number(records.find((record) => isTime(record.time))?.time);
  const entries = records.map((record, index) => {
    time = isTime(record.time) ? record.time : time;
    return { index, record, event: text(record.event), time, pid: number(record.pid), host: text(record.host), rank: text(record.rank) };
  });
  return entries.filter((entry) => entry.event).sort((a, b) => a.time - b.time || a.index - b.index);
}

function isAncestor(process, of) {
  while (of && of !== process) of = of.parent;
  return Boolean(of);
}

/* A pid can serve again: a fork begins a new process, unless the child's records came just before it. */
function readProcesses(entries) {
  const latest = new Map(), processes = [];
  const add = (entry, pid) => {
    const process = { id: `process-${processes.length}`, pid, host: entry.host, rank: entry.rank, program: "", born: entry.time, last: entry.time,
      parent: latest.get(`${entry.host}/${text(entry.record.ppid)}`), fork: null, forks: [], events: [], hang: null, uses: [], resets: [], worst: RANKS.fine };
    latest.set(`${entry.host}/${pid}`, process);
    processes.push(process);
    return process;
  };
  const fork = (parent, entry) => {
    const pid = number(entry.record.child);
    let child = latest.get(`${entry.host}/${pid}`);
    entry.resets = parent.resets.splice(0);
    parent.forks.push(entry);
    if (entry.event !== "fork" || !pid) return;
    if (!child || child.fork || entry.time - child.born > EARLY_SECONDS || isAncestor(child, parent)) child = add(entry, pid);
    Object.assign(child, { fork: entry, parent, born: Math.min(child.born, entry.time) });
    child.program ||= parent.program;
    entry.child = child;
  };
  for (const entry of entries) {
    const process = latest.get(`${entry.host}/${entry.pid}`) ?? add(entry, entry.pid);
    entry.process = process;
    process.events.push(entry);
    process.last = entry.time;
    process.rank ||= entry.rank;
    if (entry.event === "start") process.program = text(entry.record.program);
    if (entry.event === "fork" || entry.event === "refused") fork(process, entry);
    if (entry.event === "hang") process.hang = entry;
    if (entry.event === "use") process.uses.push(entry);
    if (entry.event === "reset") process.resets.push(entry);
  }
  for (const process of processes)
    process.name = `pid ${process.pid}${process.rank ? `, rank ${process.rank}` : ""}${process.host ? ` on ${process.host}` : ""}`;
  return processes;
}

const hangState = (entry) => (text(entry.record.verdict) === "proven" ? "hung" : "seems");
const resetState = (entry) => (text(entry.record.error) ? "failed" : "reset");

/* What became of one of a fork's runtimes in its child. */
function stateOf(entry, runtime) {
  const { child } = entry, raw = runtime.raw, same = (value) => runtimeOf(value).key === runtime.key;
  if (child?.hang && same(child.hang.record.lost)) return hangState(child.hang);
  const reset = [...entry.resets, ...(child?.events ?? [])].find((other) => other.event === "reset" && same(other.record));
  if (reset) return resetState(reset);
  if (child?.uses.some((use) => same(use.record.runtime))) return "used";
  if (entry.event === "refused") return text(raw.action) === "refuse" ? "refused" : "kept";
  const known = { survives: "fine", unknown: "unknown" };
  return lookup(known, text(raw.class)) ?? "lost";
}

/* The runtimes of a fork with their states; a hang that no fork record tells of stands for its own. */
function outcomes(entry) {
  const found = list(entry.record.runtimes).map(runtimeOf).map((runtime) => ({ runtime, entry, state: stateOf(entry, runtime) }));
  const hang = entry.child?.hang ?? (entry.event === "hang" ? entry : null);
  if (hang && !found.some(({ state }) => state === "hung" || state === "seems")) {
    const lost = object(hang.record.lost);
    found.push({ runtime: Object.keys(lost).length ? runtimeOf(lost) : NOWHERE, entry, state: hangState(hang) });
  }
  return found;
}

function siteOf(entry) {
  const site = object(entry.event === "hang" ? object(entry.record.fork).site : entry.record.site);
  return { key: siteWords(site), line: place(siteLine(site)), site };
}

function letter(index) {
  return index < 26 ? String.fromCharCode(65 + index) : letter(Math.floor(index / 26) - 1) + letter(index % 26);
}

function buildModel(raw) {
  const entries = readEntries(raw), processes = readProcesses(entries), runtimes = new Map();
  const forks = entries.filter(({ event, process }) => event === "fork" || event === "refused" || (event === "hang" && !process.fork));
  for (const entry of forks) {
    entry.site = siteOf(entry);
    entry.outcomes = outcomes(entry);
    for (const { runtime, state } of entry.outcomes) {
      const known = runtimes.get(runtime.key) ?? { ...runtime, worst: RANKS.fine, forks: 0 };
      known.worst = Math.min(known.worst, RANKS[state]);
      known.forks++;
      runtimes.set(runtime.key, known);
      for (const process of [entry.child, entry.event === "fork" ? null : entry.process])
        if (process) process.worst = Math.min(process.worst, RANKS[state]);
    }
  }
  const sorted = [...runtimes.values()].sort((a, b) => a.worst - b.worst || b.forks - a.forks);
  sorted.forEach((runtime, index) => Object.assign(runtime, { index, letter: letter(index) }));
  for (const process of processes)
    process.search = [process.name, process.program, ...process.events.flatMap((entry) => entry.outcomes ?? []).map(({ runtime }) => runtime.label),
      ...[process.fork, ...process.forks].map((entry) => entry?.site?.key ?? ""), text(process.hang?.record.lost?.name)].join("\n").toLowerCase();
  return { entries, processes, forks, runtimes: sorted, start: entries[0]?.time ?? 0, end: entries.at(-1)?.time ?? 0 };
}

// ---- Words: a record as [title, [label, line]...]

function threadsWords(runtime) {
  const kind = text(runtime.raw.kind), names = text(runtime.raw.names);
  return plural(runtime.threads, `${kind ? `${kind} ` : ""}thread`) + (names ? ` (${names})` : "");
}

function lostWords(value) {
  const runtime = runtimeOf(value), started = path(runtime.raw.started);
  return `${runtime.label}: ${threadsWords(runtime)}${started ? `, started at ${started}` : ""}`;
}

/* As policy/advice.c chooses it by a fork's place. */
function startAdvice(value, origin) {
  const site = object(value), lines = [site.called, site.library, site.innermost].map((line) => text(object(line).file));
  const through = [...lines, text(site.dso)].join("\n");
  return origin === "native" ? START_NATIVE : STARTS.find(([part]) => through.includes(part))[1];
}

function adviceLines(first, runtimes) {
  const advice = unique([first, ...runtimes.flatMap((raw) => list(object(raw).advice).map(text))].filter(Boolean));
  const sources = unique(runtimes.map((raw) => text(object(raw).source)).filter(Boolean));
  return [...advice.map((line, nth) => [nth ? "or" : "do", line]), ...sources.map((line) => ["source", line])];
}

function forkLine(value) {
  const fork = object(value);
  return `${siteWords(fork.site, text(fork.call))}; ${seconds(number(fork.seconds))} before, by pid ${number(fork.parent)}`;
}

/* What a hang's report begins with, and "now" at its end: as policy/hang_message.c does. */
function hangHeadline(record) {
  const lost = record.lost ? `${runtimeOf(record.lost).label},` : "threads", known = lookup(GRADES, text(record.verdict));
  const words = known?.headline ? known : GRADES.suspected;
  return ((!record.lost && words.where_the_runtime_is_not_known) || words.headline).replace("{}", () => lost);
}

function outcomeWords(record) {
  const outcome = text(record.outcome), warns = !record.lost || text(object(record.lost).action) === "warn";
  const hint = outcome === "waits" && text(record.verdict) === "proven" && warns ? OUTCOME_HINT : "";
  return (lookup(OUTCOMES, outcome) ?? outcome) + hint;
}

/* As policy/holder.c says who held a lock. */
function holderWords(record) {
  const threads = list(record.holders).map(object).map(({ thread, line, function: name }) =>
    (text(thread) ? `thread '${text(thread)}'` : "a thread") + (text(line) ? ` at ${text(line)}` : "") + (text(name) ? ` in ${text(name)}` : ""));
  const more = number(record.holders_more) ? ` or ${number(record.holders_more)} more` : "";
  return `${record.holders_sure === true ? "" : "perhaps "}by ${threads.join(" or ")}${more} when the process forked`;
}

function hangWords({ record, process }) {
  const waiting = object(record.waiting), fork = object(record.fork);
  const code = text(waiting.package) ? [waiting.package, waiting.version].map(text).join(" ").trim() : basename(text(waiting.dso)) || "code";
  const why = lookup(REASONS, text(record.reason)) ?? text(record.reason), long = number(waiting.seconds) >= 0.1 ? ` for ${seconds(waiting.seconds)}` : "";
  const waited = record.lost ? `${lostWords(record.lost)}; ${lookup(CAUSES, text(record.cause)) ?? ""}` : "it is not known which of the lost runtimes, if any";
  const at = object(waiting.site);
  return [`${process.name} ${hangHeadline(record)}`, ["verdict", text(record.verdict)],
    ["waits", `${code} in ${text(waiting.call) || "a wait"}${long}; ${why}`],
    ...(siteLine(at) ? [["at", siteWords(at)]] : []),
    ["for", waited], ...(list(record.holders).length ? [["held", holderWords(record)]] : []), ["fork", forkLine(fork)],
    ...adviceLines(text(record.fix) || startAdvice(fork.site, fork.origin), [record.lost]), ["now", outcomeWords(record)]];
}

function forkWords(entry) {
  const { record, process, event } = entry, lost = entry.outcomes.filter(({ state }) => RANKS[state] < RANKS.kept);
  const gone = lost.reduce((sum, { runtime }) => sum + runtime.threads, 0), all = number(record.threads);
  const of = gone && all < gone ? plural(gone, "thread") : `${gone} of ${plural(all, "thread")}`;
  const child = number(record.child) ? `child ${number(record.child)}` : "child";
  const title = event === "refused" ? ": fork() is refused: the child would be without " : ` forks: the ${child} loses `;
  const off = ({ runtime, state }) => (text(runtime.raw.action) === "off" && state !== "fine" ? "; the policy is off for it" : "");
  return [`${process.name}${title}${of}${gone ? "" : " that matter"}`,
    ["at", siteWords(record.site, text(record.call))],
    ...entry.outcomes.map((outcome) => [STATES[outcome.state][1], lostWords(outcome.runtime.raw) + off(outcome)]),
    ...(number(record.omitted) ? [["more", plural(record.omitted, "runtime") + " for which the record had no room"]] : []),
    ...(lost.length ? adviceLines(startAdvice(record.site, record.origin), lost.map(({ runtime }) => runtime.raw)) : [])];
}

function useWords({ record, process }) {
  return [`${process.name} uses ${runtimeOf(record.runtime).label}, whose threads were lost in the fork`, ["call", text(record.call)],
    ["lost", lostWords(record.runtime)], ["fork", forkLine(record.fork)], ...adviceLines("", [record.runtime])];
}

/* Every other record: its members as they are. */
function plainWords({ record, process, event }) {
  const known = new Set(["v", "event", "time", "pid", "ppid", "host", "rank"]);
  const rest = Object.entries(record).filter(([key, value]) => !known.has(key) && text(value));
  const titles = { start: "begins", reset: `${text(record.error) ? "fails to reset" : "resets"} ${runtimeOf(record).label}` };
  return [`${process.name} ${lookup(titles, event) ?? `tells: ${short(event)}`}`, ...rest.map(([key, value]) => [short(text(key), 40), text(value)])];
}

function wordsOf(entry) {
  const makers = { hang: hangWords, use: useWords };
  return (lookup(makers, entry.event) ?? (entry.outcomes ? forkWords : plainWords))(entry);
}

function countBy(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([value, count], _, all) => (all.length > 1 ? `${value} (${count})` : value)).slice(0, 4).join(", ");
}

/* The one sentence, and the state that it is about. */
function headline({ processes, forks, entries }) {
  const children = processes.filter(({ fork }) => fork).length, hung = processes.filter(({ hang }) => hang);
  const of = children ? ` of ${children} forked ` : " forked ", found = forks.flatMap((entry) => entry.outcomes);
  const named = (state) => countBy(found.filter((each) => each.state === state).map(({ runtime }) => runtime.base));
  const waits = (group) => countBy(group.map(({ hang }) => (hang.record.lost ? runtimeOf(hang.record.lost).base : "what is not known")));
  const proven = hung.filter(({ hang }) => hangState(hang) === "hung");
  const noun = (count) => (count === 1 && !children ? "child" : children === 1 ? "child" : "children");
  if (proven.length) return ["hung", `${proven.length}${of}${noun(proven.length)} hung, waiting for threads that only the parent has: ${waits(proven)}.`];
  if (hung.length) return ["seems", `${hung.length}${of}${noun(hung.length)} may hang, waiting, it seems, for ${waits(hung)}.`];
  const refused = entries.filter(({ event }) => event === "refused").length;
  const sentences = {
    used: "No hang was seen, but children used what they had lost", failed: "No hang was seen, but a reset failed",
    refused: `${plural(refused, "fork was", "forks were")} refused; the child would have lost`,
    lost: "No hang was seen; children are without, and would hang if they used",
    unknown: "No hang was seen; children are without runtimes that are not known to hang",
    reset: "Nothing hung; children got back what they had lost",
  };
  for (const [state, words] of Object.entries(sentences))
    if (named(state)) return [state, `${words}: ${named(state)}.`];
  return ["fine", forks.length ? `Nothing hung and nothing that matters was lost in ${plural(forks.length, "fork")}.` : "No fork of a threaded process was recorded."];
}
