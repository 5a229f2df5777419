"""`forkpolicy report`: its formats, and where they are written. SPDX-License-Identifier: Apache-2.0"""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from report_runs import BOTH, CI, LOGS, record, report, samples, write_log
from support import PROGRAM, environment


# --policy


def test_the_policy_can_be_read_again(tmp_path):
    policy = tmp_path / "seen.policy"
    made = report("--policy", "-o", policy, *BOTH, "odd.jsonl")
    assert made.stdout == ""
    policy.chmod(0o600)
    bare = subprocess.run(
        [str(PROGRAM), "run", "--", "true"],
        capture_output=True,
        text=True,
        env=environment(preload=False, extra={"FORKPOLICY_FILE": str(policy)}),
    )
    assert (bare.returncode, bare.stderr) == (0, "")
    entries = [
        line.split()[1] for line in policy.read_text().splitlines() if line.startswith("policy ")
    ]
    assert {entry.partition("@")[0] for entry in entries} == {
        "refuse:deltalake",
        "refuse:polars",
        "reset:libgomp",
        "fail:x?y",
    }
    assert all(re.search(r"@\S+\.py:\d+$", entry) for entry in entries), "at the fork's own line"
    string = policy.read_text().rpartition("FORKPOLICY: ")[2].strip()
    assert string == ",".join(entries)
    assert subprocess.run([str(PROGRAM), "run", "--policy", string, "--", "true"]).returncode == 0


# --github


def unescape(text):
    for code, character in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def commands(text):
    """Each as (command, properties, message), as the runner reads them."""
    for line in text.splitlines():
        command, _, rest = line[2:].partition(" ")
        properties, _, message = rest.partition("::")
        pairs = (part.partition("=") for part in properties.split(","))
        yield command, {key: unescape(value) for key, _, value in pairs}, unescape(message)


