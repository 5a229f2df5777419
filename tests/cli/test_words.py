# SPDX-License-Identifier: Apache-2.0
"""The words of policy/*.def are the same wherever they are said: by the shim's message code, which
`explain LOG:LINE` runs, on the page of `report --html`, and in the pytest plugin.
"""

import itertools
import json
import re
import subprocess
import sys

from pages_drawn import HELP, Document, browse, make_page, records_of, with_script, write_log
from support import PROGRAM, ROOT, environment

sys.path.insert(0, str(ROOT / "tools"))
import tables  # noqa: E402: found by the path just set

LIMIT = 60  # seconds


def names(table):
    return [row["name"] for row in tables.read(f"policy/{table}.def") if "name" in row]


def hangs():
    """A record for every reason, cause, grade and outcome; and for what a message's other lines are
    chosen by: the policy's action, whether the runtime is known, the place of the fork."""
    (first, *_) = [record for record in records_of("fail") if record["event"] == "hang"]
    waiting = dict(first["waiting"], seconds=0.5)
    for reason, cause, grade, outcome in itertools.product(
        names("reasons"), names("causes"), names("grades")[1:], names("outcomes")
    ):
        lost = dict(first["lost"], action="fail", asked="fail")
        words = dict(reason=reason, cause=cause, verdict=grade, outcome=outcome)
        yield dict(first, waiting=waiting, lost=lost, **words)
    for grade, outcome, lost in itertools.product(
        names("grades")[1:], names("outcomes"), [dict(first["lost"], action="warn"), None]
    ):
        yield dict(first, waiting=waiting, lost=lost, verdict=grade, outcome=outcome)
    parts = [row["through"] for row in tables.read("policy/starts.def") if "through" in row]
    for origin, part in itertools.product(("python", "native in python", "native"), parts):
        site = dict(first["fork"]["site"], called=None, library=None)
        site["innermost"] = {"file": f"/usr/lib/python3/dist-packages/{part}of.py", "line": 7}
        yield dict(first, waiting=waiting, fork=dict(first["fork"], origin=origin, site=site))


def said_by_explain(log):
    """{label: words}, the headline by "": of a log of one record."""
    said = subprocess.run(
        [str(PROGRAM), "explain", str(log)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=environment(preload=False),
    ).stdout
    headline = re.search(r"^forkpolicy: pid \d+ \(.*?\) (.*)$", said, re.M).group(1)
    lines = re.findall(r"^forkpolicy:   (\w+) +(.*)$", said, re.M)
    return told(headline, lines)


def told(headline, lines):
    found = {"": headline}
    for label, words in lines:
        if label in ("waits", "for", "do", "or", "now"):
            found[label] = found.get(label, "") + words
    return found


def said_by_page(folder, log):
    script = """
        const hangs = model.entries.filter(({ event }) => event === "hang");
        say("words", JSON.stringify(hangs.map((entry) =>
            [entry.process.name, runtimeOf(entry.record.lost).label, hangWords(entry)])));
    """
    page = with_script(make_page(folder, log), HELP + script)
    found = Document(browse(page, "--dump-dom")).elements
    words = next(each["data-words"] for tag, each in found if tag == "body")
    for process, runtime, (headline, *lines) in json.loads(words):
        # The page names the runtime where the shim, which names it in a line below, does not.
        headline = headline.removeprefix(f"{process} ").replace(f" {runtime}, lost", " threads lost")
        yield told(headline, lines)


def test_the_page_says_what_the_shim_says(tmp_path):
    records = [dict(record, time=record["time"] + i) for i, record in enumerate(hangs())]
    by_page = list(said_by_page(tmp_path, write_log(tmp_path / "log", records)))
    assert len(by_page) == len(records)
    differing = []
    for record, page in zip(records, by_page):
        shim = said_by_explain(write_log(tmp_path / "one", [record]))
        if page != shim:
            key = [record[key] for key in ("verdict", "reason", "cause", "outcome")]
            differing.append((key, shim, page))
    assert not differing, f"{len(differing)} of {len(records)}: {differing[:3]}"


def test_the_plugin_has_the_words_of_the_tables():
    """`make words` renews them."""
    command = [sys.executable, "-B", str(ROOT / "tools/words.py"), "python"]
    made = subprocess.run(command, stdout=subprocess.PIPE, timeout=LIMIT, check=True).stdout
    assert made == (ROOT / "python/forkpolicy/words.py").read_bytes()


# What readers did not understand, in the order in which they said so.
PHRASES = [
    "what needs them hangs",
    "the rest holds",
    "Your own go into a file",
    "| the same |",
    "goes on behind any batch",
    "shuffles without memory",
    "at a line that nobody noted",
    "calls of lost runtimes",
    "uses of lost runtimes",
    "harmless where it is not used",
    "not known what becomes of it",
    "it is its library that waits",
    "it goes on waiting",
    "() goes on in pid",
    "is no reason not to",
    "its status is its own",
    "There is no half",
    "is there that might",
    "what was lost when it was forked",
    "it waits, it seems",
    "again and again it waits",
    "what it listens to",
    "no fork beside other threads",
    "none is known for it",
]


def test_phrases_that_readers_did_not_understand_are_gone():
    places = ["README.md", "policy/*.[ch]", "policy/*.def", "cli/**/*.[ch]", "cli/**/*.js", "cli/**/*.def"]
    places += ["docs/man/*.in", "docs/start.md", "docs/recipes.md", "docs/carry.md", "docs/messages.md", "python/forkpolicy/*.py"]
    files = [path for place in places for path in ROOT.glob(place)]
    assert len(files) > 100
    found = [
        (str(path.relative_to(ROOT)), phrase)
        for path in files
        for phrase in PHRASES
        if phrase in path.read_text()
    ]
    assert not found, found
