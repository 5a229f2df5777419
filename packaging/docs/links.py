# SPDX-License-Identifier: Apache-2.0
"""What a page has for GitHub and for tests: links to files beside docs/, which must exist and of which the words stay,
and what a block of text says to the test that runs it."""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError

DOCS = Path(__file__).resolve().parents[2] / "docs"
LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./|[a-z]+/)[^)#:]+)(#[^)]*)?\)")
FENCE = re.compile(r"^(```[a-z]+)((?: [a-z]+=\"[^\"]*\")+)$", re.MULTILINE)
TITLE = re.compile(r' title="[^"]*"')


def on_page_markdown(markdown, page, **_):
    def words(found):
        where = DOCS.parent if page.file.src_path == "index.md" else DOCS
        if not (where / found[2]).exists():
            raise PluginError(f"{page.file.src_path}: {found[2]} is not there")
        return found[1]

    def fence(found):
        return found[1] + "".join(TITLE.findall(found[2]))

    return FENCE.sub(fence, LINK.sub(words, markdown))
