/* SPDX-License-Identifier: Apache-2.0
   The page is put together, and hears keys, the mouse and the window. */

let requested = 0;
function requestDraw() {
  cancelAnimationFrame(requested);
  requested = requestAnimationFrame(drawTimeline);
}

function drawAll() {
  const found = matching();
  drawAdvice(found);
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
drawComparison();
drawAll();
openFragment();
new ResizeObserver(requestDraw).observe(element("timeline"));
