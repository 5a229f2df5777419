# SPDX-License-Identifier: Apache-2.0
"""What is known of each runtime, and the runs behind it: docs/runtimes.md, or constant data for the program.

Usage: runtimes.py page | source. Both are made from policy/known.policy and the recorded runs of tests/knowledge/results.jsonl.
"""

import re
import sys

import known

KNOWLEDGE = known.ROOT / "tests" / "knowledge"
sys.path.insert(0, str(KNOWLEDGE))

import results  # noqa: E402: found by the path just set

BARE_FIRST = ("bare", "warn", "fail", "reset", "carry")


class Runtime:
    """An entry of the table, and the runs that speak for it."""

    def __init__(self, entry, runs):
        self.entry = entry
        self.runs = runs
        self.rank = min((run["rank"] for run in runs), default=10**6)

    def threads(self):
        """(number, names) of its threads in the run that had most of them."""
        own = [each for run in self.runs for each in run["runtimes"] if each["name"] == self.entry.name]
        return max(((each["threads"], each["names"]) for each in own), default=(0, ""))


def collect():
    """All runtimes, most used first."""
    runs = results.load()
    found = [Runtime(entry, [run for run in runs if name in run["covers"]]) for name, entry in known.read().items()]
    return sorted(found, key=lambda runtime: (runtime.rank, runtime.entry.name.lower()))


def version(run):
    """The version of the package that the recipe is about; Python's where it is about Python."""
    return next(iter(run["versions"].values()), None) or run["python"]


def classes(entry):
    """A class, with the versions it holds for, in words."""
    text = []
    for name, conditions in entry.clauses:
        words = " and ".join(re.sub("^(version|environment) ", "", condition) for condition in conditions)
        text.append(f"{name} ({words})" if words else name)
    return text


def told(run):
    """How the default `warn` spoke of it: at the fork, when the child hung, or not at all."""
    if run["warn"]["told"]:
        return "at the fork"
    return "when it hangs" if run["warn"]["hangs_told"] else "silent"


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


def row(runtime):
    entry = runtime.entry
    number, names = runtime.threads()
    threads = f"{number} {entry.kind}: `{names}`" if number else "none of its own"
    what = "<br>".join(seen(run) for run in runtime.runs)
    if not runtime.runs:
        what = f"not run here: {entry.not_run}"
    dates = max((run["date"] for run in runtime.runs), default="")
    fine = all(entry.class_of(version(run), run["environment"]) == "survives" for run in runtime.runs)
    remedy = "<br>".join(map(cell, entry.all("remedy") + entry.all("advice"))) or ("none needed" if fine else "")
    source = "; ".join(entry.all("source"))
    cells = [f"**{entry.name}**", "<br>".join(map(cell, classes(entry))), what, cell(threads), remedy, cell(source), dates]
    return "| " + " | ".join(cells) + " |"


def worst(run, entries):
    """The class that the table has for what was used, the worst first."""
    owned = [each["name"] for each in run["runtimes"] if each["name"] in entries]
    there = [name for name in owned if name in run["covers"]]
    if not there:  # then what it uses of others
        there = [name for name in owned if entries[name].clauses != [("survives", [])]]
    found = [entries[name].class_of(version(run), run["environment"]) for name in there]
    if not found and any(not each["name"] for each in run["runtimes"]):
        return "not in the table"
    return next((name for name in ("lost", "refuses", "reset", "unknown", "survives") if name in found), "no threads")


def confusion(runs, entries):
    """How often the default policy spoke, by what the bare child did and by the class of what it used."""
    counts, wrong = {}, []
    for each in runs:
        outcome = results.outcome(each["bare"])
        key = (outcome, worst(each, entries))
        counts.setdefault(key, {}).setdefault(told(each), []).append(each)
        if told(each) == "at the fork" and outcome in ("works", "slow", "raises"):
            wrong.append(each)
    return counts, wrong


def confusion_table(counts):
    columns = ("at the fork", "when it hangs", "silent")
    lines = ["| the bare child | class | told at the fork | told when it hangs | silent |", "|---|---|---|---|---|"]
    for outcome in ("hangs", "crashes", "wrong", "raises", "slow", "works"):
        for (what, name), by_told in sorted(counts.items()):
            if what == outcome:
                numbers = [str(len(by_told.get(column, []))) for column in columns]
                lines.append(f"| {outcome} | {name} | {' | '.join(numbers)} |")
    return lines


