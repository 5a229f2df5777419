/* SPDX-License-Identifier: Apache-2.0
   Reports: what happened the same way is told once. */

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
