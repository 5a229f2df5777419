"""Draws tools/rooms.txt: draw_rooms.py prints docs/rooms.svg; each room stands above those that it uses.

SPDX-License-Identifier: Apache-2.0
"""

import check_rooms

WIDTH, HEIGHT, GAP, ROW = 148, 30, 16, 62
STYLE = (
    "text{font:13px sans-serif;fill:#222;text-anchor:middle}"
    "rect{fill:#eef3fa;stroke:#6b86a8;rx:5}path{stroke:#9aa9bb;fill:none}"
)


def levels_of(direct):
    """room -> how many rooms lie below it on the longest way down."""
    levels = {}
    for room, below in direct.items():  # a room stands behind all that it uses
        levels[room] = 1 + max((levels[each] for each in below), default=-1)
    return levels


def places_of(levels):
    """room -> the middle of its box; rows are centred."""
    rows = {}
    for room, level in levels.items():
        rows.setdefault(level, []).append(room)
    most = max(map(len, rows.values()))
    top = max(rows)
    places = {}
    for level, row in rows.items():
        left = (most - len(row)) * (WIDTH + GAP) / 2
        for nth, room in enumerate(row):
            places[room] = (left + GAP + nth * (WIDTH + GAP) + WIDTH / 2, (top - level) * ROW + ROW / 2)
    return places, GAP + most * (WIDTH + GAP), (top + 1) * ROW


def draw(direct):
    places, width, height = places_of(levels_of(direct))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="The rooms and what each uses">',
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>',
    ]
    for room, below in direct.items():
        x, y = places[room]
        for other in below:
            to_x, to_y = places[other]
            lines.append(f'<path d="M{x:g} {y + HEIGHT / 2:g} L{to_x:g} {to_y - HEIGHT / 2:g}"/>')
    for room, (x, y) in places.items():
        lines.append(f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}"/>')
        lines.append(f'<text x="{x:g}" y="{y + 5:g}">{room}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    print(draw(check_rooms.read_rooms("tools/rooms.txt")[0]), end="")
