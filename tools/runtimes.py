# SPDX-License-Identifier: Apache-2.0
"""What is known of each runtime, and the runs behind it: docs/runtimes.md, or constant data for the program.

Usage: runtimes.py page | source. Both are made from policy/known.policy and the recorded runs of tests/knowledge/results.jsonl.
"""

import functools
import itertools
import re
import sys

import known

KNOWLEDGE = known.ROOT / "tests" / "knowledge"
sys.path.insert(0, str(KNOWLEDGE))

import results  # noqa: E402: found by the path just set
import telling  # noqa: E402
from results import version  # noqa: E402

BARE_FIRST = ("bare", "warn", "fail", "reset", "carry")


class Runtime:
    """An entry of the table, and the runs that speak for it."""

    def __init__(self, entry, runs):
        self.entry = entry
        self.runs = runs
        self.rank = min((run["rank"] for run in runs), default=10**6)

    def threads(self):
        """Its threads in the run that had most of them, in words; else those of no entry whose loss hung the child."""
        own = [each for run in self.runs for each in run["runtimes"] if each["name"] == self.entry.name]
        bad = [run for run in self.runs if results.outcome(run["bare"]) in results.BAD]
        unnamed = [each for run in bad for each in run["runtimes"] if not each["name"]]
        kind = self.entry.kind if own else "of no entry"
        number, names = max(((each["threads"], each["names"]) for each in own or unnamed), default=(0, ""))
        return f"{number} {kind}: `{names}`" if number else "none of its own"


def collect():
    """All runtimes, most used first."""
    runs = results.load()
    found = [Runtime(entry, [run for run in runs if name in run["covers"]]) for name, entry in known.read().items()]
    return sorted(found, key=lambda runtime: (runtime.rank, runtime.entry.name.lower()))


def variable(conditions):
    """(name, value) of a single condition on the environment, its value in words; ("", "") for any other."""
    found = re.fullmatch(r"environment ([^=]+)=(.*)", conditions[0]) if len(conditions) == 1 else None
    if not found:
        return "", ""
    return found[1], re.sub(r"\[(\w)\w\]", r"\1", found[2]) or "empty"


def classes(entry):
    """A class, with the versions it holds for, in words; the values of one variable are together."""
    text = []
    for (name, what), clauses in itertools.groupby(entry.clauses, lambda clause: (clause[0], variable(clause[1])[0])):
        if what:
            values = ", ".join(variable(conditions)[1] for _, conditions in clauses)
            text.append(f"{name} ({what} is {values})")
            continue
        for _, conditions in clauses:
            words = " and ".join(re.sub("^version ", "", condition) for condition in conditions)
            words = re.sub(r"environment (\S+)", r"\1 is set", words)
            text.append(f"{name} ({words})" if words else name)
    return text


# The page


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def seen(run):
    """One run in words: version, what the child does, what came of it."""
    children = ", ".join(f"{what} {count} of {run['runs']}" for what, count in run["bare"]["children"].items())
    detail = run["bare"].get("detail", "")
    if results.outcome(run["bare"]) == "crashes":
        children += f" ({detail})"
    elif results.outcome(run["bare"]) == "raises":
        children += f" (`{cell(detail.split(':')[0])}`)"
    package = next(iter(run["versions"]), "Python")
    return f"{package} {version(run)}: {run['about']}: {children}"


def left(run):
    """What becomes of a child that uses nothing and leaves by sys.exit(), where that is its end."""
    unused = run["bare"].get("unused", {})
    bad = ", ".join(f"{what} {unused[what]} of {run['runs']}" for what in results.BAD if unused.get(what))
    return f"; one that only leaves by sys.exit(): {bad}" if bad else ""


