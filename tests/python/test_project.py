# SPDX-License-Identifier: Apache-2.0
"""[tool.forkpolicy] in pyproject.toml: found, read strictly, and beaten by environment and arguments."""

import json
import subprocess
import sys

import pytest

import support

VARIABLES = ("FORKPOLICY", "FORKPOLICY_FILE", "FORKPOLICY_OPTIONS", "FORKPOLICY_LOG")
SHOW = "import json, os; print(json.dumps({k: os.environ[k] for k in %r if k in os.environ}))" % (
    VARIABLES,
)


def forkpolicy(*arguments, cwd, env=None):
    return support.run([support.PROGRAM, *arguments], preload=False, cwd=cwd, env=env)


def settings(folder, *arguments, env=None):
    python = support.environment_python("wheels")
    done = forkpolicy("run", *arguments, "--", python, "-c", SHOW, cwd=folder, env=env)
    assert done.status == 0, done
    return json.loads(done.stdout)


@pytest.fixture
def project(tmp_path):
    def write(text):
        (tmp_path / "pyproject.toml").write_text(text)
        below = tmp_path / "a" / "b"
        below.mkdir(parents=True, exist_ok=True)
        return below

    return write


FULL = """\
[build-system]
requires = ["x"]  # [tool.forkpolicy]
[tool.other]
text = '''
[tool.forkpolicy]
policy = "refuse"
'''
more = \"\"\"a "quoted" \\\"\"\" [tool.forkpolicy]\"\"\"
table = { a = "]", b = [1, "}", 2.5] }
[ tool . "forkpolicy" ]  # ours
policy = [
    "fail",           # the rule
    'off:numpy',
    "off:a\\"b",
]
policy_file = "ci/forks.policy"
options = "hang_seconds=3"
log = '/tmp/x-%p.jsonl'
timeout = 600
keep_status = true
[tool.behind]
policy = 7
"""


def write_policy(folder):
    (folder / "ci").mkdir(exist_ok=True)
    (folder / "ci" / "forks.policy").write_text("policy warn\n")
    (folder / "ci" / "forks.policy").chmod(0o600)


def test_found_above_and_given_to_the_job(project, tmp_path):
    below = project(FULL)
    write_policy(tmp_path)
    assert settings(below) == {
        "FORKPOLICY": 'fail,off:numpy,off:a"b',
        "FORKPOLICY_FILE": f"{tmp_path}/ci/forks.policy",
        "FORKPOLICY_OPTIONS": "hang_seconds=3",
        "FORKPOLICY_LOG": "/tmp/x-%p.jsonl",
    }


def test_environment_and_arguments_win(project):
    below = project('[tool.forkpolicy]\npolicy = "fail"\noptions = "quiet=1"\n')
    assert settings(below, env={"FORKPOLICY": "refuse"})["FORKPOLICY"] == "refuse"
    found = settings(below, "--policy", "warn", env={"FORKPOLICY": "refuse"})
    assert (found["FORKPOLICY"], found["FORKPOLICY_OPTIONS"]) == ("warn", "quiet=1")


def test_the_nearest_one_with_the_table_counts(project, tmp_path):
    below = project('[tool.forkpolicy]\npolicy = "fail"\n')
    (below / "pyproject.toml").write_text('[project]\nname = "forkpolicy"\n')
    assert settings(below) == {"FORKPOLICY": "fail"}
    (below.parent / "pyproject.toml").write_text("[tool.forkpolicy]\n")
    assert settings(below) == {}


def test_time_limits_are_for_ci_alone(project):
    below = project("[tool.forkpolicy]\ntimeout = 0.5\n")
    assert forkpolicy("run", "--", "sleep", "1", cwd=below).status == 0
    done = forkpolicy("run", "--ci", "--", "sleep", "60", cwd=below)
    assert done.status == 70, done


