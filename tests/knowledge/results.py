# SPDX-License-Identifier: Apache-2.0
"""What was seen, one line for each recipe and version in results.jsonl: read, compared and written."""

import fcntl
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

FILE = Path(__file__).resolve().parent / "results.jsonl"
ROOT = FILE.parent.parent.parent
SHIM = ("shim", "policy", "common", "python/forkpolicy/resets", "python/forkpolicy/start")  # what runs depend on
BAD = ("hangs", "crashes", "wrong")  # nothing in the program says what went wrong
SHOWN = ("name", "package", "version", "kind", "class", "threads", "names")


def key(result):
    return (result["recipe"], *result["versions"].items(), *result["environment"].items())


def git(*arguments):
    """What git says of this tree; nothing where there is none."""
    try:
        command = ["git", "--no-optional-locks", "-C", ROOT, *arguments]
        asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return asked.stdout.strip() if (ROOT / ".git").exists() and asked.returncode == 0 else ""


def head():
    """The commit that last changed the shim, with "+" where files of it differ from that; nothing without git."""
    commit = git("log", "-1", "--format=%h", "--abbrev=12", "--", *SHIM)
    return commit + ("+" if git("status", "--porcelain", "--", *SHIM) else "")


def load():
    return [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []


def described(recipe):
    """What a recipe says of itself, for whoever reads results without the recipes."""
    return {
        "recipe": recipe.name,
        "covers": recipe.covers,
        "about": recipe.about,
        "why": recipe.why,
        "leaves": recipe.leaves,
        "rank": recipe.rank,
    }


def write(kept):
    lines = [json.dumps(kept[each], ensure_ascii=False) + "\n" for each in sorted(kept, key=str)]
    FILE.write_text("".join(lines))


def describe_anew(recipes):
    """Brings the descriptions up to date; results of recipes that are no more are left out."""
    there = {(each.name, *each.named_versions().items()): described(each) for each in recipes}
    runs = [(run, there.get((run["recipe"], *run["versions"].items()))) for run in load()]
    write({key(run): {**run, **known} for run, known in runs if known})
    return 0


def store(result):
    """Replaces the result of the same recipe and versions; what moved last is kept with it."""
    with open(FILE, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # beside another run
        kept = {key(each): each for each in load()}
        old = before(result)
        lines = differences(old, result) if old else []
        if lines:
            result["moved"] = {"since": old["date"], "version": list(old["versions"].values())[:1], "lines": lines}
        elif old and "moved" in old:
            result["moved"] = old["moved"]
        kept[key(result)] = result
        write(kept)


def told_at(said):
    """The places of the forks that the shim told of; job.py forks a child that uses nothing in by_exit()."""
    places = re.findall(r"^forkpolicy: fork\(\) allowed .*\nforkpolicy:   at (.*)", said, re.MULTILINE)
    return ["unused" if re.search(r"/job\.py:\d+ in by_exit\b", place) else "used" for place in places]


def speech(records, pids, own):
    """What is said of children when they hang or crash: of these alone (OWN), or of all but these."""
    hangs = Counter(r["verdict"] for r in records if r["event"] == "hang" and (r["pid"] in pids) == own)
    crashes = sum(r["event"] == "crash" and (r["child"] in pids) == own for r in records)
    return {"hangs_told": dict(hangs), "crashes_told": crashes}


def add(result, policy, children, records, said, parent):
    """Sums up one job, which is one policy."""
    used = [child for child in children if not child["exit"]]
    left = [child for child in children if child["exit"]]
    seen = {"children": dict(Counter(child["outcome"] for child in used)), "parent": parent}
    details = Counter(child["detail"] for child in used if child.get("detail"))
    if details:
        seen["detail"] = details.most_common(1)[0][0]
    if parent != "works" and said:
        seen["said"] = said.strip().splitlines()[-1][:200]
    if used:
        seen["seconds"] = sorted(child["seconds"] for child in used)[len(used) // 2]
    if left:
        seen["unused"] = dict(Counter(child["outcome"] for child in left))
    forks = [record for record in records if record["event"] == "fork" and record["origin"] == "python"]
    if policy != "bare":
        pids = {child["pid"] for child in left}
        seen.update(told="used" in told_at(said), **speech(records, pids, False))
        if left:
            seen["unused_told"] = {"told": "unused" in told_at(said), **speech(records, pids, True)}
    if policy == "warn":
        runtimes = {r["name"] or r["dso"] or r["names"]: r for fork in forks for r in fork["runtimes"]}
        result["threads"] = max((fork["threads"] for fork in forks), default=1)
        result["runtimes"] = [{name: each.get(name) for name in SHOWN} for each in runtimes.values()]
        for each, record in zip(result["runtimes"], runtimes.values()):
            each["file"] = Path(record["dso"] or "").name
    result[policy] = seen


def complete(result):
    """Whether each child of the bare job and of each policy was seen to its end."""
    return all(
        sum(seen["children"].values()) == result["runs"]
        for seen in result.values()
        if isinstance(seen, dict) and "children" in seen
    )


def worst(children):
    for what in ("hangs", "crashes", "wrong", "raises", "ends", "slow"):
        if children.get(what):
            return what
    return "works" if children else "not seen"


def outcome(seen):
    """The worst that happened to a child, in a word."""
    return worst(seen["children"])


def counted(seen):
    return ", ".join(f"{count} {what}" for what, count in seen["children"].items()) or seen.get("said", "nothing")


def line(recipe, result):
    seen = {policy: each for policy, each in result.items() if isinstance(each, dict) and "children" in each}
    owners = ", ".join(f"{r['name'] or r['package'] or r['file'] or '?'}:{r['threads']}" for r in result["runtimes"])
    told = "told" if result["warn"]["told"] else "silent"
    return f"{recipe}: " + "; ".join(f"{p} {counted(each)}" for p, each in seen.items()) + f"; {told}; {owners}"


def version(run):
    """The version of the package that the recipe is about; Python's where it is about Python."""
    return next(iter(run["versions"].values()), None) or run["python"]


def spoken(said):
    if said["told"]:
        return "at the fork"
    if said["hangs_told"]:
        return "when it hangs"
    return "when it crashes" if said.get("crashes_told") else "silent"


def told(run):
    """How the default `warn` spoke of it: at the fork, when the child hung or crashed, or not at all."""
    return spoken(run["warn"])


def told_unused(run):
    """The same of a child that used nothing; None where there was none."""
    return spoken(run["warn"]["unused_told"]) if "unused_told" in run["warn"] else None


def before(result):
    """The recorded run of the same recipe: at the same versions, or else at the pinned ones."""
    same = [r for r in load() if r["recipe"] == result["recipe"] and r["environment"] == result["environment"]]
    return next((r for r in same if r["versions"] == result["versions"]), same[-1] if same else None)


def differences(old, new):
    """What two runs of a recipe do not have in common, a line each; being slow may be the machine's."""
    lines = []
    for policy in [name for name, seen in old.items() if isinstance(seen, dict) and "children" in seen and name in new]:
        worst = [outcome(run[policy]).replace("slow", "works") for run in (old, new)]
        if worst[0] != worst[1]:
            lines.append(f"{policy}: {counted(old[policy])} -> {counted(new[policy])}")
    if told(old) != told(new):
        lines.append(f"warn tells: {told(old)} -> {told(new)}")
    names = [sorted({r["name"] or r["file"] for r in run["runtimes"]}) for run in (old, new)]
    if names[0] != names[1]:
        lines.append(f"threads of: {', '.join(names[0])} -> {', '.join(names[1])}")
    return lines


def moved(result):
    """What differs from the recorded run, in lines that name the recipe."""
    old = before(result)
    if not old:
        return f"{result['recipe']}: never run before\n"
    lines = differences(old, result)
    if lines or old["versions"] != result["versions"]:
        lines.insert(0, f"{old['versions']} -> {result['versions']}")
    return "".join(f"{result['recipe']}: {line}\n" for line in lines)
