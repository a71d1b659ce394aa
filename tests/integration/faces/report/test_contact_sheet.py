"""The contact sheet as a file: what it says, what it escapes, what it keeps and what it never touches."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from PIL import Image

from faces.errors import SheetNotWritten
from faces.people.names import OfferedName
from faces.photo.decoding import PhotoLimits
from faces.photo.face import RatioBox
from faces.report import contact_sheet
from faces.report.sheet import Portrait, Sheet, SheetFace, SheetPhoto

LIMITS = PhotoLimits(max_pixels=1_000_000, max_bytes=10_000_000)
BOX = RatioBox(top=0.2, right=0.6, bottom=0.7, left=0.3)


class Element:
    """An element of the page with the text in it."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag, self.attributes, self.text = tag, attributes, ""


class Page(HTMLParser):
    """All elements of a page, as a browser would see them."""

    def __init__(self, index: Path) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(index.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in ("meta", "img"):
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, of_class: str = "") -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and of_class in ["", *(element.attributes.get("class") or "").split()]
        ]


def sheet(*photos: SheetPhoto, portraits: tuple[Portrait, ...] = (), notes: tuple[str, ...] = ()) -> Sheet:
    when = datetime(2026, 5, 4, 3, 2, tzinfo=timezone.utc)
    return Sheet("Faces in Summer", photos, "a model", 0.6, when, portraits, 12.34, notes)


def photo(folder: Path, name: str = "a.jpg", *faces: SheetFace, size: tuple[int, int] = (80, 60)) -> SheetPhoto:
    path = folder / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        Image.effect_noise(size, 50).save(path, "JPEG")
    return SheetPhoto(path, name, faces)


def test_the_page_says_who_is_where_and_how_near(tmp_path: Path) -> None:
    faces = (
        SheetFace(0, BOX, quality=81.2, name="Ann", distance=0.347),
        SheetFace(1, RatioBox(0.1, 0.9, 0.3, 0.7), quality=40.0),
    )
    index = contact_sheet.write(tmp_path / "out", sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS)
    page = Page(index)
    boxes = page.all("a", "box")
    assert [box.attributes["href"] for box in boxes] == ["#only-p0", "#only-unknown"]
    assert boxes[0].attributes["style"] == "left:30.00%;top:20.00%;width:30.00%;height:50.00%"
    assert "0 Ann distance 0.35 · quality 81" in " ".join(boxes[0].text.split())
    (caption,) = page.all("figcaption")
    assert " ".join(caption.text.split()) == "a.jpg 0 Ann distance 0.35 · quality 81 1 unknown quality 40"
    (totals,) = page.all("dl", "totals")
    assert totals.text.split() == ["photos1", "faces2", "recognised1", "person", "known1", "without", "a", "face0"]
    (footer,) = page.all("footer")
    assert "nearer than 0.6" in footer.text
    assert "Made 2026-05-04 03:02 in 12.3 seconds with a model" in footer.text


def test_the_page_needs_nothing_but_its_own_pictures(tmp_path: Path) -> None:
    index = contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", SheetFace(0, BOX, name="Ann"))), LIMITS)
    page = Page(index)
    assert not page.all("script")
    assert not page.all("link")
    images = page.all("img")
    assert images
    for image in images:
        assert image.attributes["alt"]
        source = image.attributes["src"]
        assert source
        with Image.open(tmp_path / source) as file:
            assert str(file.width) == image.attributes["width"]
            assert str(file.height) == image.attributes["height"]


