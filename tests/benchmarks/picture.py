"""The comparison as a picture: calls of a first and of a recurring sync, for a university of the worked example's size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pygal
from pygal.style import Style

from tests.benchmarks.comparison import REGISTRY_RATE, UNIVERSITY

_STYLE = Style(
    background="white",
    plot_background="white",
    foreground="#222222",
    foreground_strong="#000000",
    foreground_subtle="#666666",
    colors=("#1f5fa8", "#d9822b"),
    font_family="sans-serif",
    title_font_size=18,
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=13,
    value_font_size=12,
)


def draw(comparison: dict[str, Any], file: Path) -> None:
    """Write the picture as SVG. Bars are on a logarithmic scale: from end to end it is a factor of thousands."""
    works = comparison["works"]
    chart = pygal.HorizontalBar(
        style=_STYLE,
        js=(),
        width=900,
        height=460,
        logarithmic=True,
        print_values=True,
        disable_xml_declaration=True,
        legend_at_bottom=True,
        value_formatter=lambda minutes: f"{minutes:,.2g} min" if minutes < 10 else f"{minutes:,.0f} min",
        title=f"Minutes of calls at {REGISTRY_RATE} a second: {UNIVERSITY:,} researchers, {works} works each",
        zero=0.1,
        y_labels=[0.1, 1, 10, 100],
        range=(0.1, 400),
        truncate_legend=-1,
    )
    # The first row stands at the bottom otherwise.
    rows = comparison["rows"][::-1]
    chart.x_labels = [row["system"] for row in rows]
    for label, part in (("first sync", "first"), ("a later sync, a tenth of them touched", "recurring")):
        chart.add(label, [60 * row[f"hours at {REGISTRY_RATE}/s, {part}"] for row in rows])
    # What the library needs in a page of its own has no use in a picture.
    file.write_text(
        re.sub(r"<script.*?</script>|<!--.*?-->", "", chart.render(is_unicode=True), flags=re.DOTALL)
    )
