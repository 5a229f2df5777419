# SPDX-License-Identifier: Apache-2.0
"""What the shim has written to its log, as the pytest plugin reads and tells it. See pytest_plugin.py."""

import glob
import json
import os
import subprocess

from .words import OUTCOMES

STACK_MOST = 12  # frames, of a child that runs no test function
LINES_MOST = 16  # of a report below a failing test; what is more is in the log


class Log:
    """What is new in the log, which may be many files (%p) and may have records of others."""

    def __init__(self, path):
        self.pattern = glob.escape(path).replace("%p", "*")
        self.places = {}  # file: (offset, number of lines before it)
        self.read()

    def read(self):
        """[(record, "FILE:LINE")] of the complete lines since the last call."""
        return [each for path in sorted(glob.glob(self.pattern)) for each in self._read(path)]

    def _read(self, path):
        offset, number = self.places.get(path, (0, 0))
        try:
            if os.path.getsize(path) <= offset:
                return []
            with open(path, "rb") as file:
                file.seek(offset)
                lines = file.read().split(b"\n")[:-1]
        except OSError:  # removed, or hidden by what the test does to files
            return []
        self.places[path] = (offset + sum(len(line) + 1 for line in lines), number + len(lines))
        found = []
        for line in lines:
            number += 1
            try:
                record = json.loads(line.decode(errors="replace"))
            except ValueError:
                continue
            is_known = isinstance(record, dict) and record.get("v") == 1
            if is_known and {"event", "time", "pid"} <= set(record):
                found.append((record, f"{path}:{number}"))
        return found


class Problem:
    """A record for which a test is to fail."""

    def __init__(self, record, place, forked):
        self.record = record
        self.place = place
        self.forked = forked  # when its process was made, or when the fork was
        waiting = record.get("waiting") or {}
        self.since = record["time"] - waiting.get("seconds", 0)

    def headline(self):
        record = self.record
        pid = record["pid"]
        if record["event"] == "hang":
            lost = runtime_name(record.get("lost"))
            text = f"child {pid} hangs ({record['verdict']}): it waits for {lost}"
        elif record["event"] == "use":
            text = f"child {pid} calls {runtime_name(record.get('runtime'))}, which it has lost"
        else:
            lost = ", ".join(runtime_name(each) for each in lost_runtimes(record))
            text = f"child {record.get('child')} is forked without {lost}"
        line = site_line(fork_site(record))
        return text + (f"; forked at {line}" if line else "")

    def message(self):
        """The headline, and below it the report as it was on stderr, without pytest's frames."""
        lines = [f"forkpolicy: {self.headline()}"]
        lines += explained(self.place) if self.record["event"] == "hang" else []
        return "\n".join(lines) if len(lines) > 1 else self.brief()

    def brief(self):
        """What the record itself says."""
        record = self.record
        lines = [f"forkpolicy: {self.headline()}"]

        def add(label, text):
            if text:
                lines.append(f"  {label:<7} {text}")

        waiting, fork = record.get("waiting") or {}, record.get("fork") or {}
        if waiting:
            owner = " ".join(filter(None, (waiting.get("package"), waiting.get("version"))))
            owner = owner or os.path.basename(waiting.get("dso") or "") or "the program"
            seconds = waiting["seconds"]
            since = f", for {seconds:.1f} s by then" if seconds >= 0.05 else ""
            add("waits", f"{owner} in {waiting['call']}{since}")
            add("at", site_line(waiting.get("site")))
        lost = [record.get("lost") or record.get("runtime")]
        for runtime in filter(None, lost if any(lost) else lost_runtimes(record)):
            add("for" if waiting else "lost", runtime_threads(runtime))
        parent = fork.get("parent") or record["pid"]
        add("fork", f"{site_line(fork_site(record)) or 'at an unknown line'}; by pid {parent}")
        for runtime in filter(None, lost if any(lost) else lost_runtimes(record)):
            for advice in runtime.get("advice") or ():
                add("do", advice)
        add("do", 'start children by "forkserver" or "spawn"')
        add("now", OUTCOMES.get(record.get("outcome")))
        frames = record.get("python_stack") or ()
        shown = own_frames(frames)
        for number, frame in enumerate(shown):
            add("" if number else "python", "{file}:{line} in {function}".format(**frame))
        add("", "..." if len(shown) == STACK_MOST < len(frames) else "")
        return "\n".join(lines)


def explained(place):
    """What the program says of a record: the lines below the report's first one."""
    from .__main__ import program

    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    try:
        said = subprocess.run(
            [program(), "explain", place],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=10,
        ).stdout.decode(errors="replace")
    except (Exception, SystemExit):  # the test may still have its own subprocess or os in place
        return []
    mark, lines, is_own = "forkpolicy: ", [], True
    for line in said.splitlines():
        if line.startswith(mark + "  "):
            text = line[len(mark) :]
            if text.startswith("  native "):
                break  # the program's `explain` has it
            is_own = text[2] != " " or (is_own and "_pytest/python.py:" not in text)
            lines += [text] if is_own else []
    return lines if len(lines) <= LINES_MOST else [*lines[: LINES_MOST - 1], f"{'':10}..."]


def report_of(problems):
    """The first problem in full; the others, most often of the same line, are counted."""
    others = len(problems) - 1
    more = f"\n  also    {count_of(others, 'more report')}, of children of this test"
    return problems[0].message() + (more if others else "")


def runtime_name(runtime):
    if not runtime:
        return "a thread that it lost at its fork"
    package, version = runtime.get("package"), runtime.get("version")
    name = runtime.get("name") or package or os.path.basename(runtime.get("dso") or "")
    if not package:
        return name or "threads of unknown origin"
    return f"{name} {version}" if name == package else f"{name} ({package} {version})"


def runtime_threads(runtime):
    count, kind = runtime.get("threads", 0), runtime.get("kind") or "native"
    started = runtime.get("started")
    text = f"{runtime_name(runtime)}: {count} {kind} thread{'' if count == 1 else 's'}"
    return text + (f", started at {started}" if started else "")


def lost_runtimes(record):
    """Those that hang, without what the policy has waved through."""
    return [
        each
        for each in record.get("runtimes") or ()
        if each.get("class") == "lost" and each.get("action") != "off"
    ]


def own_frames(stack):
    """The innermost frames, up to pytest's."""
    for number, frame in enumerate(stack):
        if frame["file"].endswith("/_pytest/python.py"):
            return stack[:number]
    return stack[:STACK_MOST]


def fork_site(record):
    return record.get("site") or (record.get("fork") or {}).get("site")


def site_line(site):
    """The user's line of a site, or else the best that there is."""
    for key in ("user", "library", "called", "innermost"):
        place = (site or {}).get(key)
        if place:
            function = f" in {site['function']}" if key == "user" and site.get("function") else ""
            return f"{place['file']}:{place['line']}{function}"
    return ""


def count_of(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"
