"""`forkpolicy report`: every format of the sample logs, and logs that are none.

The golden files are what the formats look like; FORKPOLICY_GOLDEN=write makes them anew.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from support import PROGRAM, environment

HERE = Path(__file__).resolve().parent
LOGS = HERE / "logs"
GOLDEN = HERE / "golden"
CI = {"GITHUB_WORKSPACE": "/home/me/project", "CI_PROJECT_DIR": "/home/me/project/"}
BOTH = ["train.jsonl", "loader.jsonl"]


def report(*arguments, env=None, cwd=LOGS, stdin=subprocess.DEVNULL):
    settings = environment(preload=False, extra=env)
    if "GITHUB_STEP_SUMMARY" not in (env or {}):
        settings.pop("GITHUB_STEP_SUMMARY", None)
    return subprocess.run(
        [str(PROGRAM), "report", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=settings,
        cwd=cwd,
        stdin=stdin,
    )


def write_log(path, *records):
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("".join(line + "\n" for line in lines))
    return path


def record(event="start", **members):
    return {
        "v": 1,
        "event": event,
        "time": 1795263800.5,
        "pid": 7,
        "ppid": 1,
        "host": "h",
        "rank": None,
        **members,
    }


def samples(name):
    return [json.loads(line) for line in (LOGS / name).read_text().splitlines()]


# What the formats look like


@pytest.mark.parametrize("style", ["text", "policy", "github", "gitlab", "junit", "perfetto"])
def test_format_is_as_in_its_golden_file(style):
    ended = report(f"--{style}", *BOTH, env=CI)
    golden = GOLDEN / f"{style}.txt"
    if os.environ.get("FORKPOLICY_GOLDEN") == "write":
        golden.write_text(ended.stdout)
    assert ended.stdout == golden.read_text()
    assert ended.returncode == 1 and ended.stderr == ""


def test_text_is_the_default_and_logs_merge_in_any_order():
    text = report("--text", *BOTH).stdout
    assert report(*BOTH).stdout == text == report(*reversed(BOTH)).stdout
    assert text.startswith("2 logs, 28 records of 7 processes on 2 hosts, 2 ranks, ")


def test_the_worst_comes_first():
    words = [
        line.split()[0]
        for line in report(*BOTH).stdout.splitlines()
        if re.match(r"  (HUNG|hung\?|waits\?|refused|used|lost) ", line)
    ]
    assert words == ["HUNG", "waits?", "hung?", "refused", "used", "lost"]


@pytest.mark.parametrize(
    "policy, unmatched",
    [
        ("fail,off:deltalak,refuse:polrs", ["off:deltalak", "refuse:polrs"]),
        ("fail,off:deltalake,off:*/deltalake/*", []),
        ("fail", []),
        (None, []),
    ],
)
def test_a_pattern_that_matches_nothing_is_told(policy, unmatched, tmp_path):
    log = write_log(tmp_path / "log", record(policy=policy), *samples("forty.jsonl"))
    told = [line for line in report(log).stdout.splitlines() if line.startswith("FORKPOLICY: ")]
    assert told == [f"FORKPOLICY: {entry} matches no runtime of these logs" for entry in unmatched]
    assert "FORKPOLICY: " not in report(write_log(log, record(policy="off:polrs"))).stdout, "there is no fork"


def test_advice_is_given_once_for_a_runtime():
    text = report("forty.jsonl").stdout
    assert text.count("first use deltalake in the child") == 1
    assert "25 hung, 15 lost" in text


@pytest.mark.parametrize(
    "log, words",
    [
        ("fine.jsonl", "nothing was lost that is known to hang, and nothing hung"),
        ("nothing.jsonl", "the logs contain no fork of a process with other threads: "),
    ],
)
def test_nothing_found_is_said_in_one_honest_line_with_status_0(log, words):
    ended = report(log)
    assert ended.returncode == 0 and words in ended.stdout.splitlines()[1]
    ended = report("--github", log)
    assert ended.returncode == 0 and ended.stdout.startswith("::notice ")
    assert len(ended.stdout.splitlines()) == 1


def test_nothing_is_concluded_of_what_is_no_log(tmp_path):
    (tmp_path / "job.py").write_text("import os\n\nprint(os.getpid())\n")
    for style in ("--text", "--github", "--junit", "--html"):
        for log in (tmp_path / "job.py", tmp_path / "none"):
            ended = report(style, log)
            assert (ended.returncode, ended.stdout) == (2, ""), ended
            assert "none of the lines is a record" in ended.stderr or "No such file" in ended.stderr


def test_status_is_1_for_a_proven_hang_alone():
    assert report("loader.jsonl").returncode == 0  # its hang is most likely one
    for style in ("text", "policy", "github", "gitlab", "junit", "perfetto", "html"):
        assert report("--" + style, "train.jsonl").returncode == 1


def test_help_lists_the_options_and_the_meaning_of_the_status():
    ended = report("x", "--help")
    assert ended.returncode == 0
    for word in (
        "--policy",
        "--github",
        "--gitlab",
        "--junit",
        "--perfetto",
        "--html",
        "--output",
        "-o",
        "a hang that was proven",
    ):
        assert word in ended.stdout
    assert all(len(line) <= 100 for line in ended.stdout.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--bogus", "fine.jsonl"),
        ("--github", "--junit", "fine.jsonl"),
        ("-o",),
        ("fine.jsonl", "-o"),
        ("fine.jsonl", "--output="),
        ("-x", "fine.jsonl"),
    ],
)
def test_bad_usage_is_2_and_says_so(arguments):
    ended = report(*arguments)
    assert ended.returncode == 2 and ended.stdout == "" and len(ended.stderr.splitlines()) == 1


def lost(label, names="", **members):
    words = {"threads": 1, "class": "unknown", "action": "warn", "names": names}
    return {**words, "name": label, "started": f"/app/{label}.py:3", **members}


def forked(line, *runtimes, **members):
    site = {"user": {"file": "/a.py", "line": line}}
    fork = dict(call="fork", origin="python", child=9, threads=3, site=site, runtimes=runtimes)
    return record("fork", **{**fork, **members})


def test_what_worked_in_the_parent_alone_is_told_though_nobody_waited(tmp_path):
    """Once for a runtime, whatever the places; not what starts anew, what C code forks, or what hung."""
    scheduler, fine = lost("scheduler", "APScheduler"), lost("fine", **{"class": "survives"})
    fork = {"site": {"user": {"file": "/a.py", "line": 4}}}
    hang = record("hang", verdict="proven", outcome="exited", lost=lost("hung"), fork=fork)
    log = write_log(
        tmp_path / "log",
        forked(4, scheduler, fine, lost("hung")),
        forked(5, scheduler),
        forked(5, scheduler),
        forked(6, lost("executed"), origin="native in python"),
        forked(7, lost("off", action="off"), lost("reset", action="reset", **{"class": "reset"})),
        hang,
    )
    text = report(log).stdout
    _, part = text.split("worked in the parent, not in the child; no child was seen to wait for it\n")
    told = part.split("\n\n")[0].strip().splitlines()
    assert told == [
        "scheduler: 1 native thread (APScheduler), started at /app/scheduler.py:3; "
        "not in 3 children of 2 places"
    ]
    assert "worked in the parent" not in report("fine.jsonl").stdout


CRASH = {
    "child": 12,
    "signal": "SIGSEGV",
    "runtimes": [{"threads": 3, "name": "polars", "class": "lost", "action": "warn"}],
    "fork": {"call": "fork", "origin": "python", "lost_threads": 5, "site": {"user": {"file": "/a.py", "line": 2}}},
}


def test_crashes_are_counted(tmp_path):
    log = write_log(tmp_path / "log", record("crash", **CRASH), record("crash", **CRASH))
    text = report(log).stdout
    assert "of their runtimes 1 lost in a child that crashed" in text
    assert re.search(r"\n/a.py:2\n  crashed +polars .*a child that lost it crashed 2 times, by SIGSEGV\n", text), text
    annotated = report("--github", log).stdout
    assert "::error file=/a.py,line=2" in annotated and "crashed" in annotated


@pytest.mark.parametrize("style", ["text", "policy", "github", "gitlab", "junit", "perfetto", "html"])
def test_a_crash_of_which_little_is_known(style, tmp_path):
    bare = [record("crash"), record("crash", runtimes=[3], fork=7, signal="SIGX"), record("crash", runtimes=None)]
    ended = report("--" + style, write_log(tmp_path / "log", *bare))
    assert (ended.returncode, ended.stderr) == (0, ""), ended


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


# Bad input: a place is named, nothing else is lost


@pytest.mark.parametrize(
    "line, place",
    [
        ('{"v":1,"event":"fork","ti', "2:25: "),
        ("\x00\x01\x02", "2:1: "),
        ('{"v":1,"event":"fork","pid":"7"}', '2:1: no "pid"'),
        ('{"v":1,"pid":7}', '2:1: no "event"'),
        ('{"v":2,"event":"fork","pid":7}', "2:1: a record of version 2"),
        ('{"event":"fork","pid":7}', "2:1: no version in it"),
        ("[1]", "2:1: no JSON object"),
        ('{"v":1,"event":"fork","pid":99999999999999999999}', "2:"),
        ("x" * 70000, "2:1: a line of more than 65536 bytes"),
        ("\x1b[31mred", "2:1: "),
    ],
)
def test_a_bad_line_is_named_and_the_others_count(line, place, tmp_path):
    log = write_log(tmp_path / "log", record(), line, record(pid=8))
    ended = report(log)
    assert ended.returncode == 0 and ended.stdout.startswith("1 log, 2 records of 2 processes")
    [said] = ended.stderr.splitlines()
    assert said.startswith(f"forkpolicy: {log}:{place}") and said.endswith("; left out")
    assert "\x1b" not in ended.stderr


def test_invalid_utf8_is_named(tmp_path):
    log = tmp_path / "log"
    good = json.dumps(record()).encode()
    log.write_bytes(good + b"\n" + good.replace(b'"h"', b'"\xff"') + b"\n" + good + b"\n")
    ended = report(log)
    assert ended.stdout.startswith("1 log, 2 records")
    assert re.search(r":2:\d+: .*0xff", ended.stderr)


def test_records_behind_a_broken_one_are_found_again(tmp_path):
    whole = json.dumps(record(), separators=(",", ":"))
    log = write_log(tmp_path / "log", whole[:40] + whole + whole, whole)
    ended = report(log)
    assert ended.stdout.startswith("1 log, 3 records") and ":1:" in ended.stderr


def test_a_last_line_without_its_end_counts_when_it_is_whole(tmp_path):
    log = tmp_path / "log"
    log.write_text(json.dumps(record()))
    assert report(log).stdout.startswith("1 log, 1 record of")


def test_many_bad_lines_are_counted(tmp_path):
    log = write_log(tmp_path / "log", *["garbage"] * 100, record())
    lines = report(log).stderr.splitlines()
    assert len(lines) == 6 and "95 more places that are no records" in lines[-1]


def test_wrong_types_and_numbers_out_of_range_are_not_known(tmp_path):
    log = write_log(
        tmp_path / "log",
        record("fork", runtimes=5, site=7),
        record("fork", runtimes=[None, 1, {}, {"name": 5, "threads": -3, "advice": [1]}]),
        record("fork", site={"user": {"file": "f.py", "line": 1e99}}, child=1e300),
        record("hang", lost="x", fork=[], waiting=3, verdict={}, python_stack={"a": 1}),
        record("use", runtime=[], fork=None),
        record("reset", microseconds=1e300),
        record("unheard of", anything=1),
    )
    for style in ("text", "policy", "github", "gitlab", "junit", "perfetto", "html"):
        ended = report("--" + style, log)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "kind, words",
    [
        ("missing", "No such file or directory"),
        ("directory", "is a directory"),
        ("device", "is neither a file nor a pipe"),
        ("secret", "Permission denied"),
    ],
)
def test_a_log_that_cannot_be_read_is_2_and_one_line_and_the_others_count(kind, words, tmp_path):
    path = tmp_path / "log"
    if kind == "directory":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "secret":
        write_log(path, record()).chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    ended = report(path, "fine.jsonl")
    assert ended.returncode == 2 and ended.stderr == f"forkpolicy: {path}: {words}\n"
    assert "2 records of 1 process" in ended.stdout


def test_an_empty_log_holds_nothing(tmp_path):
    (tmp_path / "log").write_text("")
    ended = report(tmp_path / "log")
    assert ended.returncode == 0 and ended.stdout.startswith("1 log, 0 records\nthe logs contain no fork ")


def test_stdin_and_pipes_are_logs_too(tmp_path):
    text = report("fine.jsonl").stdout
    with open(LOGS / "fine.jsonl") as log:
        assert report("-", stdin=log).stdout == text
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes((LOGS / "fine.jsonl").read_bytes()))
    writer.start()
    assert report(fifo).stdout == text
    writer.join()