def rates(counts):
    """Precision and recall, in sentences."""
    bad = [(told_at, len(runs)) for (what, _), by in counts.items() if what in results.BAD for told_at, runs in by.items()]
    spoken = [(what, len(runs)) for (what, _), by in counts.items() for told_at, runs in by.items() if told_at != "silent"]
    at_fork = sum(n for told_at, n in bad if told_at == "at the fork")
    anyhow = sum(n for told_at, n in bad if told_at != "silent")
    all_bad, right = sum(n for _, n in bad), sum(n for what, n in spoken if what in results.BAD)
    return (
        f"Recall: of {all_bad} ways to use a runtime that hang, crash or answer wrongly, {at_fork} are told at the fork and "
        f"{anyhow} there or when the child hangs. Precision: of {sum(n for _, n in spoken)} that something is said of, "
        f"{right} hang, crash or answer wrongly."
    )


def run_row(run):
    cells = [run["recipe"], version(run), run["about"]]
    for policy in BARE_FIRST:
        if policy in run:
            cells.append(", ".join(f"{count} {what}" for what, count in run[policy]["children"].items()))
    cells.insert(5, told(run))
    unused = run["bare"].get("unused", {})
    cells.append(", ".join(f"{count} {what}" for what, count in unused.items()))
    return "| " + " | ".join(map(cell, cells)) + " |"


INTRODUCTION = """# Runtimes in forked children

What becomes of a library in a child that a Python process forked while the library's threads were alive, most used first.
This page is made from [policy/known.policy](../policy/known.policy), which the shim goes by, and from runs that anyone can
repeat: `make knowledge ONLY=NAME` runs the recipes of one runtime, `make knowledge` all of them.

The classes: `lost`: the child hangs when it uses it, and the default policy says so at the fork. `reset`: the same, but
`--policy reset` makes it usable; nothing is said at the fork. `refuses`: the child gets an error of the library's own.
`survives`: it works. `unknown`: nobody looked, or it depends on what the child does. A class with a version in brackets
holds for that version, the first one that fits counts. "No threads" is an entry, too: the page shall answer.
"""


def page():
    runtimes, runs = collect(), results.load()
    entries = {runtime.entry.name: runtime.entry for runtime in runtimes}
    here = [runtime for runtime in runtimes if runtime.runs]
    absent = [runtime for runtime in runtimes if not runtime.runs]
    lines = [INTRODUCTION]
    lines.append(f"{len(runtimes)} runtimes, {len(here)} of them with a run; the others are at the end, with the reason.\n")
    lines.append("| runtime | class | what a bare child did | threads | remedy | source | last run |")
    lines.append("|---|---|---|---|---|---|---|")
    lines += [row(runtime) for runtime in here]
    counts, wrong = confusion(runs, entries)
    lines += ["\n## What the default policy says\n", rates(counts) + "\n", *confusion_table(counts)]
    if wrong:
        lines.append("\nTold at the fork although the child of the recipe works or gets an error:\n")
        lines += [f"- {run['recipe']} {version(run)}: {run['about']}" for run in wrong]
    lines.append("\n## Runs\n")
    lines.append("Children that did what the recipe says, by policy; \"unused\" used nothing and left by `sys.exit()`.\n")
    policies = [policy for policy in BARE_FIRST if any(policy in run for run in runs)]
    head = ["recipe", "version", "the child", policies[0], "warn", "warn tells", *policies[2:], "unused"]
    lines += ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += [run_row(run) for run in sorted(runs, key=lambda run: run["recipe"].lower())]
    lines += ["\n## Not run here\n", "| runtime | class | reason | remedy | source |", "|---|---|---|---|---|"]
    for runtime in absent:
        remedy = "<br>".join(cell(text) for text in runtime.entry.all("remedy") + runtime.entry.all("advice"))
        source = cell("; ".join(runtime.entry.all("source")))
        shown = "<br>".join(map(cell, classes(runtime.entry)))
        lines.append(f"| **{runtime.entry.name}** | {shown} | {runtime.entry.not_run} | {remedy} | {source} |")
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
            values = (runtime.entry.name, package, version(run), run["date"], run["about"], children, told(run))
            lines.append("    {" + ", ".join(map(quoted, values)) + "},")
    return "\n".join([*lines, "};", "", "const size_t fp_run_count = sizeof fp_runs / sizeof *fp_runs;", ""])


if __name__ == "__main__":
    made = {"page": page, "source": source}.get(" ".join(sys.argv[1:]))
    if not made:
        raise SystemExit(__doc__)
    sys.stdout.write(made())
