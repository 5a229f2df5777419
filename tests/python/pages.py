# SPDX-License-Identifier: Apache-2.0
"""Pages that show jobs and what is said of them: their blocks, and texts without what differs between runs."""

import re

HOME = "/home/me"

CHANGING = [
    (r"\b(pid|child|parent|thread)( +|=)\d+", r"\1 N"),
    (r"^forkpolicy: +\d+ +\d+  ", "forkpolicy: N N  "),  # of explain's table
    (r"\d+ of \d+ threads", "N of M threads"),
    (r"threads, (\d+ of them|all|one) of", "threads, N of them of"),
    (r"\d+ (\w+) threads? \([^)]*\)", r"N \1 threads"),
    (r"^forkpolicy:   other   threads of unknown origin: .*\n", ""),  # a thread that starts at the fork
    (r"python[\d.]* (?=[\w/-]*\.py)", "python "),
    (r"thread \(python[\d.]*\)", "thread (python)"),
    (r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", "X.Y.Z"),
    (r"(_base\.py|(?:multiprocessing|polars)/\S+\.py):\d+", r"\1:LINE"),
    (r"\d+\.\d s\b", "SECONDS"),
    (r"\d+ threads? lost", "N threads lost"),
    (r"/forkpolicy-\w{6}/", "/forkpolicy-XXXXXX/"),
]
# What a page leaves out: all lines of a stack but the first.
STACKS = [
    r"^(?:forkpolicy:)? {2,3}native  .*\n(?:(?:forkpolicy:)? {11}\S.*\n|(?:forkpolicy:)? {10}\S.*\n)*",
    r"(?<=\n)(?P<first>(?:forkpolicy:)? {2,3}python  .*\n)(?:(?:forkpolicy:)? {10,11}\S.*\n)+",
    r"(?P<first>^Traceback .*\n)(?:^ .*\n)+",
]
# What a page has the same in each run.
FIXED = [
    (r"/forkpolicy-\w{6}/", "/forkpolicy-Xy12ab/"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (to \S+ )?UTC", "2026-11-30 12:00:00 UTC"),
    (r"\bhost \S+$", "host vm"),
    (r" in \d+\.\d+s\b", " in 1.00s"),
    (r"\d+\.\d s ago", "0.1 s ago"),
    (r"^\[(gw\d)\] linux -- Python \S+ .*", r"[\1] linux -- Python 3.11.7 /home/me/env/bin/python"),
    (r"^(FAILED .* it waits) .*\.\.\.$", r"\1 ..."),
    # Of torchrun, of celery, and of joblib about folders that killed workers leave behind.
    (r"^[IWE]\d{4} [\d:.]+ .*\n", ""),
    (r"^Traceback .*\n\.\.\.\ntorch\.\S*SignalException: .*\n", ""),
    (r"^\nworker: Warm shutdown .*\n", ""),
    (r"^\S+/joblib/\S+ UserWarning: .*\n +warnings.warn.*\n", ""),
]


def plain(text, folder=HOME):
    """Without what differs between machines and runs; FOLDER is the job's."""
    text = text.replace(f"{folder}/", f"{HOME}/")
    for pattern, words in CHANGING:
        text = re.sub(pattern, words, text, flags=re.M)
    return text


def folded(text, folder):
    """As a page shows it: stacks cut short; the same process IDs, times and paths in each run."""
    numbers = {}

    def number(found):
        known = numbers.setdefault(found[3], str(4121 + len(numbers)))
        return found[1] + found[2] + known

    text = text.replace(f"{folder}/", f"{HOME}/")
    for pattern in STACKS:
        text = re.sub(pattern, lambda found: found.groupdict().get("first", "") + "...\n", text, flags=re.M)
    text = re.sub(r"(\.\.\.\n)+", "...\n", text)
    text = re.sub(r"\b(pid|child|parent|thread)( +|=)(\d+)\b", number, text)
    for pattern, words in FIXED:
        text = re.sub(pattern, words, text, flags=re.M)
    return text


def job(page, name):
    """The block of a page that has this title."""
    return re.search(rf"```python title=\"{re.escape(name)}\"\n(.*?)```", page, re.S)[1]


def shown(page, command):
    """What a page shows below `$ COMMAND`."""
    return re.search(rf"```console\n\$ {re.escape(command)}\n(.*?)```", page, re.S)[1]


def check_shown(block, said, folder):
    """A run said the lines of the block, one after the other; "..." stands for any number of them."""
    lines = plain(said, folder).splitlines()
    begin, is_free = 0, False
    for line in plain(block).splitlines():
        if line == "...":
            is_free = True
            continue
        where = lines.index(line, begin) if line in lines[begin:] else None
        assert where is not None and (is_free or where == begin), f"{line}\nis not where it is shown:\n{said}"
        begin, is_free = where + 1, False
    assert is_free or begin == len(lines), f"not shown: {lines[begin:]}"
