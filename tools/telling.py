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
    spared = {each["name"] for each in run["runtimes"] if each["class"] == "survives"}  # there with threads that do not count
    there = [name for name in there if not (entries[name].all("spare") and name in spared)]
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


COUNTED = """A line at the fork says that the child hangs when it uses the runtime, or what the line names of it. It is false where the
child did use that and works, or gets an error. Where the line names objects of the parent, and the child makes its own
instead, nothing is said of that child: such a way is counted by itself, and only if the way beside it, with the objects of
the parent, hangs. What a line only calls possible ("may") excuses nothing.
"""


CLASSES = """The class is that of what the way uses, the worst first; "no threads": nothing was lost that has a class other than
`survives`; "not in the table": only threads of no entry.
"""


def rates(counts):
    """Precision and recall, in sentences, and the recall of each class in a table."""
    bad = {key: share(by_told) for key, by_told in counts.items() if key[0] in results.BAD}
    ways, at_fork, anyhow = summed(bad.values())
    _, _, spoken = summed(map(share, counts.values()))
    apart = len(apart_and_false(counts)[0])
    false = spoken - anyhow - apart
    said = (
        f"Recall: of {ways} ways to use a runtime that hang, crash or answer wrongly, {at_fork} are told at the fork and "
        f"{anyhow} there or when the child hangs or crashes. Precision: of {spoken} that something is said of, {anyhow} "
        f"hang, crash or answer wrongly, {apart} let alone what the line names, and {false} {'is' if false == 1 else 'are'} told of "
        "falsely.\n"
    )
    head = ("class of what hangs, crashes or answers wrongly", "ways", "told at the fork", "there or afterwards")
    rows = []
    for name in sorted({name for _, name in bad}):
        columns = summed(row for (_, other), row in bad.items() if other == name)
        rows.append(f"| {name} | {' | '.join(map(str, columns))} |")
    return [said, COUNTED, *table(head, rows), ""]


def unused(runs):
    """What is said of children that use nothing and leave by sys.exit(), in sentences."""
    there = [run for run in runs if results.told_unused(run)]
    if not there:
        return ""
    bad = [run for run in there if results.worst(run["warn"]["unused"]) in results.BAD]
    fine = [run for run in there if run not in bad]
    (_, at_fork, anyhow), (all_fine, needless, spoken) = (share(by_told_unused(each)) for each in (bad, fine))
    return (
        f"\nA child that uses nothing and leaves by `sys.exit()` was forked beside {len(there)} of these ways, too. In {len(bad)} "
        f"it hangs or crashes on its way out (told at the fork: {at_fork}, there or when it does: {anyhow}). In the other "
        f"{all_fine} it works, and {needless} of these forks are told all the same, since a fork does not say what the child "
        "will use: such a child does not need the line, which `off:NAME` silences. Told of a hang or crash, though it works: "
        f"{spoken - needless}."
    )


def by_told_unused(runs):
    by_told = {}
    for run in runs:
        by_told.setdefault(results.told_unused(run), []).append(run)
    return by_told


FINE = ("raises", "slow", "works")


def wrongly(counts):
    """(runs that are told of at the fork and do well, runs that do not and are never told of)"""
    ways = sorted(counts.items())
    told = [run for (what, _), by_told in ways if what in FINE for run in by_told.get("at the fork", [])]
    untold = [run for (what, _), by_told in ways if what in results.BAD for run in by_told.get("silent", [])]
    return told, untold


def apart_and_false(counts):
    """Of the runs that do well and are told of at the fork: those that leave alone what the line names, the others."""
    told, _ = wrongly(counts)
    apart = [run for run in told if run.get("leaves")]
    return apart, [run for run in told if run not in apart]


def listed(title, runs):
    names = [f"- {run['recipe']} {version(run)}: {run['about']} ({run['why']})" for run in runs]
    return listed_as(title, names)


def listed_as(title, names):
    names = list(names)
    return [f"\n{title}:\n", *names] if names else []


def default_policy(runs, entries):
    counts = confusion(runs, entries)
    lines = ["\n## What the default policy says\n", *rates(counts), CLASSES, *confusion_table(counts), unused(runs)]
    _, untold = wrongly(counts)
    apart, false = apart_and_false(counts)
    lines += listed("Told at the fork of what this child lets alone", apart)
    lines += listed("Told at the fork, though the child uses it and works or gets an error (false)", false)
    return lines + listed("Never told, though the child hangs, crashes or answers wrongly", untold)