def remedies(runtime, entries):
    """What the entry says, or the entries of those that its runs lost; how to leave where leaving is what goes wrong."""
    said = runtime.entry.all("remedy") + runtime.entry.all("advice")
    bad = [run for run in runtime.runs if results.outcome(run["bare"]) != "works"]
    if not said:
        lost = {each["name"] for run in bad for each in run["runtimes"] if each["name"] in entries}
        said = [f"as for {name}" for name in sorted(lost) if entries[name].all("remedy") + entries[name].all("advice")]
    if any(map(left, runtime.runs)) and "os._exit()" not in " ".join(said):
        said = [*said, "leave the child by os._exit(), as those of multiprocessing do"]
    survives = all(runtime.entry.class_of(version(run), run["environment"]) == "survives" for run in runtime.runs)
    return said or ([] if bad else ["none needed" if survives else "none was needed here"])


def row(runtime, entries, first):
    """A line of the table; FIRST is the name of the runtime that has the same runs, and comes first."""
    entry = runtime.entry
    what = "<br>".join(seen(run) + left(run) for run in runtime.runs) if first == entry.name else f"as for {first}"
    dates = max(run["date"] for run in runtime.runs)
    remedy = "<br>".join(map(cell, remedies(runtime, entries)))
    source = cell("; ".join(entry.all("source")))
    shown = "<br>".join(map(cell, classes(entry)))
    return "| " + " | ".join([f"**{entry.name}**", shown, what, cell(runtime.threads()), remedy, source, dates]) + " |"


def run_row(run):
    def children(seen):
        return ", ".join(f"{count} {what}" for what, count in seen.items())

    bare, warn, *others = (children(run[policy]["children"]) if policy in run else "" for policy in BARE_FIRST)
    unused = children(run["bare"].get("unused", {}))
    when = f"{run['date']} {run['head']}" if run.get("head") else run["date"]
    cells = [run["recipe"], version(run), run["about"], bare, warn, results.told(run), *others, unused, when]
    return "| " + " | ".join(map(cell, cells)) + " |"


INTRODUCTION = """# Runtimes in forked children

What becomes of a library in a child that a Python process forked while the library's threads were alive, most used first.
This page is made from [policy/known.policy](../policy/known.policy), which the shim goes by, and from runs that anyone can
repeat: `make knowledge ONLY=NAME` runs the recipes of one runtime, `make knowledge` all of them.

The classes say what becomes of a child that uses the runtime. `lost`: it hangs, and the default policy says so at the
fork. `reset`: the same, but `--policy reset` makes it usable; nothing is said at the fork, a hang is told when it comes.
`refuses`: the library raises an error of its own, or ends the child. `survives`: it works. `unknown`: nobody looked, or it
depends on what the child does (often what it has of its parent hangs, and one of its own works): nothing is said at the
fork, a hang is told when it comes. A class with a version in brackets holds for that version; the first one that fits
counts, so that `survives (<= 2.8.0)`, `unknown` means: later versions were not looked at. A library that keeps no threads
("none of its own") is an entry, too, so that whoever looks for it finds it.

What a child did is by version, with how many children of how many: it `works`, `hangs`, `crashes` (by a signal, or a status
of its own), `raises` an error that the program can catch, or answers `wrong`. A child that leaves by `sys.exit()` runs the
library's clean-up: that is told apart, where it goes wrong. Threads are those of the parent at the fork; one that its library
gives no name has the program's, `python`. The source may count other runs than those of this page.
"""


def absent_row(runtime):
    remedy = "<br>".join(cell(text) for text in runtime.entry.all("remedy") + runtime.entry.all("advice"))
    source = cell("; ".join(runtime.entry.all("source")).rpartition("; not run here")[0])
    cells = [f"**{runtime.entry.name}**", "<br>".join(map(cell, classes(runtime.entry))), runtime.entry.not_run, remedy, source]
    return "| " + " | ".join(cells) + " |"


def reclassed(runs, entries):
    """Runs whose shim had another class for what was there than the table has now, a line each."""
    for run in runs:
        for each in run["runtimes"]:
            entry = entries.get(each["name"])
            if not entry or entry.all("spare"):  # of which a few threads count as none
                continue
            now = entry.class_of(each["version"] or "", run["environment"])
            if now != each["class"]:
                of = f" of {run['head']}" if run.get("head") else ""
                yield f"- {run['recipe']} {version(run)}: {entry.name} was {each['class']} to the shim{of}, now it is {now}"


