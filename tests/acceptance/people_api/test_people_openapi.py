"""The people API is as its /openapi.json describes it."""

from __future__ import annotations

import pytest

from tests.acceptance.people_api.conftest import StartPeople
from tests.openapi.run import OF_PEOPLE, findings
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows
from tests.servers.running_api import RunningApi
from tests.servers.running_people import KEYS, RunningPeople

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

FEW, MANY = 15, 300


@pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_the_people_api_answers_as_its_document_says(
    start_people: StartPeople, api: RunningApi, library: LibraryRows, rows: Rows, cases: int
) -> None:
    people = start_people(FACE_API_URL=api.url)
    ada, group = library.person("Ada", confirmed=1), library.group(3)
    for number in range(5):
        image = rows.image(filename=f"{number}.jpg")
        face = rows.face(image)
        library.indexed(face, image, number, person_id=ada if number in {1, 2, 3} else None, group_id=group)
    found = findings(people.url, KEYS["admin"], cases, seed=17, settings=OF_PEOPLE)
    assert found is None, found


def test_a_page_and_a_body_are_described_with_an_example_that_fits_the_form(people: RunningPeople) -> None:
    document = people.client.get("/openapi.json").json()
    assert document["security"] == [{"bearer": []}, {"header": []}]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"]["200"].get("content", {}).get("application/json", {})
            if path in {"/livez", "/readyz", "/metrics"}:
                continue
            schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            assert set(content["example"]) == set(schema["properties"]), path
            if "items" in content["example"]:
                item = schema["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
                assert set(content["example"]["items"][0]) == set(document["components"]["schemas"][item]["properties"])
            assert method == "get" or "example" in operation["requestBody"]["content"]["application/json"]
