"""One page without a network: HTML written from text, everything from outside escaped, nothing that runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from wm2u_sd.views.table import Table

STYLE = """
:root { color: #1f2328; background: #fff; font: 1.0625rem/1.5 system-ui, "Segoe UI", Arial, sans-serif; }
body { margin: 0 auto; max-width: 72rem; padding: 0 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.5rem; margin: 3rem 0 .75rem; border-top: 4px solid #12436d; padding-top: .75rem; }
h3 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h4 { font-size: 1.0625rem; margin: 1rem 0 .25rem; }
p, li { max-width: 46rem; }
a { color: #0b4a8f; }
:focus-visible { outline: 3px solid #801650; outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
nav li a { display: inline-block; min-height: 1.5rem; padding: .2rem 0; }
figure { margin: 1rem 0; }
figure .seen { overflow-x: auto; }
img { display: block; width: 100%; min-width: 44rem; height: auto; border: 1px solid #c9ced4; }
figcaption { max-width: 46rem; font-size: .95rem; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .25rem 0 .5rem; max-width: min(46rem, calc(100vw - 2rem)); }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-bottom: 1px solid #c9ced4; }
th, td { min-width: 5.5rem; }
thead th { border-bottom: 2px solid #1f2328; }
tbody th { font-weight: 600; }
.group th { padding-top: 1rem; border-bottom: 1px solid #1f2328; color: #12436d; }
summary { cursor: pointer; padding: .4rem 0; font-weight: 600; }
@media print {
  @page { size: A4; margin: 14mm; }
  :root { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  nav, .skip { display: none; }
  h2 { break-after: avoid; margin-top: 1.2rem; }
  h3, h4, caption, summary, .group { break-after: avoid; }
  caption { max-width: none; }
  figure, tr, caption { break-inside: avoid; }
  img { min-width: 0; max-height: 235mm; object-fit: contain; border: 0; }
  .table { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { min-width: 0; padding: .15rem .3rem; }
  details:not([open]) { display: none; }
}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: For links to it.
        title: Its heading.
        parts: Pieces of HTML.
    """

    name: str
    title: str
    parts: Sequence[str]


def page(title: str, opening: Sequence[str], sections: Sequence[Section], language: str = "en-GB") -> str:
    """Return a whole page. It may run nothing, load nothing and send nothing: its policy says so to the browser."""
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = "".join(f'<li><a href="#{one.name}">{escape(one.title)}</a></li>' for one in sections)
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            '<a class="skip" href="#content">To the content</a>',
            f"<header>\n<h1>{escape(title)}</h1>\n{''.join(opening)}\n</header>",
            f'<nav aria-label="On this page"><ul>{links}</ul></nav>\n<main id="content">',
            *(_section(one) for one in sections),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _section(one: Section) -> str:
    label = f"{one.name}-title"
    head = f'<section id="{one.name}" aria-labelledby="{label}">\n<h2 id="{label}">{escape(one.title)}</h2>'
    return "\n".join([head, *one.parts, "</section>"])


def paragraph(text: str) -> str:
    """Return a paragraph of text."""
    return f"<p>{escape(text)}</p>"


def heading(text: str, level: int = 3) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def bullets(texts: Iterable[str], ordered: bool = False) -> str:
    """Return a list of texts."""
    kind = "ol" if ordered else "ul"
    return f"<{kind}>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</{kind}>"


def picture(png: bytes, alt: str, caption: str) -> str:
    """Return a picture held in the page itself, with words for those who do not see it."""
    held = b64encode(png).decode()
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # PNG header
    image = f'<img src="data:image/png;base64,{held}" width="{width}" height="{height}" alt="{escape(alt)}">'
    return f'<figure><div class="seen">{image}</div><figcaption>{escape(caption)}</figcaption></figure>'


def table(shown: Table) -> str:
    """Return a table with its caption; the first cell of a row heads it. It scrolls by itself where it is too wide."""
    label = f"caption-{escape(shown.name)}"
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in shown.shown_heads)
    bodies = "\n".join(_body(name, rows, len(shown.shown_heads)) for name, rows in shown.grouped_rows())
    return (
        f'<div class="table" role="region" aria-labelledby="{label}" tabindex="0"><table>\n'
        f'<caption id="{label}">{escape(shown.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n'
        f"{bodies}\n</table></div>"
    )


def _body(name: str, rows: Sequence[Sequence[str]], columns: int) -> str:
    over = f'<tr class="group"><th scope="rowgroup" colspan="{columns}">{escape(name)}</th></tr>\n' if name else ""
    return f"<tbody>{over}{''.join(map(_row, rows))}</tbody>"


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in others)}</tr>\n'


def folded(summary: str, parts: Sequence[str], *, is_open: bool = False) -> str:
    """Return parts that can be folded away."""
    body = "\n".join(parts)
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>\n{body}\n</details>"
