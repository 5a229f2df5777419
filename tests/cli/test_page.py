# SPDX-License-Identifier: Apache-2.0
"""`forkpolicy report --html`: the page in a real browser, as people see it and as they use it.

The records are fixed (page_records); golden/page_*.txt is what the page says of them, as text;
FORKPOLICY_GOLDEN=write makes it anew.
"""

import json
import os
import re
import subprocess

import pytest

from pages_drawn import GOLDEN, HELP, LIMIT, PNG, RECORDS, Document, browse, document, make_page, page_text, records_of, tell, with_script, write_log
from support import PROGRAM


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
