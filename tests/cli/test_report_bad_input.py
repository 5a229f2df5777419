"""`forkpolicy report`: logs that cannot be read, or not all of it. SPDX-License-Identifier: Apache-2.0"""

import json
import os
import re
import threading
from pathlib import Path

import pytest

from report_runs import LOGS, record, report, write_log


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