@pytest.mark.parametrize(
    "name",
    [
        '<script>alert("1")</script>.jpg',
        "a'b\"c & d.jpg",
        "50% #1 ?x=y.jpg",
        "фото с пробелами ünïcode.jpg",
        "line\nbreak.jpg",
        "javascript:alert(1).jpg",
        "\u202egpj.exe.jpg",
        "{{ 7 * 7 }}.jpg",
        os.fsdecode(b"no-utf8-\xff.jpg"),
    ],
)
def test_strange_names_stay_names(tmp_path: Path, name: str) -> None:
    name = name.replace("/", "\u2044")
    shown = photo(tmp_path / "photos", name, SheetFace(0, BOX, name=f"<b>{name}", distance=0.5))
    broken = SheetPhoto(tmp_path / f"x{name}", f"x{name}", problem=f"<i>{name}</i>")
    index = contact_sheet.write(tmp_path / "out", sheet(shown, broken, notes=(f"<u>{name}",)), LIMITS)
    page = Page(index)
    assert not page.open or [element.tag for element in page.open] == ["html"]
    assert {element.tag for element in page.elements}.isdisjoint({"script", "b>", "u"})
    (original,) = page.all("a", "original")
    address = urlsplit(original.attributes["href"] or "")
    assert address.scheme == "file"
    assert address.netloc == ""
    assert address.query == ""
    assert address.fragment == ""
    assert unquote_to_bytes(address.path) == os.fsencode(shown.path)
    assert name.encode("utf-8", "replace").decode() in page.all("figcaption")[0].text
    assert f"<b>{name}".encode("utf-8", "replace").decode() in page.all("article", "p0")[0].text


def test_a_photo_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    photos = (
        SheetPhoto(tmp_path / "small.jpg", "small.jpg", problem="it is empty"),
        SheetPhoto(tmp_path / "gone.jpg", "gone.jpg", (SheetFace(0, BOX, name="Ann"),)),
        SheetPhoto(text, "text.jpg"),
    )
    page = Page(contact_sheet.write(tmp_path / "out", sheet(*photos), LIMITS))
    cells = [cell.text for cell in page.all("td")]
    assert cells[:2] == ["small.jpg", "it is empty"]
    assert "the file cannot be found" in cells[3]
    assert "no known picture format" in cells[5]
    (gone,) = page.all("figure", "photo")
    assert "Ann" in gone.text


def test_faces_without_a_place_are_told_without_a_box(tmp_path: Path) -> None:
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", SheetFace(0, name="Ann"))), LIMITS))
    assert not page.all("a", "box")
    assert "Ann" in page.all("figcaption")[0].text


def test_boxes_beyond_the_edge_and_empty_ones_are_cut_to_the_photo(tmp_path: Path) -> None:
    boxes = (RatioBox(-0.2, 1.3, 0.5, 0.5), RatioBox(1.1, 1.3, 1.2, 1.2), RatioBox(0.5, 0.5, 0.5, 0.5))
    faces = [SheetFace(at, box, name="Ann") for at, box in enumerate(boxes)]
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    assert page.all("a", "box")[0].attributes["style"] == "left:50.00%;top:0.00%;width:50.00%;height:50.00%"
    assert len(page.all("ul", "crops")) == 1


def test_no_photo_at_all_is_a_page_too(tmp_path: Path) -> None:
    page = Page(contact_sheet.write(tmp_path, sheet(), LIMITS))
    assert "There are no photos here." in page.all("section")[-1].text


def test_a_portrait_outside_the_photos_shows_the_person(tmp_path: Path) -> None:
    portrait = photo(tmp_path, "known.jpg").path
    page = Page(contact_sheet.write(tmp_path, sheet(portraits=(Portrait("Ann", portrait, BOX),)), LIMITS))
    (person,) = page.all("article", "person")
    assert "in none of these photos" in person.text
    assert page.all("img")[0].attributes["alt"] == "Portrait of Ann"


def test_a_person_with_many_faces_shows_the_nearest_and_counts_the_rest(tmp_path: Path) -> None:
    photos = [photo(tmp_path, f"{at}.jpg", SheetFace(0, BOX, name="Ann", distance=at / 100)) for at in range(30)]
    page = Page(contact_sheet.write(tmp_path, sheet(*reversed(photos)), LIMITS))
    (crops,) = page.all("ul", "crops")
    numbers = re.findall(r"0\.\d\d", crops.text)
    assert numbers == sorted(numbers)
    assert crops.text.split()[-1] == f"+{30 - len(numbers)}"


def test_thousands_of_photos_make_one_page_whose_pictures_load_when_seen(tmp_path: Path) -> None:
    one = photo(tmp_path, "a.jpg", SheetFace(0, BOX))
    photos = [SheetPhoto(one.path, f"{at}/a.jpg", one.faces) for at in range(3000)]
    page = Page(contact_sheet.write(tmp_path, sheet(*photos), LIMITS))
    assert len(page.all("figure", "photo")) == 3000
    assert {image.attributes["loading"] for image in page.all("img")} == {"lazy"}
    assert page.all("div", "long")


