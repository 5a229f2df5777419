"""docs/start.md: its job ends as it says, with the words that it shows.

SPDX-License-Identifier: Apache-2.0
"""

import re

import support

PAGE = (support.ROOT / "docs" / "start.md").read_text()
JOB = re.search(r"```python title=\"job.py\"\n(.*?)```", PAGE, re.S)[1]
SHOWN = re.search(r"```console\n\$ env/bin/(.*?)\n(.*?)```", PAGE, re.S)


def plain(text, folder):
    """Without what differs between machines."""
    text = text.replace(f"{folder}/", "/home/me/")
    text = re.sub(r"pid \d+", "pid N", text)
    text = re.sub(r"\(python[\d.]* job.py\)", "(python job.py)", text)
    text = re.sub(r"thread \(python[\d.]*\)", "thread (python)", text)
    text = re.sub(r"\d+\.\d+\.\d+", "X.Y.Z", text)
    text = re.sub(r"(_base\.py):\d+", r"\1:LINE", text)
    return re.sub(r"\d+\.\d s ago", "SECONDS ago", text)


def test_job_of_the_page(tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    assert SHOWN[1] == "forkpolicy run --policy fail -- env/bin/python job.py"
    job = [support.environment_python("wheels"), "job.py"]
    outcome = support.run(
        [support.PROGRAM, "run", "--policy", "fail", "--", *job], preload=False, cwd=tmp_path
    )
    said = iter(plain(outcome.stderr, tmp_path).splitlines())
    for line in plain(SHOWN[2], "/home/me").splitlines():
        assert line == "..." or line in said, f"{line}\n{outcome}"
