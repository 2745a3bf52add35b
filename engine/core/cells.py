"""Cells that spreadsheets show instead of run. Pure.

A spreadsheet takes text that begins like a formula for one, and a formula can send what stands beside it elsewhere
(OWASP: CSV injection). An apostrophe in front makes it text; `restored` takes it off again.
"""

import re

from engine.core.text import printable

FORMULA = "=+-@＝＋－＠"
"""What a formula begins with; the last four are the wide forms that some spreadsheets read alike.

Tabs and line ends, which spreadsheets skip before a formula, do not stay in a cell.
"""
_BEGINS = re.compile(f"'*[{re.escape(FORMULA)}]")
_DEFUSED = re.compile(f"'+[{re.escape(FORMULA)}]")


def defused(text: str) -> str:
    """`text` on one line, without control characters, so that no spreadsheet takes it for a formula."""
    shown = printable(text)
    return f"'{shown}" if _BEGINS.match(shown) else shown


def restored(cell: str) -> str:
    """What `defused` was given, of printable text; other cells as they are."""
    return cell[1:] if _DEFUSED.match(cell) else cell
