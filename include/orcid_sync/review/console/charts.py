"""Pictures of figures, as SVG. Each stands beside a table that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import pygal
from pygal.style import Style

from orcid_sync.report.adoption import Adoption
from orcid_sync.report.quality import QualityHistory
from orcid_sync.review.console.reports import Step
from orcid_sync.review.console.words import plain

Theme = Literal["light", "dark"]
# An SVG shown as a picture runs nothing and loads nothing; the library writes its colours into a style element.
CONTENT_SECURITY_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

_COLORS: Final = (
    "#2b6cb0",
    "#4c9a2a",
    "#b7791f",
    "#97266d",
    "#2c7a7b",
    "#c05621",
    "#718096",
    "#6b46c1",
    "#9b2c2c",
)
_MOST_CHECKS: Final = 8
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def _style(theme: Theme) -> Style:
    ink, faint = ("#e2e8f0", "#4a5568") if theme == "dark" else ("#1a202c", "#cbd5e0")
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=ink,
        foreground_strong=ink,
        foreground_subtle=faint,
        guide_stroke_color=faint,
        major_guide_stroke_color=faint,
        colors=_COLORS,
        font_family=_FONT,
        label_font_size=13,
        major_label_font_size=13,
        value_font_size=13,
        value_label_font_size=13,
        legend_font_size=13,
        value_colors=(ink,) * len(_COLORS),
        stroke_width="2.5",
        opacity=".9",
        opacity_hover="1",
    )


def _options(theme: Theme) -> dict[str, Any]:
    return {
        "style": _style(theme),
        "js": (),
        "disable_xml_declaration": True,
        "explicit_size": True,
        "margin": 8,
        "no_data_text": "Nothing yet",
        "value_formatter": _number,
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _svg(chart: Any) -> bytes:
    text = chart.render()
    return text if isinstance(text, bytes) else str(text).encode()


def funnel_chart(steps: Sequence[Step], theme: Theme) -> bytes:
    """How many are left at each step, from the first at the top."""
    chart = pygal.HorizontalBar(
        **_options(theme),
        width=760,
        height=44 * max(len(steps), 1) + 40,
        show_legend=False,
        show_x_labels=False,
        show_y_guides=False,
        spacing=6,
        rounded_bars=3,
    )
    downwards = list(reversed(steps))
    chart.x_labels = [f"{step.label}: {step.count:,}" for step in downwards]
    chart.add("", [{"value": step.count, "color": _COLORS[0]} for step in downwards])
    return _svg(chart)


def stages_chart(stages: Sequence[tuple[str, float]], theme: Theme) -> bytes:
    """How long each stage took, in seconds."""
    chart = pygal.HorizontalBar(
        **_options(theme) | {"value_formatter": lambda value: f"{value or 0:,.1f} s"},
        width=760,
        height=44 * max(len(stages), 1) + 40,
        show_legend=False,
        show_x_labels=False,
        show_y_guides=False,
        spacing=6,
        rounded_bars=3,
    )
    chart.x_labels = [f"{plain(name)}: {seconds:,.1f} s" for name, seconds in reversed(stages)]
    chart.add("", [{"value": seconds, "color": _COLORS[0]} for _, seconds in reversed(stages)])
    return _svg(chart)


def adoption_chart(found: Adoption, labels: Mapping[str, str], theme: Theme) -> bytes:
    """Permissions by state over time, stacked."""
    chart = pygal.StackedLine(
        **_over_time(theme, len(found.states)), fill=True, show_dots=len(found.days) < 2
    )
    chart.x_labels = [f"{day:%d %b %Y}" for day in found.days]
    for state, counts in found.states.items():
        chart.add(labels.get(state, plain(state)), list(counts))
    return _svg(chart)


def units_chart(found: Adoption, theme: Theme) -> bytes:
    """The share of each unit's staff that is connected, over time."""
    options = _over_time(theme, len(found.units)) | {
        "range": (0, 100),
        "value_formatter": lambda value: "" if value is None else f"{value:.0f} %",
    }
    chart = pygal.Line(**options, show_dots=len(found.days) < 2)
    chart.x_labels = [f"{day:%d %b %Y}" for day in found.days]
    for unit in found.units:
        chart.add(unit.name, list(unit.shares))
    return _svg(chart)


def quality_chart(found: QualityHistory, labels: Sequence[str], theme: Theme) -> bytes:
    """Rows that failed a check in each of the last extractions, by check, stacked; the rarer checks together."""
    chart = pygal.StackedBar(**_over_time(theme, min(len(found.checks), _MOST_CHECKS + 1)), show_dots=False)
    chart.x_labels = [f"{at:%d %b}" for _, at, _ in found.runs]
    shown = found.checks[:_MOST_CHECKS]
    for label, check in zip(labels, shown, strict=False):
        chart.add(label, list(check.bad))
    rest = found.checks[_MOST_CHECKS:]
    if rest:
        chart.add("Other checks", [sum(column) for column in zip(*(one.bad for one in rest), strict=True)])
    return _svg(chart)


def _over_time(theme: Theme, lines: int) -> dict[str, Any]:
    return _options(theme) | {
        "width": 760,
        "height": 320,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": max(1, min(lines, 3)),
        "truncate_legend": -1,
        "truncate_label": -1,
        "x_labels_major_count": 4,
        "show_minor_x_labels": False,
    }
