"""The GitHub Action, the GitLab template and the pre-commit hook: their steps, run by bash.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

import action
import support

JOB = """\
import os
from concurrent.futures import ThreadPoolExecutor

executor = ThreadPoolExecutor(1)
executor.submit(int).result()
child = os.fork()
if child == 0:
    executor.submit(int).result()
    os._exit(0)
os.waitpid(child, 0)
"""
FORK_LINE = 1 + JOB.splitlines().index("child = os.fork()")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


def bash(script, folder, **variables):
    paths = f"{support.BUILD}:{os.environ['PATH']}"
    env = support.environment(preload=False, extra={"PATH": paths, **variables})
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        timeout=120,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )


def run_step(name, folder, inputs):
    script, variables = action.step(name, inputs)
    variables.update(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(folder / "summary.md"))
    return bash(script, folder, RUNNER_TEMP=str(folder / "temp"), **variables)


def test_the_action_annotates_the_fork_that_hangs(folder):
    ran = run_step("Run", folder, {"command": f"{sys.executable} job.py"})
    assert ran.returncode == 70, ran.stdout
    told = run_step("Report", folder, {})
    assert told.returncode == 0, told.stdout
    lines = (ran.stdout + told.stdout).splitlines()  # once, whichever step says so
    (annotation,) = [line for line in lines if line.startswith("::error ")]
    assert f"file={folder}/job.py,line={FORK_LINE}," in annotation
    assert "ThreadPoolExecutor" in (folder / "summary.md").read_text()
    assert (folder / "temp/forkpolicy/forks.html").read_text().startswith("<!doctype html>")


def test_the_action_keeps_a_command_s_status(folder):
    ran = run_step("Run", folder, {"command": "false | true\necho not reached"})
    assert (ran.returncode, ran.stdout) == (1, "")
    told = run_step("Report", folder, {})
    assert told.returncode == 0 and "::error" not in told.stdout, told.stdout


def test_the_action_s_policy_counts(folder):
    ran = run_step("Run", folder, {"command": f"{sys.executable} job.py", "policy": "fail"})
    assert ran.returncode == 70 and "ForkPolicyError" in ran.stdout, ran.stdout


SERVICES = {
    "GITHUB_ACTIONS": (None, f"job.py,line={FORK_LINE},"),
    "GITLAB_CI": ("gl-code-quality-report.json", f'"begin":{FORK_LINE}'),
    "JENKINS_URL": ("junit.xml", f"job.py:{FORK_LINE}"),
    "BUILDKITE": ("junit.xml", f"job.py:{FORK_LINE}"),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("value", ["true", "false"])
def test_run_knows_the_service_that_runs_it(service, value, folder):
    file, words = SERVICES[service]
    value = "https://jenkins.example/" if (service, value) == ("JENKINS_URL", "true") else value
    others = {name: "" for name in [*SERVICES, "GITHUB_STEP_SUMMARY"]}
    command = f"forkpolicy run --ci --ci-report out -- {sys.executable} job.py"
    ran = bash(command, folder, **{**others, service: value})
    assert ran.returncode == 70, ran.stdout
    before = ran.stdout.partition("forkpolicy: job ended: ")[0]
    assert before == ("+++ forkpolicy\n" if (service, value) == ("BUILDKITE", "true") else "")
    if value == "false":
        assert "::error" not in ran.stdout and not (file and (folder / "out" / file).exists())
        return
    text = (folder / "out" / file).read_text() if file else ran.stdout
    assert words in text.replace('": ', '":'), text


def test_a_job_that_passes_gets_no_line_of_any_service(folder):
    for service in SERVICES:
        ran = bash("forkpolicy run --ci --ci-report out -- true", folder, **{service: "true"})
        assert (ran.returncode, ran.stdout) == (0, "")


def test_the_gitlab_template(folder):
    job = yaml.safe_load((support.ROOT / "packaging/gitlab/forkpolicy.yml").read_text())[".forkpolicy"]
    variables = {**job["variables"], "COMMAND": f"{sys.executable} job.py", "CI_PROJECT_DIR": str(folder)}
    ran = bash("\n".join(job["script"]), folder, **variables)
    assert ran.returncode == 70, ran.stdout
    assert bash("\n".join(job["after_script"]), folder, **variables).returncode == 0
    (issue,) = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text())
    assert issue["location"]["lines"]["begin"] == FORK_LINE
    assert all((folder / path).exists() for path in job["artifacts"]["paths"])


def test_the_hook_for_policy_files(tmp_path):
    (hook,) = yaml.safe_load((support.ROOT / ".pre-commit-hooks.yaml").read_text())
    (tmp_path / "good.policy").write_text("policy refuse:polars\n")
    (tmp_path / "bad.policy").write_text("policy flail:polars\n")
    entry = str(support.ROOT / hook["entry"])
    assert bash(f"{entry} good.policy", tmp_path).returncode == 0
    said = bash(f"{entry} good.policy bad.policy", tmp_path)
    assert said.returncode == 1 and "bad.policy:1:8: " in said.stdout, said.stdout
    assert re.search(hook["files"], "some/where/own.policy")
