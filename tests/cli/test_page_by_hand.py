# SPDX-License-Identifier: Apache-2.0
"""The page of report --html: links, keys, and the filter."""

from pages_drawn import RECORDS, document, make_page, tell


def test_a_link_opens_the_details_of_a_hang(tmp_path):
    page = make_page(tmp_path, RECORDS / "fail.jsonl")
    details = document(page, fragment="#hang=1").text("details")
    for part in ("can never go on", "Python stack", "/home/me/project/train.py", "The record"):
        assert part in details
    assert document(page).text("details") == ""
    assert document(page, fragment="#hang=99").text("details") == ""


def test_the_matrix_is_one_stop_of_tab_and_arrows_go_on(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        const table = document.querySelector("#matrix table");
        say("stops", table.querySelectorAll('[tabindex="0"]').length);
        table.querySelector('[tabindex="0"]').focus();
        key("ArrowRight"); key("ArrowDown");
        say("now", document.activeElement.id);
        say("stopsAfter", table.querySelectorAll('[tabindex="0"]').length);
        document.activeElement.click();
        say("panel", document.activeElement.id);
        key("Escape");
        say("back", document.activeElement.id);
        say("closed", document.getElementById("details").hidden);
        """,
    )
    assert (told["data-stops"], told["data-stops-after"]) == ("1", "1")
    assert told["data-now"] == told["data-back"] == "cell-1-0"
    assert told["data-panel"] == "details" and told["data-closed"] == "true"


def test_the_timeline_by_keyboard(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        document.querySelector('#timeline .item[tabindex="0"]').focus();
        const first = document.activeElement.id;
        key("ArrowDown"); key("ArrowDown");
        say("moved", document.activeElement.id !== first);
        key("ArrowUp"); key("ArrowUp");
        say("back", document.activeElement.id === first);
        key("+"); key("ArrowRight");
        say("zoomed", view.to - view.from < 0.7 && view.from > 0);
        key("0");
        say("fit", view.from === 0 && view.to === 1);
        key("Enter");
        say("open", !document.getElementById("details").hidden);
        """,
    )
    names = ("moved", "back", "zoomed", "fit", "open")
    assert {name: told[f"data-{name}"] for name in names} == dict.fromkeys(names, "true")


def test_the_filter_leaves_what_it_names(tmp_path):
    told = tell(
        make_page(tmp_path, RECORDS / "fail.jsonl"),
        """
        const filter = document.getElementById("filter");
        filter.value = "libgomp";
        filter.dispatchEvent(new Event("input"));
        say("columns", document.querySelector("#matrix thead").textContent);
        filter.value = "nothing has this name";
        filter.dispatchEvent(new Event("input"));
        say("none", document.getElementById("matrix").textContent);
        say("found", document.getElementById("found").textContent);
        """,
    )
    assert told["data-columns"].count("libgomp") == 1 and "polars" not in told["data-columns"]
    assert told["data-none"] == "No fork is to be shown."
    assert told["data-found"] == "0 of 11 processes"
