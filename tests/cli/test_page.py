# SPDX-License-Identifier: Apache-2.0
"""`forkpolicy report --html`: the page in a real browser, as people see it and as they use it.

The records are fixed (page_records); golden/page_*.txt is what the page says of them, as text;
FORKPOLICY_GOLDEN=write makes it anew.
"""

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from support import PROGRAM, environment

HERE = Path(__file__).resolve().parent
RECORDS = HERE / "page_records"
GOLDEN = HERE / "golden"
LIMIT = 120  # seconds
PNG = b"\x89PNG"


def make_page(folder, *logs, before=None):
    """The page of logs; exit status 1 says that they tell of something bad."""
    page = folder / "page.html"
    options = ["--before", str(before)] if before else []
    ended = subprocess.run(
        [str(PROGRAM), "report", "--html", "-o", str(page), *options, *map(str, logs)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=environment(preload=False),
    )
    assert ended.returncode in (0, 1), ended.stderr
    return page


def write_log(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def records_of(name):
    return [json.loads(line) for line in (RECORDS / f"{name}.jsonl").read_text().splitlines()]


def browse(page, *options, fragment="", silenced="nothing"):
    """Runs the browser, which must have no complaint about the page; its output."""
    ended = subprocess.run(
        [
            shutil.which("chromium") or "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'profile'}",
            "--window-size=1280,900",
            "--virtual-time-budget=4000",
            *options,
            f"{page.as_uri()}{fragment}",
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    messages = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    complaints = [line for line in messages if silenced not in line]
    assert ended.returncode == 0 and not complaints, (ended.stderr[-2000:], complaints)
    return ended.stdout


class Document(HTMLParser):
    """What is seen of a dumped document, a line for each block, and its elements' attributes."""

    HIDDEN = {"script", "style", "noscript", "title", "defs", "clippath"}
    BLOCKS = {
        "h1",
        "h2",
        "h3",
        "p",
        "li",
        "tr",
        "th",
        "td",
        "dt",
        "dd",
        "summary",
        "button",
        "pre",
        "small",
    }
    EMPTY = {"meta", "input", "link", "br"}

    def __init__(self, dumped):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(dumped)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append((tag, dict(attributes).get("id")))
        if tag in self.BLOCKS:
            self.add("\n")

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(tag in self.HIDDEN for tag, _ in self.open):
            self.add(data)

    def add(self, data):
        for identity in {identity for _, identity in self.open if identity} | {""}:
            self.texts[identity] = self.texts.get(identity, "") + data

    def text(self, identity=""):
        """Of the element of that id; runs of blank lines as one."""
        return re.sub(r"\s*\n\s*", "\n", self.texts.get(identity, "")).strip()

    def by_class(self, name):
        return [each for _, each in self.elements if name in (each.get("class") or "").split()]


def document(page, **settings):
    return Document(browse(page, "--dump-dom", **settings))


def page_text(found):
    names = ["headline", "advice", "matrix", "legend", "reports"]
    labels = [each["aria-label"] for each in found.by_class("item")]
    parts = [f"# {name}\n{found.text(name)}\n" for name in names]
    return "\n".join([*parts, "# timeline", *labels, ""])


# What it says


@pytest.mark.parametrize("name", ["fail", "reset", "refuse"])
def test_page_says_what_its_golden_file_says(name, tmp_path):
    said = page_text(document(make_page(tmp_path, RECORDS / f"{name}.jsonl")))
    golden = GOLDEN / f"page_{name}.txt"
    if os.environ.get("FORKPOLICY_GOLDEN") == "write":
        golden.write_text(said)
    assert said == golden.read_text()


def test_a_quiet_log_says_so(tmp_path):
    starts = [record for record in records_of("fail") if record["event"] == "start"]
    found = document(make_page(tmp_path, write_log(tmp_path / "log", starts)))
    assert "No fork of a threaded process was recorded." in found.text("headline")
    assert found.text("matrix") == "No fork is to be shown."
    assert found.text("reports") == "There is nothing to report."


def test_ranks_and_hosts_are_told_apart(tmp_path):
    """The same pids on two machines are two trees of processes."""
    records = [
        {**record, "host": f"node-{rank}", "rank": str(rank)}
        for rank in (1, 2)
        for record in records_of("fail")
    ]
    found = document(make_page(tmp_path, write_log(tmp_path / "log", records)))
    labels = " ".join(each["aria-label"] for each in found.by_class("item"))
    assert "rank 1 on node-1" in labels and "rank 2 on node-2" in labels
    assert "16 of 20 forked children hung" in found.text("headline")


def test_a_pid_that_serves_again_is_another_process(tmp_path):
    records = records_of("fail")
    later = [{**record, "time": record["time"] + 1000} for record in records[1:]]
    found = document(make_page(tmp_path, write_log(tmp_path / "log", records + later)))
    assert "16 of 20 forked children hung" in found.text("headline")


def test_two_logs_are_compared(tmp_path):
    page = make_page(tmp_path, RECORDS / "refuse.jsonl", before=RECORDS / "fail.jsonl")
    said = document(page).text("comparison")
    assert "Before: 8 of 10 forked children hung" in said and "Now: 1 fork was refused" in said
    rows = said[said.index("Now\n") :]
    assert "/home/me/project/train.py in load\nlibgomp\n✕ hung\n– kept" in rows
    assert "jemalloc" not in rows  # fine before, and not there now


def test_a_log_is_not_compared_unless_it_is_said(tmp_path):
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    assert document(page).text("comparison") == ""


def test_a_log_to_compare_with_that_cannot_be_read(tmp_path):
    page = tmp_path / "page.html"
    command = [PROGRAM, "report", "--html", "-o", page, "--before", "missing.jsonl"]
    ended = subprocess.run(
        [*map(str, command), str(RECORDS / "fail.jsonl")],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=tmp_path,
    )
    assert ended.returncode == 2 and not page.exists()
    assert ended.stderr == "forkpolicy: missing.jsonl: No such file or directory\n"


# What one does with it


def test_a_link_opens_the_details_of_a_hang(tmp_path):
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    details = document(page, fragment="#hang=1").text("details")
    for part in ("can never go on", "Python stack", "/home/me/project/train.py", "The record"):
        assert part in details
    assert document(page).text("details") == ""
    assert document(page, fragment="#hang=99").text("details") == ""


def with_script(page, script):
    """The same page with a script of the test's at its end, under the page's own nonce."""
    text = page.read_text()
    nonce = re.search(r'<script nonce="(\w+)">', text).group(1)
    extra = f'<script nonce="{nonce}">{script}</script></body>'
    page.write_text(text.replace("</body>", extra))
    return page


HELP = """
const key = (name) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const say = (name, value) => { document.body.dataset[name] = value; };
"""


def tell(page, script):
    """The data-* members that a script leaves on the page's body."""
    found = document(with_script(page, HELP + script))
    return next(each for tag, each in found.elements if tag == "body")


def test_the_matrix_is_one_stop_of_tab_and_arrows_go_on(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        const table = document.querySelector("#matrix table");
        say("stops", table.querySelectorAll('[tabindex="0"]').length);
        table.querySelector('[tabindex="0"]').focus();
        key("ArrowRight"); key("ArrowDown");
        say("now", document.activeElement.id);
        say("stopsAfter", table.querySelectorAll('[tabindex="0"]').length);
        document.activeElement.click();
        say("panel", document.activeElement.id);
        key("Escape");
        say("back", document.activeElement.id);
        say("closed", document.getElementById("details").hidden);
        """,
    )
    assert (told["data-stops"], told["data-stops-after"]) == ("1", "1")
    assert told["data-now"] == told["data-back"] == "cell-1-0"
    assert told["data-panel"] == "details" and told["data-closed"] == "true"


def test_the_timeline_by_keyboard(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        document.querySelector('#timeline .item[tabindex="0"]').focus();
        const first = document.activeElement.id;
        key("ArrowDown"); key("ArrowDown");
        say("moved", document.activeElement.id !== first);
        key("ArrowUp"); key("ArrowUp");
        say("back", document.activeElement.id === first);
        key("+"); key("ArrowRight");
        say("zoomed", view.to - view.from < 0.7 && view.from > 0);
        key("0");
        say("fit", view.from === 0 && view.to === 1);
        key("Enter");
        say("open", !document.getElementById("details").hidden);
        """,
    )
    names = ("moved", "back", "zoomed", "fit", "open")
    assert {name: told[f"data-{name}"] for name in names} == dict.fromkeys(names, "true")


def test_the_filter_leaves_what_it_names(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        const filter = document.getElementById("filter");
        filter.value = "libgomp";
        filter.dispatchEvent(new Event("input"));
        say("columns", document.querySelector("#matrix thead").textContent);
        filter.value = "nothing has this name";
        filter.dispatchEvent(new Event("input"));
        say("none", document.getElementById("matrix").textContent);
        say("found", document.getElementById("found").textContent);
        """,
    )
    assert told["data-columns"].count("libgomp") == 1 and "polars" not in told["data-columns"]
    assert told["data-none"] == "No fork is to be shown."
    assert told["data-found"] == "0 of 11 processes"


# How it looks: that it is drawn at all, and fits


@pytest.mark.parametrize("scheme, dark", [("0", True), ("1", False)])
def test_it_is_drawn_in_light_and_dark(scheme, dark, tmp_path):
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    shot = tmp_path / "shot.png"
    scheme_option = f"--blink-settings=preferredColorScheme={scheme}"
    browse(page, scheme_option, f"--screenshot={shot}")
    assert shot.read_bytes()[:4] == PNG and shot.stat().st_size > 20_000
    script = "document.body.dataset.back = getComputedStyle(document.body).backgroundColor"
    body = Document(browse(with_script(page, script), scheme_option, "--dump-dom")).elements
    color = next(each["data-back"] for tag, each in body if tag == "body")
    assert (int(re.findall(r"\d+", color)[0]) < 60) == dark


@pytest.mark.parametrize("width", [320, 360, 700, 1280])
@pytest.mark.parametrize("name", ["fail", "hostile"])
def test_nothing_is_wider_than_the_window(name, width, tmp_path):
    """In a frame of that width: a window of a browser has a least one."""
    page = make_page(tmp_path, RECORDS / f"{name}.jsonl")
    script = """
        addEventListener("load", () => setTimeout(() => {
            const root = document.documentElement;
            say("wide", root.scrollWidth > innerWidth ? `${root.scrollWidth} of ${innerWidth}` : "no");
            parent.postMessage(document.body.dataset.wide, "*");
        }, 500));
    """
    with_script(page, HELP + script)
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<body><iframe src="{page.as_uri()}" width="{width}" height="800"></iframe><script>'
        'addEventListener("message", ({ data }) => { document.body.dataset.wide = data; });'
        "</script></body>"
    )
    body = document(frame).elements
    assert next(each.get("data-wide") for tag, each in body if tag == "body") == "no"


def test_on_paper_everything_is_open(tmp_path):
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    paper = tmp_path / "paper.pdf"
    browse(page, f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    script = """
        dispatchEvent(new Event("beforeprint"));
        const reports = [...document.querySelectorAll("details.report")];
        say("shut", reports.filter(({ open, children }) => !open || children.length < 2).length);
        say("reports", reports.length);
    """
    told = tell(page, script)
    assert told["data-shut"] == "0" and int(told["data-reports"]) >= 3


def test_without_a_script_the_records_are_shown(tmp_path):
    """In a frame that may run none, they fill the picture."""
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    frame, shot = tmp_path / "frame.html", tmp_path / "shot.png"
    source = page.as_uri()
    frame.write_text(f'<iframe sandbox="" src="{source}" width="1200" height="800"></iframe>')
    browse(frame, f"--screenshot={shot}", silenced="Blocked script execution")
    assert shot.stat().st_size > 100_000
    text = page.read_text()
    assert "forkpolicy report: 20 records: 8 hangs, 1 use of a runtime lost in a fork, 10 forks." in text


# Hostile and large logs


def test_no_record_becomes_a_part_of_the_page(tmp_path):
    page = make_page(tmp_path, RECORDS / "hostile.jsonl")
    text = page.read_text()
    assert text.isascii() or not re.search("[\u202a-\u202e\u2028\u2029\u2066-\u2069]", text)
    data = re.search(r'<script type="application/json".*?>\n(.*?)\n</script>', text, re.S).group(1)
    assert "<" not in data and len(json.loads(data)) == len(records_of("hostile"))
    for fragment in ["", *(f"#record={number}" for number in range(len(json.loads(data))))]:
        dumped = browse(page, "--dump-dom", fragment=fragment)
        found = Document(dumped)
        assert "<title>forkpolicy report</title>" in dumped
        assert [tag for tag, _ in found.elements].count("script") == 3
        assert not [tag for tag, _ in found.elements if tag in ("img", "iframe", "a", "object")]
        assert not [each for _, each in found.elements if any(key.startswith("on") for key in each)]
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", found.text())
        assert "</style></script>" in found.text("headline")
        assert found.by_class("item") and found.text("reports")


def test_the_page_asks_for_nothing(tmp_path):
    text = make_page(tmp_path, RECORDS / "fail.jsonl").read_text()
    assert "default-src 'none'" in text and "unsafe" not in text
    shell = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.S)
    assert set(re.findall(r"https?://[^\s\"')]+", shell)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\bsrc=|innerHTML|insertAdjacentHTML|document\.write|\beval\(", shell)


def test_each_page_has_a_nonce_of_its_own(tmp_path):
    nonces = set()
    for _ in range(2):
        text = make_page(tmp_path, RECORDS / "refuse.jsonl").read_text()
        nonces.add(re.search(r"'nonce-([0-9a-f]{32})'", text).group(1))
    assert len(nonces) == 2


def test_many_processes_are_drawn_worst_first(tmp_path):
    """Of 3,000 children 200 processes are drawn, among them all that hang."""
    fork = next(record for record in records_of("fail") if record["event"] == "fork")
    hang = next(record for record in records_of("fail") if record["event"] == "hang")
    records = []
    for number in range(3000):
        time = fork["time"] + number / 10
        records.append({**fork, "time": time, "child": 10_000 + number})
        if number % 300 == 299:
            records.append({**hang, "time": time + 0.05, "pid": 10_000 + number})
    found = document(make_page(tmp_path, write_log(tmp_path / "log", records)))
    assert "10 of 3000 forked children hung" in found.text("headline")
    assert "2801 processes for which there is no room are not drawn" in found.text("legend")
    labels = [each["aria-label"] for each in found.by_class("item")]
    assert len([label for label in labels if "can never go on" in label]) == 10
