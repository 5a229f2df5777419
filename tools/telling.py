# SPDX-License-Identifier: Apache-2.0
"""What the default policy says of runtimes, held against the recorded runs: recall, precision, the confusion table."""

import results
from results import version


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *rows]


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
    """{(what the bare child did, class of what it used): {how the default policy told of it: runs}}"""
    counts = {}
    for each in runs:
        key = (results.outcome(each["bare"]), worst(each, entries))
        counts.setdefault(key, {}).setdefault(results.told(each), []).append(each)
    return counts


TOLD = {"at the fork": ["at the fork"], "afterwards": ["when it hangs", "when it crashes"], "silent": ["silent"]}


def numbers(by_told):
    """How many were told at the fork, when the child hung or crashed, and never."""
    return [sum(len(by_told.get(when, [])) for when in whens) for whens in TOLD.values()]


def confusion_table(counts):
    head = ("the bare child", "class", "told at the fork", "told when it hangs or crashes", "silent")
    rows = []
    for outcome in ("hangs", "crashes", "wrong", "raises", "slow", "works"):
        for (what, name), by_told in sorted(counts.items()):
            if what == outcome:
                rows.append(f"| {outcome} | {name} | {' | '.join(map(str, numbers(by_told)))} |")
    return table(head, rows)


def share(by_told):
    """[ways, told at the fork, told there or afterwards] of {told: runs}."""
    at_fork, afterwards, silent = numbers(by_told)
    return [at_fork + afterwards + silent, at_fork, at_fork + afterwards]


def summed(rows):
    return [sum(column) for column in zip(*rows)] or [0, 0, 0]


def rates(counts):
    """Precision and recall, in sentences, and the recall of each class in a table."""
    bad = {key: share(by_told) for key, by_told in counts.items() if key[0] in results.BAD}
    ways, at_fork, anyhow = summed(bad.values())
    _, _, spoken = summed(map(share, counts.values()))
    said = (
        f"Recall: of {ways} ways to use a runtime that hang, crash or answer wrongly, {at_fork} are told at the fork and "
        f"{anyhow} there or when the child hangs or crashes. Precision: of {spoken} that something is said of, {anyhow} "
        "hang, crash or answer wrongly.\n"
    )
    head = ("class of what hangs, crashes or answers wrongly", "ways", "told at the fork", "there or afterwards")
    rows = []
    for name in sorted({name for _, name in bad}):
        columns = summed(row for (_, other), row in bad.items() if other == name)
        rows.append(f"| {name} | {' | '.join(map(str, columns))} |")
    return [said, *table(head, rows), ""]


FINE = ("raises", "slow", "works")


def wrongly(counts):
    """(runs that are told of at the fork and do well, runs that do not and are never told of)"""
    ways = sorted(counts.items())
    told = [run for (what, _), by_told in ways if what in FINE for run in by_told.get("at the fork", [])]
    untold = [run for (what, _), by_told in ways if what in results.BAD for run in by_told.get("silent", [])]
    return told, untold


def listed(title, runs):
    names = [f"- {run['recipe']} {version(run)}: {run['about']} ({run['why']})" for run in runs]
    return [f"\n{title}:\n", *names] if names else []


def default_policy(runs, entries):
    counts = confusion(runs, entries)
    lines = ["\n## What the default policy says\n", *rates(counts), *confusion_table(counts)]
    told, untold = wrongly(counts)
    lines += listed("Told at the fork, though the child works or gets an error", told)
    return lines + listed("Never told, though the child hangs, crashes or answers wrongly", untold)