BAD = {
    '[tool.forkpolicy]\npolicy = "fail"\npolicy = "warn"\n': '3:1: "policy" stands here twice',
    "[tool.forkpolicy]\npolicy = true\n": '2:1: "policy" is to be a string or an array of strings',
    '[tool.forkpolicy]\npolicy_file = ["x"]\n': '2:1: "policy_file" is to be a string',
    '[tool.forkpolicy]\ntimeout = "5"\n': '2:1: "timeout" is to be a number',
    "[tool.forkpolicy]\nkeep_status = 1\n": '2:1: "keep_status" is to be true or false',
    '[tool.forkpolicy]\n  polcy = "x"\n': '2:3: unknown key "polcy" (known: policy, policy_file, ',
    "[tool.forkpolicy]\npolicy = fail\n": "2:10: want a string, an array of strings, a number, ",
    '[tool.forkpolicy]\npolicy = "fail\n': "2:10: a string without an end",
    '[tool.forkpolicy]\npolicy = """fail"""\n': "2:10: want a string in one line here",
    '[tool.forkpolicy]\npolicy = "\\u0041"\n': "2:11: this escape is not understood here",
    '[tool.forkpolicy]\npolicy = "a" "b"\n': "2:14: want the end of the line here",
    '[tool.forkpolicy]\npolicy = ["a" "b"]\n': "2:15: want ',' or ']' here",
    '[tool.forkpolicy]\npolicy = ["a", 7]\n': "2:16: want a string or ']' here",
    "[tool.forkpolicy]\npolicy\n": "2:7: want '=' here",
    "[tool.forkpolicy]\npolicy.x = 1\n": "2:1: want a table of its own, and plain keys in it",
    '[tool]\nforkpolicy = { policy = "x" }\n': "2:1: want a table of its own, and plain keys in it",
    '[tool]\nforkpolicy.policy = "x"\n': "2:1: want a table of its own, and plain keys in it",
    "[[tool.forkpolicy]]\n": "1:3: want one table of plain keys here",
    "[tool.forkpolicy.ci]\n": "1:2: want one table of plain keys here",
    "[tool.forkpolicy]\n[tool.forkpolicy]\n": "2:2: the second table of this name",
    "[tool.forkpolicy\n": "1:17: want ']' here",
    'a = """forkpolicy\n': "1:5: a string without an end",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_one_line_with_its_place(text, project, tmp_path):
    below = project(text)
    for verb in (["run", "--", "true"], ["check", "--project"]):
        done = forkpolicy(*verb, cwd=below)
        assert done.status == 2 and done.stdout == "", done
        assert done.stderr.startswith(f"forkpolicy: {tmp_path}/pyproject.toml:{BAD[text]}"), done
        assert done.stderr.count("\n") == 1


def test_a_bad_policy_is_told_with_its_key(project, tmp_path):
    below = project('[tool.forkpolicy]\npolicy = ["warn", "abort:x"]\n')
    done = forkpolicy("run", "--", "true", cwd=below)
    told = f'forkpolicy: {tmp_path}/pyproject.toml: policy column 6: unknown action "abort"'
    assert done.status == 2 and done.stderr.startswith(told), done


def test_check_says_what_was_found_where(project, tmp_path):
    below = project(FULL)
    write_policy(tmp_path)
    done = forkpolicy("check", sys.executable, cwd=below)
    assert f"\nproject    {tmp_path}/pyproject.toml\n" in done.stdout, done
    assert "           policy = fail,off:numpy" in done.stdout
    found = json.loads(forkpolicy("check", "--project", cwd=below).stdout)
    assert found["file"] == f"{tmp_path}/pyproject.toml" and found["timeout"] == "600"
    assert found["policy"] == 'fail,off:numpy,off:a"b' and found["keep_status"] == "true"
    assert forkpolicy("check", "--policy", "off:a@b.py", cwd=below).status == 0
    assert forkpolicy("check", "--policy", "off:a@", cwd=below).status == 2


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no tomllib")
def test_it_reads_what_tomllib_reads(project):
    import tomllib

    own = tomllib.loads(FULL)["tool"]["forkpolicy"]
    found = json.loads(forkpolicy("check", "--project", cwd=project(FULL)).stdout)
    assert found["policy"] == ",".join(own["policy"])
    assert set(found) - {"file"} == set(own)


def test_no_project_is_as_before(tmp_path):
    assert settings(tmp_path) == {}
    done = subprocess.run(
        [str(support.PROGRAM), "check", "--project"], cwd=tmp_path, stdout=subprocess.PIPE, timeout=60
    )
    assert json.loads(done.stdout) == {"file": ""}
