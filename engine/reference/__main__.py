"""`python -m engine.reference`: writes `docs/reference/` anew; a test compares the pages with what it would write."""

import sys

from engine.reference.pages import write

sys.stdout.writelines(f"{name}\n" for name in write())
