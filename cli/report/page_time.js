/* SPDX-License-Identifier: Apache-2.0
   The time axis: from seconds to pixels, and what of it is in sight. */

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
