from __future__ import annotations

import pytest

from faces.errors import SettingsError
from faces.laravel.slug import slug


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Laravel", "laravel"),
        ("Mig", "mig"),
        ("My App é", "my_app_e"),
        ("Фото Галерея", "foto_galereia"),
        ("A&B", "ab"),
        ("x@y", "x_at_y"),
        ("日本", ""),
        ("", ""),
        ("Фото-альбом – 2", "foto_albom_2"),
        ("Straße_Œuvre", "strasse_oeuvre"),
        ("Photos 📷", "photos"),
    ],
)
def test_a_name_is_written_as_laravel_writes_it(name: str, made: str) -> None:
    assert slug(name) == made


@pytest.mark.parametrize("name", ["Ελλάδα", "नमस्ते", "Ƒoto"])
def test_a_letter_that_we_may_write_otherwise_asks_for_the_prefixes(name: str) -> None:
    with pytest.raises(SettingsError, match=r"APP_NAME: found .* needed CACHE_PREFIX"):
        slug(name)
