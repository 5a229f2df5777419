"""docs/start.md: its job ends as it says, with the words that it shows.

SPDX-License-Identifier: Apache-2.0
"""

import pages
import support

PAGE = (support.ROOT / "docs" / "start.md").read_text()


def test_job_of_the_page(tmp_path):
    (tmp_path / "job.py").write_text(pages.job(PAGE, "job.py"))
    job = [support.environment_python("wheels"), "job.py"]
    outcome = support.run(
        [support.PROGRAM, "run", "--policy", "fail", "--", *job], preload=False, cwd=tmp_path
    )
    shown = pages.shown(PAGE, "env/bin/forkpolicy run --policy fail -- env/bin/python job.py")
    pages.check_shown(shown, outcome.stderr, tmp_path)