def test_pictures_of_unchanged_photos_are_kept_and_others_go(tmp_path: Path) -> None:
    one, two = photo(tmp_path, "1.jpg"), photo(tmp_path, "2.jpg")
    contact_sheet.write(tmp_path, sheet(one, two), LIMITS)
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "pictures").glob("*.jpg")}
    assert len(before) == 2
    Image.new("RGB", (30, 30), "red").save(two.path)
    contact_sheet.write(tmp_path, sheet(one, two), LIMITS)
    after = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "pictures").glob("*.jpg")}
    assert len(after) == 2
    (kept,) = before.items() & after.items()
    contact_sheet.write(tmp_path, sheet(one), LIMITS)
    assert [file.name for file in (tmp_path / "pictures").glob("*.jpg")] == [kept[0]]


def test_files_of_other_people_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/mine.jpg").write_bytes(b"mine")
    contact_sheet.write(tmp_path, sheet(photo(tmp_path)), LIMITS)
    assert (tmp_path / "pictures/mine.jpg").read_bytes() == b"mine"


def test_the_folder_is_marked_as_ours_unless_something_else_is_in_it(tmp_path: Path) -> None:
    one = photo(tmp_path / "photos")
    contact_sheet.write(tmp_path / "out", sheet(one), LIMITS)
    assert (tmp_path / "out/.face-sidecar").exists()
    assert (tmp_path / "out/pictures/.face-sidecar").exists()
    contact_sheet.write(tmp_path / "photos", sheet(one), LIMITS)
    assert not (tmp_path / "photos/.face-sidecar").exists()
    assert (tmp_path / "photos/pictures/.face-sidecar").exists()
    (tmp_path / "mixed/pictures").mkdir(parents=True)
    (tmp_path / "mixed/pictures/mine.jpg").touch()
    contact_sheet.write(tmp_path / "mixed", sheet(one), LIMITS)
    assert not (tmp_path / "mixed/pictures/.face-sidecar").exists()


def test_a_page_that_is_no_sheet_is_never_replaced(tmp_path: Path) -> None:
    index = tmp_path / "index.html"
    index.write_text("<h1>my homepage</h1>")
    with pytest.raises(SheetNotWritten, match="is not a contact sheet of ours"):
        contact_sheet.write(tmp_path, sheet(photo(tmp_path)), LIMITS)
    assert index.read_text() == "<h1>my homepage</h1>"


def test_a_run_that_ends_half_way_leaves_the_old_sheet_whole(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    index = contact_sheet.write(tmp_path, sheet(photo(tmp_path, "1.jpg")), LIMITS)
    before = index.read_bytes()
    with pytest.raises(Killed):
        contact_sheet.write(tmp_path, sheet(photo(tmp_path, "2.jpg")), LIMITS, kill)
    assert index.read_bytes() == before
    for image in Page(index).all("img"):
        assert (tmp_path / (image.attributes["src"] or "")).is_file()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SheetNotWritten, match="file"):
        contact_sheet.write(tmp_path / "file", sheet(), LIMITS)


def test_pictures_are_upright_and_small(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (900, 600)).save(path, exif=exif)
    page = Page(contact_sheet.write(tmp_path, sheet(SheetPhoto(path, "turned.jpg")), LIMITS))
    (image,) = page.all("img")
    with Image.open(tmp_path / (image.attributes["src"] or "")) as made:
        assert made.size == (426, 640)


def test_colours_repeat_after_ten_people_but_names_and_filters_do_not(tmp_path: Path) -> None:
    faces = [SheetFace(at, BOX, name=f"Person {at:02}") for at in range(12)]
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    assert len({box.attributes["href"] for box in page.all("a", "box")}) == 12
    assert page.all("figure", "crowd")
    assert "12 faces" in page.all("summary")[0].text


def offered(index: int, name: str, probability: float, group: int | None = None) -> SheetFace:
    return SheetFace(index, BOX, quality=70, offer=OfferedName(name, probability), group=group)