@functools.cache
def table_of(head):
    """The table that a shim had, as far as git knows its commit."""
    return known.parse(results.git("show", f"{head.rstrip('+')}:policy/known.policy")) if head else {}


def behind(runs, entries):
    """Runs of which nobody can say that their shim had the classes of now for what they are about."""
    found = []
    for run in runs:
        had = {each["name"]: each["class"] for each in run["runtimes"]}
        about = [entries[name] for name in run["covers"] if not entries[name].all("spare")]
        then = table_of(run.get("head", ""))
        for entry in about:
            where = version(run), run["environment"]
            was = had.get(entry.name) or (then[entry.name].class_of(*where) if entry.name in then else None)
            if was != entry.class_of(*where) or not run.get("head"):
                found.append(run)
                break
    return found


def moves(runs):
    """What each recipe's last run with another outcome showed, entry by entry."""
    for run in runs:
        if "moved" in run:
            versions = [*run["moved"]["version"], version(run)]
            named = " -> ".join(dict.fromkeys(versions))
            yield f"- {run['recipe']} {named}, since {run['moved']['since']}: {'; '.join(run['moved']['lines'])}"


def page():
    runtimes, runs = collect(), sorted(results.load(), key=lambda run: run["recipe"].lower())
    entries = {runtime.entry.name: runtime.entry for runtime in runtimes}
    here = [runtime for runtime in runtimes if runtime.runs]
    lines = [INTRODUCTION]
    lines.append(f"{len(runtimes)} runtimes, {len(here)} of them with a run; the others are at the end, with the reason. What is")
    lines.append("said of each way to use one, and how often that is right, is [behind the table](#what-the-default-policy-says).\n")
    head = ("runtime", "class", "what a bare child did", "threads", "remedy", "source", "last run")
    first = {}
    for runtime in here:
        first.setdefault(str(runtime.runs), runtime.entry.name)
    lines += telling.table(head, [row(runtime, entries, first[str(runtime.runs)]) for runtime in here])
    lines += telling.default_policy(runs, entries)
    lines.append("\n## Runs\n")
    lines.append("Children that did what the recipe says, by policy; \"unused\" used nothing and left by `sys.exit()`, bare. Under")
    lines.append("`fail`, `reset` and `carry` a child `ends` that the shim ended with status 70, and `raises` may be its error.")
    lines.append("Behind the date is the commit that last changed the shim of the run, where that was recorded.\n")
    head = ("recipe", "version", "the child", "bare", "warn", "warn tells", *BARE_FIRST[2:], "unused", "date, shim")
    lines += telling.table(head, map(run_row, runs))
    lines += telling.listed_as("Runs of a shim that had another class for what was there", reclassed(runs, entries))
    lines += ["\n## What moved\n", "Recipes whose last run differs from the one before.\n", *moves(runs)]
    lines.append("\n## Not run here\n")
    head = ("runtime", "class", "reason", "remedy", "source")
    lines += telling.table(head, [absent_row(runtime) for runtime in runtimes if not runtime.runs])
    return "\n".join(lines) + "\n"


# The program


def quoted(text):
    letters = map(chr, text.encode())
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\?' else "\\%03o" % ord(c) for c in letters) + '"'


def source():
    """The recorded runs as constant data for the program (cli/runtimes/runs.h)."""
    lines = ["/* Made from tests/knowledge. */", '#include "cli/runtimes/runs.h"', "", "const struct fp_run fp_runs[] = {"]
    for runtime in collect():
        for run in runtime.runs:
            children = ", ".join(f"{what} {count} of {run['runs']}" for what, count in run["bare"]["children"].items())
            package = next(iter(run["versions"]), "")
            values = (runtime.entry.name, package, version(run), run["date"], run["about"], children, results.told(run))
            lines.append("    {" + ", ".join(map(quoted, values)) + "},")
    return "\n".join([*lines, "};", "", "const size_t fp_run_count = sizeof fp_runs / sizeof *fp_runs;", ""])


if __name__ == "__main__":
    made = {"page": page, "source": source}.get(" ".join(sys.argv[1:]))
    if not made:
        raise SystemExit(__doc__)
    sys.stdout.write(made())
