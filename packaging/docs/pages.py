# SPDX-License-Identifier: Apache-2.0
"""Pages that are made of other files: the home page of README.md, the interfaces of headers and docstrings."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """# Python

::: forkpolicy
    options: {members: [allow, ForkPolicyError]}

::: forkpolicy.loader
"""


def header(name, about):
    text = (ROOT / "include" / name).read_text()
    return f"## {name}\n\n{about}\n\n```c\n{text}```\n"


def c_page():
    return "# C\n\n" + "\n".join(
        [
            header("forkpolicy.h", "For libraries that keep threads: what `libforkpolicy.so` runs around a fork."),
            header("forkloader.h", "The C library under `forkpolicy.loader`: permutations, tables, expressions."),
        ]
    )


def home():
    return re.sub(r"\]\(docs/", "](", (ROOT / "README.md").read_text())


def on_files(files, config):
    for name, make in {"index.md": home, "python.md": lambda: PYTHON, "c.md": c_page}.items():
        files.append(File.generated(config, name, content=make()))
    return files
