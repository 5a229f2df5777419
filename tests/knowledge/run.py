# SPDX-License-Identifier: Apache-2.0
"""run.py [--only NAME,...] [--newest] [--runs N] [--tidy]: runs recipes bare and under each policy.

Each result replaces the one of the same recipe and version in results.jsonl (with --newest only where pip serves that
version still; others go to build/knowledge/newest.jsonl), and what moved is told; so is what each group took: time,
processor time, disk. What needs something that this machine lacks is not run, which is said. The status is 1 where a
recipe could not be run.
"""

import argparse
import datetime
import json
import platform
import re
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environments
import results
from recipes import HERE, recipes

sys.path.insert(0, str(HERE.parent))
import support  # noqa: E402: found by the path just set

ACTIONS = environments.ROOT / "policy" / "actions.def"
# The same pools on every machine, and no network.
POOLS = {
    "OPENBLAS_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "RAYON_NUM_THREADS": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "no_proxy": "*",
}
JOB_SECONDS = 300  # for all but the children, which have limits of their own
OPTIONS = "hang_seconds=0.5"


def policies():
    """bare, and each action that changes what becomes of the children of os.fork()."""
    names = re.findall(r'^FP_ACTION\(\w+, "(\w+)"', ACTIONS.read_text(), re.MULTILINE)
    return ["bare"] + [name for name in names if name not in ("off", "refuse", "spawn", "forkserver")]


def run_job(recipe, python, policy, runs):
    """(children, records of the shim, what was said on stderr, what became of the parent)"""
    with tempfile.TemporaryDirectory(prefix="knowledge-", ignore_cleanup_errors=True) as folder:
        outcome = support.run(
            [python, HERE / "job.py", recipe.path, str(runs), policy],
            policy=None if policy == "bare" else policy,
            log=Path(folder, "log"),
            preload=policy != "bare",
            env={**POOLS, "TMPDIR": folder, "HOME": folder, "FORKPOLICY_OPTIONS": OPTIONS, **recipe.environment},
            timeout=JOB_SECONDS + runs * (recipe.text.get("limit", 12) + 10),
            isolated=True,
            cwd=folder,
        )
    children = [json.loads(line[1:]) for line in outcome.stdout.splitlines() if line.startswith("@")]
    parent = {0: "works", None: "hangs"}.get(outcome.status, f"ends with status {outcome.status}")
    return children, outcome.records, outcome.stderr, parent


def run_recipe(recipe, python, runs, raw):
    installed = environments.versions(python)
    result = {
        **results.described(recipe),
        "date": datetime.date.today().isoformat(),
        "head": results.head(),
        "python": platform.python_version(),
        "versions": {name: installed[environments.normal(name)].partition("+")[0] for name in recipe.named_versions()},
        "environment": recipe.environment,
        "runs": runs,
    }
    for policy in policies():
        children, records, said, parent = run_job(recipe, python, policy, runs)
        results.add(result, policy, children, records, said, parent)
        raw.write(json.dumps([recipe.name, result["versions"], policy, children, records, said[-3000:], parent]) + "\n")
        raw.flush()
    return result


def run_ready(python, chosen, given):
    """Runs recipes whose environment is there, some at a time; those that were not seen to their end."""
    failed = []
    folder = environments.BUILD / "knowledge"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "raw.jsonl", "a") as raw, ThreadPoolExecutor(given.jobs) as pool:
        for recipe, result in zip(chosen, pool.map(lambda each: run_recipe(each, python, given.runs, raw), chosen)):
            print(results.line(recipe, result), flush=True)
            if not results.complete(result):
                failed.append(recipe)
                continue
            print(results.moved(result), end="", flush=True)
            if not given.newest or result["versions"] == recipe.named_versions():
                results.store(result)
            else:
                with open(folder / "newest.jsonl", "a") as newest:
                    newest.write(json.dumps({**result, "packages": recipe.packages}) + "\n")
    return failed


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_group(group, chosen, given):
    """Makes the environment of a group and runs these recipes of it; those that could not be run."""
    began, used = time.monotonic(), processor_seconds()
    python = environments.make(group, environments.wanted(group, recipes(), given.newest), given.newest)
    made = time.monotonic()
    failed = run_ready(python, chosen, given) if python else chosen
    seconds = f"{made - began:.0f} s to make it, {time.monotonic() - made:.0f} s to run"
    size = environments.size(group, given.newest) / 1e9
    print(f"{group}: {len(chosen)} recipes, {seconds}, {processor_seconds() - used:.0f} s of processor time, {size:.1f} GB")
    if given.tidy:
        environments.remove(group, given.newest)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--newest", action="store_true")
    parser.add_argument("--runs", type=int, default=3, help="0: only what recipes say of themselves is brought up to date")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--tidy", action="store_true", help="remove each environment once its recipes were run")
    given = parser.parse_args()
    chosen = [each for each in recipes(given.only) if not (given.newest and each.old)]
    if not given.runs:
        return results.describe_anew(recipes())
    failed = []
    for recipe in [each for each in chosen if each.lacks]:
        print(f"{recipe}: not run here: needs {recipe.lacks}")
    chosen = [each for each in chosen if not each.lacks]
    for group in sorted({each.group for each in chosen}):
        failed += run_group(group, [each for each in chosen if each.group == group], given)
    for recipe in failed:
        print(f"not run: {recipe}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