def test_groups_of_unknown_faces_are_shown_with_their_ids_the_largest_first(tmp_path: Path) -> None:
    small = [SheetFace(at, BOX, group=3) for at in range(2)]
    large = [offered(at, "Ann", 0.871, group=12) for at in range(3)]
    alone = SheetFace(9, BOX, group=4)
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *small, *large, alone)), LIMITS))
    groups = [" ".join(group.text.split()) for group in page.all("article", "group")]
    assert groups == ["g12 · 3 faces Ann? 87 % 87 % 87 % 87 %", "g3 · 2 faces"]
    (unknown,) = page.all("article", "unknown")
    assert "6 faces in 1 photo" in unknown.text
    assert len(page.all("ul", "crops")) == 3
    assert [box.attributes["href"] for box in page.all("a", "box")] == [
        *["#only-g3"] * 2,
        *["#only-g12"] * 3,
        "#only-unknown",
    ]


def test_who_is_offered_stands_under_the_face_and_on_the_persons_card(tmp_path: Path) -> None:
    faces = (SheetFace(0, BOX, name="Ann", known=True, person=7), offered(1, "Ann", 0.35), offered(2, "Ann", 0.62))
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    (ann,) = page.all("article", "p0")
    assert " ".join(ann.text.split()) == "Ann p7 1 face in 1 photo known offered for 2 faces 62 % 35 %"
    (unknown,) = page.all("article", "unknown")
    assert "Ann? 62 %" in " ".join(unknown.text.split())
    (caption,) = page.all("figcaption")
    assert "1 Ann? 35 % quality 70 2 Ann? 62 % quality 70" in " ".join(caption.text.split())
    assert [box.attributes["href"] for box in page.all("a", "offered")] == ["#only-unknown"] * 2
    (totals,) = page.all("dl", "totals")
    assert "offered2" in totals.text.split()
    (footer,) = page.all("footer")
    assert "how likely it is that person" in footer.text


def test_an_offer_of_a_person_who_is_not_on_the_page_is_told_too(tmp_path: Path) -> None:
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", offered(0, "Bob", 0.9999))), LIMITS))
    assert "Bob? 99 %" in page.all("figcaption")[0].text
    assert not page.all("article", "p0")


def test_of_many_groups_the_largest_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    faces = [SheetFace(at, BOX, group=at // 2) for at in range(2 * 63)]
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    assert len(page.all("article", "group")) == 60
    assert "and 3 smaller groups" in page.all("section", "groups")[0].text


def test_two_people_of_one_name_are_told_by_their_ids(tmp_path: Path) -> None:
    faces = (SheetFace(0, BOX, name="Ann", person=12), SheetFace(1, BOX, name="Ann", person=3))
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    assert [element.text for element in page.all("span", "id")] == ["p3", "p12"]


def test_without_groups_and_offers_nothing_is_said_of_them(tmp_path: Path) -> None:
    index = contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", SheetFace(0, BOX, name="Ann"))), LIMITS)
    page = Page(index)
    assert not page.all("section", "groups")
    assert not page.all("span", "id")
    assert "offered" not in "".join(element.text for element in page.all("main"))
    assert "question mark" not in page.all("footer")[0].text


def test_where_faces_are_linked_by_probability_no_distance_is_the_limit(tmp_path: Path) -> None:
    page = Page(contact_sheet.write(tmp_path, replace(sheet(photo(tmp_path)), threshold=None), LIMITS))
    (footer,) = page.all("footer")
    assert "nearer than" not in footer.text
    assert "depends on how alike other people are" in footer.text


def test_what_may_be_no_face_stands_so_and_the_foot_says_what_lists_it(tmp_path: Path) -> None:
    faces = (SheetFace(0, BOX, quality=70.0, may_be_none=True), SheetFace(1, BOX, name="Ann", known=True, person=7))
    page = Page(contact_sheet.write(tmp_path, sheet(photo(tmp_path, "a.jpg", *faces)), LIMITS))
    (caption,) = page.all("figcaption")
    assert "0 not a face? quality 70 1 Ann" in " ".join(caption.text.split())
    (unknown,) = page.all("article", "unknown")
    assert "not a face?" in unknown.text
    (footer,) = page.all("footer")
    assert "faces --not-face" in footer.text
