"""Markup resolved, text that only looks like markup kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.model.text import plain_text, truncate, utf16_length

MML = 'xmlns:mml="http://www.w3.org/1998/Math/MathML"'


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("An ordinary title: with 5-10% of (things)", "An ordinary title: with 5-10% of (things)"),
        ("", ""),
        ("  two  blanks \n and a break ", "two blanks and a break"),
        ("e\u0301tude", "\u00e9tude"),
        ("\ufeff\ufeffFitzgerald", "Fitzgerald"),
        ("zero\u200bwidth and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("Lo\u00a0Meo", "Lo Meo"),
        ("null\x00byte\x07", "nullbyte"),
        ("carriage_x000D_\nreturn", "carriage return"),
        ("\u0645\u06cc\u200c\u0631\u0648\u062f", "\u0645\u06cc\u200c\u0631\u0648\u062f"),
        ("lone surrogate \ud800 here", "lone surrogate here"),
    ],
)
def test_blanks_controls_and_composition_are_put_right(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("Effects on <i>Escherichia coli</i>", "Effects on Escherichia coli"),
        ("<b>Bold</b> and <em class='x'>stressed</em>", "Bold and stressed"),
        ("H<sub>2</sub>O at 10<sup>5</sup> Pa", "H2O at 10\u2075 Pa"),
        ("Ca<sup>2+</sup> in the 19<sup>th</sup> century", "Ca\u00b2\u207a in the 19th century"),
        ("&lt;scp&gt;DNA&lt;/scp&gt; repair", "DNA repair"),
        ("&amp;lt;i&amp;gt;x&amp;lt;/i&amp;gt;", "x"),
        ("Neurology &amp; Psychiatry", "Neurology & Psychiatry"),
        ("Neurology &amp;amp; Psychiatry", "Neurology & Psychiatry"),
        ("p &lt; 0.05, q &#62; 1", "p < 0.05, q > 1"),
        ("caf&eacute; &#x3b1; &beta;", "caf\u00e9 \u03b1 \u03b2"),
        ("&unknown; entity", "&unknown; entity"),
        ("<p>One</p><p>Two<br/>Three</p>", "One Two Three"),
        ("<jats:title>Abstract</jats:title><jats:p>We <jats:italic>show</jats:italic>.</jats:p>", "We show."),
        ("Relation between<i>Chlamydia</i>Infection and", "Relation between Chlamydia Infection and"),
        ("micro<b>RNA</b>s and <b>S</b>tatistical <b>A</b>nalysis", "microRNAs and Statistical Analysis"),
        ("<!-- hidden -->Shown<script>alert(1)</script>", "Shown"),
        ('<span style="x: y" lang=en>Span</span>', "Span"),
        ("<![CDATA[A & B]]>", "A & B"),
        ("An abstract cut in a tag</jats:", "An abstract cut in a tag"),
    ],
)
def test_html_jats_and_entities_are_resolved(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@pytest.mark.parametrize(
    "text",
    [
        "Small microplastics <300 \u03bcm",
        "P^2<-z",
        "a<b and c>d",
        "if a<b>c then",
        "x < y > z",
        "10.1002/1097-4636(2000)53:1<1::AID-JBM1>3.0.CO;2-O",
        "Sex, lies & R&D",
        "$5 and $10",
        "from $5-$10 to US$20",
        "a US$100 million (A$150 million) fund",
        "The {0,1} knapsack with {a, b}",
        "100% of C# at 50 %",
        "C:\\New folder",
        "snake_case and 2^10",
        "#hashtag ~5 nm",
        "<unknown>tag</unknown>",
        "\u03b1-helix \u2265 \u221e \U0001f600",
    ],
)
def test_text_that_only_looks_like_markup_survives(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        (r"$\alpha$-helix", "\u03b1-helix"),
        (r"{\'e}t{\'e}", "\u00e9t\u00e9"),
        (r"M{\"u}ller \& S{\o}n", "M\u00fcller & S\u00f8n"),
        (r"Fran{\c c}ois \v{S}koda na\"{\i}ve", "Fran\u00e7ois \u0160koda na\u00efve"),
        ("{DNA} and {N}ew {Z}ealand", "DNA and New Zealand"),
        ("{The Whole Title}", "The Whole Title"),
        (r"\textit{E. coli} at 100\% of \emph{it}", "E. coli at 100% of it"),
        (r"$H_2O$, K$_2$CO$_3$ and $^{13}$C", "H2O, K2CO3 and \u00b9\u00b3C"),
        (r"at 10$^{-3}$ and $x^{n+1}$", "at 10\u207b\u00b3 and x\u207f\u207a\u00b9"),
        (r"$\sqrt{s}=13$ TeV", "\u221a(s)=13 TeV"),
        (r"$B \to \mu^+\mu^-$", "B \u2192 \u03bc\u207a\u03bc\u207b"),
        (r"100% of {DNA} \& RNA", "100% of DNA & RNA"),
        (r"Figure~1 of \unknownmacro", r"Figure 1 of \unknownmacro"),
        (r"$\frac{1}{2}$-integers", "1/2-integers"),
        (r"the \LaTeX\ way, {\em stressed}", "the LaTeX way, stressed"),
        (r"\(\beta\)-decay and \[x^2\]", "\u03b2-decay and x\u00b2"),
    ],
)
def test_latex_and_bibtex_are_resolved(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        (
            (
                f"<mml:math {MML}><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup>"
                "<mml:mo>=</mml:mo><mml:mn>4</mml:mn></mml:math>"
            ),
            "x\u00b2 = 4",
        ),
        (
            f"in the<mml:math {MML}><mml:mi>N</mml:mi></mml:math>nucleus",
            "in the N nucleus",
        ),
        (
            "<math><msub><mi>LaSrVO</mi><mn>4</mn></msub></math>: a candidate",
            "LaSrVO4: a candidate",
        ),
        (
            "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac></math>",
            "(a+b)/2",
        ),
        (
            "<math><mmultiscripts><mi>Tb</mi><mprescripts/><none/><mn>153</mn></mmultiscripts></math>",
            "\u00b9\u2075\u00b3Tb",
        ),
        (
            (
                "<jats:inline-formula><jats:alternatives><jats:tex-math>$$\\alpha_1$$</jats:tex-math>"
                "<mml:math><mml:msub><mml:mi>\u03b1</mml:mi><mml:mn>1</mml:mn></mml:msub></mml:math>"
                "</jats:alternatives></jats:inline-formula>-structures"
            ),
            "\u03b11-structures",
        ),
        (
            r"<tex-math>\documentclass[12pt]{minimal} \begin{document}$$\sqrt{s}$$\end{document}</tex-math> energy",
            "\u221a(s) energy",
        ),
        (
            "Studies of\n        $$B^0$$\n            B\n            0\n        mesons",
            "Studies of B\u2070 mesons",
        ),
    ],
)
def test_formulas_are_read_along_the_line(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("one two three", 10, "one two\u2026"),
        ("one two three", 8, "one two\u2026"),
        ("one, two three", 6, "one\u2026"),
        ("Donaudampfschiff", 8, "Donauda\u2026"),
        ("\U0001f600\U0001f600\U0001f600", 4, "\U0001f600\u2026"),
        ("cafe\u0301s", 5, "caf\u2026"),
        ("abc", 1, "\u2026"),
        ("abc", 0, ""),
    ],
)
def test_truncation_ends_on_a_word_with_an_ellipsis(text: str, limit: int, cut: str) -> None:
    assert truncate(text, limit) == cut


FRAGMENTS = st.sampled_from(
    [
        *(
            "<i>",
            "</i>",
            "<sub>",
            "</sub>",
            "<sup>",
            "<",
            ">",
            "&lt;",
            "&amp;",
            "&",
            ";",
            "$",
            "\\",
            "{",
            "}",
        ),
        *(
            "^",
            "_",
            "%",
            "#",
            "~",
            "\\'e",
            "<math>",
            "</math>",
            "<mi>",
            "</mi>",
            "<p>",
            "<b",
            " ",
            "\n",
            "\u200b",
        ),
        *("x", "10", "DNA", "\\textit{", "\\frac", "<!--", "-->", "<![CDATA[", "]]>", "$$", "\\(", "\\)"),
        *("\\alpha", "\ufeff", "e\u0301", "\x00"),
    ]
)


@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=14).map("".join)))
def test_resolving_never_raises_and_leaves_clean_blanks(markup: str) -> None:
    plain = plain_text(markup)
    assert plain == plain.strip()
    assert "  " not in plain
    assert "\n" not in plain


@given(st.text(st.characters(codec="utf-8", exclude_characters="<>&$\\{}"), max_size=80))
def test_ordinary_text_is_resolved_once_and_for_all(text: str) -> None:
    plain = plain_text(text)
    assert plain_text(plain) == plain


@given(st.text(), st.integers(0, 60))
def test_truncation_never_exceeds_the_limit(text: str, limit: int) -> None:
    cut = truncate(text, limit)
    assert utf16_length(cut) <= limit
    assert cut == text or utf16_length(text) > limit
