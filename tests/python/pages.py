# SPDX-License-Identifier: Apache-2.0
"""Pages that show jobs and what is said of them: their blocks, and texts without what differs between runs."""

import re

CHANGING = [
    (r"\bpid \d+", "pid N"),
    (r"\b(child|parent) \d+", r"\1 N"),
    (r"\bthread \d+ ", "thread N "),
    (r"^forkpolicy: +\d+ +\d+  ", "forkpolicy: N N  "),  # of explain's table
    (r"\d+ of \d+ threads", "N of M threads"),
    (r"\d+ of them of", "N of them of"),
    (r"\d+ (\w+) threads? \([^)]*\)", r"N \1 threads"),
    (r"python[\d.]* (?=[\w/-]*\.py)", "python "),
    (r"thread \(python[\d.]*\)", "thread (python)"),
    (r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", "X.Y.Z"),
    (r"(_base\.py|(?:multiprocessing|polars)/\S+\.py):\d+", r"\1:LINE"),
    (r"\d+\.\d s\b", "SECONDS"),
    (r"\d+ threads? lost", "N threads lost"),
    (r"/forkpolicy-\w{6}/", "/forkpolicy-XXXXXX/"),
]


def plain(text, folder):
    """Without what differs between machines and runs; FOLDER is the job's."""
    text = text.replace(f"{folder}/", "/home/me/")
    for pattern, words in CHANGING:
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
    for line in plain(block, "/home/me").splitlines():
        if line == "...":
            is_free = True
            continue
        where = lines.index(line, begin) if line in lines[begin:] else None
        assert where is not None and (is_free or where == begin), f"{line}\nis not where it is shown:\n{said}"
        begin, is_free = where + 1, False
    assert is_free or begin == len(lines), f"not shown: {lines[begin:]}"