def test_github_shows_ten_of_each_and_counts_the_rest():
    found = list(commands(report("--github", "forty.jsonl", env=CI).stdout))
    assert [command for command, _, _ in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert "15 more errors and 5 more warnings" in found[-1][2]
    assert found[0][1]["file"] == "jobs/job_00.py" and found[0][1]["line"] == "1"
    assert all("col" not in properties for _, properties, _ in found)


def test_github_escapes_what_would_end_a_property_or_the_line():
    found = list(commands(report("--github", "loader.jsonl", env=CI).stdout))
    assert ("a,b: c%.py", "7") in [(p.get("file"), p.get("line")) for _, p, _ in found]
    ended = report("--github", "odd.jsonl")
    assert len(ended.stdout.splitlines()) == 1
    [(_, properties, message)] = commands(ended.stdout)
    assert properties["file"] == "/home/me/a\nb\t\"'<>|`*.py" and "do\\x0a::error::this" in message


@pytest.mark.parametrize(
    "workspace, path",
    [
        ("/home/me", "project/train.py"),
        ("/home/me/project///", "train.py"),
        ("/home/me/proj", "/home/me/project/train.py"),
        ("", "/home/me/project/train.py"),
    ],
)
def test_github_paths_are_relative_to_the_workspace(workspace, path):
    out = report("--github", "train.jsonl", env={"GITHUB_WORKSPACE": workspace}).stdout
    assert next(commands(out))[1]["file"] == path


def test_github_appends_to_the_summary_of_the_step(tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    report("--github", *BOTH, env={"GITHUB_STEP_SUMMARY": str(summary)})
    text = summary.read_text()
    assert text.startswith("before\n### Forks\n") and "| HUNG | deltalake 0.18.2 | " in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1 and "<x>" not in text


def test_the_summary_of_the_step_stays_below_1_mib(tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (1024 * 1024 - 4000) + "\n")
    report("--github", "forty.jsonl", env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.stat().st_size <= 1024 * 1024
    assert "there is no room for them in this summary" in summary.read_text()


def test_a_summary_that_cannot_be_written_is_said(tmp_path):
    ended = report("--github", "fine.jsonl", env={"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert ended.returncode == 2 and f"GITHUB_STEP_SUMMARY {tmp_path}: " in ended.stderr


# --gitlab


def test_gitlab_fingerprints_are_stable_and_distinct(tmp_path):
    found = json.loads(report("--gitlab", *BOTH, env=CI).stdout)
    prints = [entry["fingerprint"] for entry in found]
    assert len(set(prints)) == len(prints) == 5
    again = json.loads(report("--gitlab", *reversed(BOTH), env=CI).stdout)
    assert {e["fingerprint"] for e in again} == set(prints)
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_text((LOGS / "train.jsonl").read_text().replace("/home/me/project", "/build/7"))
    moved = json.loads(report("--gitlab", elsewhere, env={"CI_PROJECT_DIR": "/build/7"}).stdout)
    assert moved[0]["fingerprint"] in prints
    for entry in found:
        assert entry["location"]["lines"]["begin"] >= 1 and entry["location"]["path"]
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")


def test_gitlab_of_nothing_is_an_empty_list():
    assert json.loads(report("--gitlab", "fine.jsonl").stdout) == []


# --junit


def test_junit_counts_what_failed():
    suite = ElementTree.fromstring(report("--junit", *BOTH).stdout).find("testsuite")
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases)) == "11"
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == "3"
    text = cases[0].find("failure").text
    assert "forkpolicy: pid 4122 (python) can never go on" in text
    assert cases[0].get("classname") == "/home/me/project/train.py"


def test_junit_is_xml_for_odd_bytes():
    root = ElementTree.fromstring(report("--junit", "odd.jsonl").stdout)
    assert root.find("testsuite/testcase").get("classname").startswith("/home/me/a b ")
    text = root.find("testsuite/testcase/system-out").text
    assert "]]>" in text and "<&>\ufffd" in text


# --perfetto, --html


def test_perfetto_has_an_arrow_for_each_fork_and_a_slice_for_each_hang():
    trace = json.loads(report("--perfetto", *BOTH).stdout)
    events = trace["traceEvents"]
    begins = {e["id"]: e for e in events if e["ph"] == "s"}
    ends = {e["id"]: e for e in events if e["ph"] == "f"}
    assert len(begins) == 9 and set(begins) == set(ends)
    assert all(ends[i]["ts"] >= begins[i]["ts"] >= 0 for i in begins)
    slices = [e for e in events if e["ph"] == "X"]
    for arrow in list(begins.values()) + list(ends.values()):
        assert any(
            e["pid"] == arrow["pid"]
            and e["tid"] == arrow["tid"]
            and e["ts"] <= arrow["ts"] <= e["ts"] + e["dur"]
            for e in slices
        )
    hangs = [e for e in slices if e["name"].startswith("hang (proven)")]
    assert [e["dur"] for e in hangs] == [20000, 20000]
    names = [e["args"]["name"] for e in events if e["name"] == "process_name"]
    assert "python 4121 (node1, rank 0)" in names and "pid 990 (node2, rank 1)" in names


def test_same_pids_of_two_hosts_are_two_processes(tmp_path):
    log = write_log(tmp_path / "two", record(host="a"), record(host="b"))
    events = json.loads(report("--perfetto", log).stdout)["traceEvents"]
    assert len({e["pid"] for e in events if e["ph"] == "M"}) == 2


def test_records_that_tell_are_kept_when_there_are_too_many(tmp_path):
    sample = samples("train.jsonl")
    log = write_log(tmp_path / "many", *[record(time=i) for i in range(25000)], *sample)
    trace = json.loads(report("--perfetto", log).stdout)
    assert trace["otherData"]["omitted"] == 25000 + len(sample) - 20000
    assert sum(e["name"].startswith("hang") for e in trace["traceEvents"]) == 3


def test_html_is_one_page():
    page = report("--html", *BOTH).stdout
    assert page.lower().startswith("<!doctype html>") and "deltalake" in page


# -o


def test_output_replaces_a_file_as_a_whole(tmp_path):
    target = tmp_path / "report.txt"
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to("report.txt")
    ended = report("fine.jsonl", "-o", link)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert target.read_text() == report("fine.jsonl").stdout
    assert link.is_symlink() and sorted(os.listdir(tmp_path)) == ["link", "report.txt"]
    for spelling in (("--output", target), (f"--output={target}",)):
        target.unlink()
        report("fine.jsonl", *spelling)
        assert target.exists()


def test_output_to_a_device_or_stdout_is_written_as_it_is():
    assert report("fine.jsonl", "-o", "-").stdout == report("fine.jsonl").stdout
    assert report("fine.jsonl", "-o", "/dev/null").returncode == 0
    assert not os.path.isfile("/dev/null")
    full = report("fine.jsonl", "-o", "/dev/full")
    assert full.returncode == 2 and "could not be written" in full.stderr


@pytest.mark.parametrize("where", ["{tmp}", "{tmp}/no/such/folder/x"])
def test_output_that_cannot_be_is_2(where, tmp_path):
    ended = report("fine.jsonl", "-o", where.format(tmp=tmp_path))
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []
