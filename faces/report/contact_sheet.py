"""Writes a contact sheet: an HTML page of photos, boxes and names, which opens in a browser without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jinja2

from faces.errors import SheetNotWritten
from faces.photo.decoding import PhotoLimits
from faces.report.sheet import Sheet
from faces.report.sheet_page import page_of
from faces.report.sheet_pictures import PictureFolder
from faces.report.sheet_views import Page
from faces.system import atomic_file, marked_folder
from faces.system.marked_folder import INDEX, PAGE_MARK, PICTURES


def write(directory: Path, sheet: Sheet, limits: PhotoLimits, tick: Callable[[], None] = lambda: None) -> Path:
    """Write `index.html` and `pictures/` into `directory` and answer with the page's path.

    The page appears whole, in place of an older sheet, when all its pictures are there; then pictures that no
    page shows any more are removed. Pictures of unchanged photos are kept. `tick` is called once a photo. Both folders
    are marked as ours, unless something else is in them.

    Raises:
        SheetNotWritten: the folder cannot be written, or holds an index.html that is not a contact sheet.
    """
    index = directory / INDEX
    try:
        _refuse_foreign(index)
        folder = PictureFolder(directory / PICTURES, limits)
        marked_folder.mark_if_ours(directory, (INDEX, PICTURES))
        page = page_of(sheet, folder, tick)
        atomic_file.replace(index, html(page).encode("utf-8", "replace"))
        folder.keep_only(page.picture_names)
        marked_folder.mark_if_ours(directory / PICTURES, page.picture_names)
    except OSError as error:
        raise SheetNotWritten(f"the contact sheet {index} was not written: {error.strerror or error}") from error
    return index


def html(page: Page) -> str:
    """The page's text; everything that comes from names and files is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("contact_sheet.html.j2").render(page=page, mark=PAGE_MARK, pictures=PICTURES)


def _refuse_foreign(index: Path) -> None:
    """A page that is not ours must not be lost, whichever folder was named."""
    if index.exists() and not marked_folder.is_page(index):
        raise SheetNotWritten(f"{index} is not a contact sheet of ours: move it away, or name another folder")
