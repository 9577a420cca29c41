r"""LaTeX in titles: accents, macros, BibTeX's protecting braces, and formulas between dollars.

Dollars are money unless they hold a formula. Braces alone are BibTeX's unless they hold a set. A percent sign is
a percent sign: nobody comments in a title.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any, Final

from pylatexenc import latex2text, latexwalker

from orcid_sync.model.scripts import superscript

_HINT: Final = re.compile(r"[\\${}]")
_MACRO: Final = re.compile(r"\\(?:[a-zA-Z]{2,}|[a-zA-Z](?=[\s{\\]|$)|['\"`^~=.,;:!&%#_${}\\/|@-])")
_LITERAL_BREAK: Final = re.compile(r"\\(?:r\\n|n)(?=[A-Z\s\d]|$)")
_DOLLARS: Final = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$]+)\$\$|(?<!\\)\$(?P<inline>[^$\s](?:[^$]*[^$\s\\])?)\$(?![0-9])"
)
_DELIMITED: Final = re.compile(
    r"\\\((?P<round>.+?)\\\)|\\\[(?P<square>.+?)\\\]|\\ensuremath\{(?P<ensured>[^{}]*)\}", re.DOTALL
)
_FORMULA: Final = re.compile(r"[\\^_{}=<>+*/|~\u2264\u2265\u00b1\u00d7]|-")
_LONG_WORDS: Final = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{2,}|[A-Za-z]{2,}\s+[A-Za-z]{3,}")
_SMALL_SET: Final = re.compile(r"\s*[^,;|{}]{0,4}(?:\s*[,;|]\s*[^,;|{}]{0,4})+\s*")
_BRACED: Final = re.compile(r"\{([^{}]*)\}")
_RAISED: Final = re.compile(r"\^\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[a-zA-Z]+|[^\s{}\\]))")
_LOWERED: Final = re.compile(r"(?<!\\)_\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[a-zA-Z]+|[^\s{}\\]))")
_TEX_DOCUMENT: Final = re.compile(r".*?\\begin\{document\}(.*?)\\end\{document\}.*", re.DOTALL)
_MATH_FONTS: Final = re.compile(
    r"\\(?:math(?:rm|it|bf|sf|tt|cal|bb|frak|scr|normal)|text(?:rm|it|bf|sf|tt|normal|up|sc)?|operatorname\*?|rm|it|bf|mbox|hbox"
    r"|boldsymbol|bm|left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits|nolimits)(?![a-zA-Z])"
)
_PLAIN_GROUP: Final = re.compile(r"(?<![\\^_}\w])\{\s*([^{}\\^_]*?)\s*\}")
_BEFORE_SCRIPT: Final = re.compile(r"\s+(?=[\^_])")
_ARROW: Final = re.compile(r"\s*([\u2190\u2192\u2194\u21d2\u21d4])\s*")
_UNPROTECTED: Final = re.compile(r"(?<!\\)([%#&])")
_TIE: Final = re.compile(r"(?<=\S)~(?=\S)")


def has_latex(text: str) -> bool:
    """Whether anything in `text` could be LaTeX at all."""
    return _HINT.search(text) is not None


def latex_to_text(text: str) -> str:
    """`text` with formulas, macros, accents and protecting braces resolved; money and sets are left alone."""
    text = _LITERAL_BREAK.sub(" ", text)
    text = _DELIMITED.sub(lambda m: math_to_text(next(filter(None, m.groups()), "")), text)
    text = _DOLLARS.sub(_formula_or_money, text)
    if _MACRO.search(text):
        text = _macros_resolved(text)
    return _without_protecting_braces(text)


def math_to_text(tex: str) -> str:
    """One formula's TeX source as a line of text."""
    document = _TEX_DOCUMENT.fullmatch(tex)
    body = (document.group(1) if document else tex).strip().strip("$").strip()
    body = _BEFORE_SCRIPT.sub("", _without_plain_groups(_MATH_FONTS.sub("", body)))
    for _ in range(4):
        lifted = _LOWERED.sub(lambda m: _group(m), _RAISED.sub(_raised, body))
        if lifted == body:
            break
        body = lifted
    line = _macros_resolved(body) if "\\" in body else _BRACED.sub(r"\1", body)
    return _ARROW.sub(r" \1 ", line)


