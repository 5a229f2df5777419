# SPDX-License-Identifier: Apache-2.0
"""Links of pages to files beside docs/, which the site has not: they must exist, and their words stay."""

import re
from pathlib import Path

from mkdocs.exceptions import PluginError

DOCS = Path(__file__).resolve().parents[2] / "docs"
LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]+)(#[^)]*)?\)")


def on_page_markdown(markdown, page, **_):
    def words(found):
        if not (DOCS / found[2]).exists():
            raise PluginError(f"{page.file.src_path}: {found[2]} is not there")
        return found[1]

    return LINK.sub(words, markdown)
