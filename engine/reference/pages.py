"""All generated pages, and where they stand."""

from pathlib import Path

from engine.cli import EPILOG, app
from engine.reference.api import api_page
from engine.reference.commands import commands_page
from engine.reference.files import model_page, notify_page, routing_page
from engine.reference.limits import limits_page
from engine.reference.metrics import metrics_page
from engine.reference.records import records_page
from engine.reference.settings import settings_page
from engine.stream.catalog import SHIPPED, read

ROOT = SHIPPED.parents[1]
FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """Every page by its name in `docs/reference/`."""
    return {
        "commands.md": commands_page(app, EPILOG),
        "settings.md": settings_page(ROOT / "config" / "heatline.toml"),
        "metrics.md": metrics_page(),
        "limits.md": limits_page(),
        "api.md": api_page(),
        "records.md": records_page(read()),
        "model.md": model_page(),
        "routing.md": routing_page(),
        "notify.md": notify_page(),
    }


def write(folder: Path = FOLDER) -> list[str]:
    """Writes every page into `folder`, removes pages that are gone, and returns the names written."""
    wanted = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)
    return list(wanted)