def _without_plain_groups(tex: str) -> str:
    while (opened := _PLAIN_GROUP.sub(r"\1", tex)) != tex:
        tex = opened
    return tex


def _group(script: re.Match[str]) -> str:
    braced, single = script.groups()
    return f"{{{braced}}}" if braced is not None else f"{{{single}}}"


def _raised(script: re.Match[str]) -> str:
    braced, single = script.groups()
    body: str = braced if braced is not None else single
    if "\\" in body or "{" in body:
        body = _macros_resolved(_MATH_FONTS.sub("", body)).strip()
    raised = superscript(body)
    return raised.replace("^", "\\^{}", 1) if raised.startswith("^") else raised


def _formula_or_money(found: re.Match[str]) -> str:
    formula = found.group("display") or found.group("inline")
    looks_like_one = (
        _FORMULA.search(formula) is not None or re.fullmatch(r"[A-Za-z]{1,3}|\W+", formula) is not None
    )
    if not looks_like_one and not formula.isascii():
        looks_like_one = not _LONG_WORDS.search(formula)
    if not looks_like_one or (_LONG_WORDS.search(formula) and "\\" not in formula):
        return found.group()
    return math_to_text(formula)


def _macros_resolved(text: str) -> str:
    """Through the LaTeX parser, with everything that is special to TeX but not in a title protected first."""
    protected = _UNPROTECTED.sub(r"\\\1", text)
    protected = re.sub(r"(?<!\\)\$", r"\\$", protected)
    protected = re.sub(r"(?<!\\)([\^_])(?!\{\})", r"\\\1{}", protected)
    protected = _TIE.sub(" ", protected)
    try:
        converted = _converter().latex_to_text(protected, tolerant_parsing=True)
    except (latexwalker.LatexWalkerError, ValueError, IndexError, RecursionError, AttributeError, TypeError):
        return text
    return str(converted)


def _without_protecting_braces(text: str) -> str:
    while (opened := _BRACED.sub(_unbraced, text)) != text:
        text = opened
    return text


def _unbraced(group: re.Match[str]) -> str:
    body = group.group(1)
    return group.group() if _SMALL_SET.fullmatch(body) else body


_DECLARATIONS: Final = (
    *(
        "em",
        "it",
        "bf",
        "sc",
        "tt",
        "rm",
        "sf",
        "sl",
        "cal",
        "itshape",
        "bfseries",
        "scshape",
        "slshape",
        "upshape",
    ),
    *(
        "mdseries",
        "rmfamily",
        "sffamily",
        "ttfamily",
        "normalfont",
        "tiny",
        "small",
        "normalsize",
        "large",
        "Large",
    ),
    *(
        "protect",
        "noindent",
        "bgroup",
        "egroup",
        "relax",
        "nobreak",
        "allowbreak",
        "hfill",
        "centering",
        "mathrm",
    ),
)


def _fraction(node: Any, l2tobj: Any) -> str:
    """`a/b`; what is left of a fraction that lost an argument is still shown."""
    arguments = node.nodeargd.argnlist if node.nodeargd else []
    return "/".join(l2tobj.nodelist_to_text([part]).strip() for part in arguments if part is not None)


def _unknown_macro(node: Any) -> str:
    r"""A macro nobody knows is text: the backslash of `A\B` stays, and `\foo{bar}` keeps its bar."""
    return f"\\{node.macroname}{node.macro_post_space}"


@lru_cache(maxsize=1)
def _converter() -> latex2text.LatexNodes2Text:
    # The library logs the text it stumbles on; a title is not the log's business.
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    known = latex2text.get_default_latex_context_db()
    known.add_context_category(
        "titles",
        prepend=True,
        macros=[
            *(latex2text.MacroTextSpec(name, "") for name in _DECLARATIONS),
            *(latex2text.MacroTextSpec(name, name) for name in ("LaTeX", "TeX", "BibTeX")),
            *(
                latex2text.MacroTextSpec(name, simplify_repl=_fraction)
                for name in ("frac", "tfrac", "dfrac", "nicefrac")
            ),
        ],
    )
    known.set_unknown_macro_spec(latex2text.MacroTextSpec("", simplify_repl=_unknown_macro))
    return latex2text.LatexNodes2Text(
        latex_context=known, math_mode="text", keep_comments=True, strict_latex_spaces=False, fill_text=False
    )
