"""What a worker looks at, tries and waits for before its first job, on each of the app's versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.steps import name_of, row_of, scripted, work
from tests.servers.app_schema import V1, V2, V2_NEW, V3, V4, V5
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE, near
from tests.servers.photo_app import NOTHING_LEFT, NewApp, PhotoApp
from tests.servers.scripted_api import ScriptedApi, finds
from tests.servers.sidecar import create_tables

Wait = Callable[..., None]

#: The rights that docs/queue.md lists.
RIGHTS = {
    "images": "SELECT, UPDATE",
    "faces": "SELECT, INSERT, UPDATE",
    "persons": "SELECT",
    "queues": "SELECT, DELETE",
    "failed_jobs": "SELECT, INSERT, UPDATE",
    "cache": "SELECT, INSERT, UPDATE, DELETE",
    "cache_locks": "SELECT, INSERT, UPDATE, DELETE",
}


def limited(app: PhotoApp, mariadb: MariaDB, **rights: str) -> str:
    """Give the app a user who may do this and no more; returns its name."""
    database = app.url.rpartition("/")[2]
    user = f"u_{database}"
    mariadb.run(f"CREATE USER {user}")
    for table, right in {**RIGHTS, **rights}.items():
        mariadb.run(f"GRANT {right} ON {database}.{table} TO {user}")
    app.variables["DB_USERNAME"] = user
    app.write_env()
    return user


@pytest.mark.parametrize("schema", [V1, V2, V2_NEW, V3], ids=["v1", "v2", "v2 made new", "v3"])
def test_versions_before_persons_took_over_link_faces_to_faces(
    new_app: NewApp, api: ScriptedApi, schema: tuple[str, ...]
) -> None:
    app = new_app(schema=schema)
    master = app.rows.master(PEOPLE[0])
    image = scripted(app, api, finds(near(PEOPLE[0], 0.3)))
    app.push(image)
    work(app, 1)
    (face,) = app.rows.faces(image)
    assert face["parent_id"] == master
    assert face["status"] == "process"
    assert face.get("person_id") is None
    assert dict(api.seen[0].fields) == {
        "original_path": f"{app.disk}/2020/{name_of(app, image)}",
        "image_debug_subdir": "debug",
    }
    assert app.leftovers() == NOTHING_LEFT


@pytest.mark.parametrize(("schema", "quality"), [(V4, None), (V5, "80")], ids=["v4", "v5"])
def test_the_debug_picture_is_asked_for_as_the_version_does_it(
    new_app: NewApp, api: ScriptedApi, schema: tuple[str, ...], quality: str | None
) -> None:
    app = new_app(schema=schema, variables={"IMAGE_DEBUG_SUBDIR": "drawn"})
    app.push(scripted(app, api, finds()))
    app.push(scripted(app, api, finds()))
    work(app, 1, FACE_COMPLETION_EVENT="none")
    work(app, 1, FACE_COMPLETION_EVENT="none", FACE_DEBUG_SUBDIR="ours")
    assert [seen.fields["image_debug_subdir"] for seen in api.seen] == ["drawn", "ours"]
    assert [seen.fields.get("webp_quality") for seen in api.seen] == [quality] * 2
    assert list(api.seen[0].fields)[:2] == ["original_path", "image_debug_subdir"]


def test_the_apps_threshold_counts_and_ours_before_it(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app(variables={"FACE_RECOGNITION_THRESHOLD": "0.25"})
    master = app.rows.master(PEOPLE[0])
    images = [scripted(app, api, finds(near(PEOPLE[0], 0.3))) for _ in range(2)]
    app.push(images[0])
    work(app, 1)
    app.push(images[1])
    work(app, 1, FACE_THRESHOLD="0.35")
    assert [app.rows.faces(image)[0]["parent_id"] for image in images] == [None, master]


@pytest.mark.parametrize(
    ("name", "value"), [("FACE_RECOGNITION_THRESHOLD", "near"), ("IMAGE_DEBUG_SUBDIR", "../debug")]
)
def test_a_wrong_value_of_the_apps_is_refused_by_name(new_app: NewApp, name: str, value: str) -> None:
    _, err = new_app(variables={name: value}).worker().run("run", code=2)
    assert f"{name}: found '{value}', needed " in err


def test_a_worker_with_few_rights_does_its_jobs(app: PhotoApp, api: ScriptedApi, mariadb: MariaDB) -> None:
    limited(app, mariadb)
    image = scripted(app, api, finds(PEOPLE[0]))
    app.push(image)
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1
    assert app.leftovers() == NOTHING_LEFT


def test_a_right_that_is_missing_ends_the_start_and_is_named(app: PhotoApp, api: ScriptedApi, mariadb: MariaDB) -> None:
    user = limited(app, mariadb, failed_jobs="SELECT")
    image = scripted(app, api, finds())
    app.push(image)
    _, err = app.worker().run("run", code=1)
    assert "INSERT on failed_jobs refused: INSERT command denied" in err
    assert row_of(app, image)["faces_checked"] == 0
    mariadb.run(f"GRANT INSERT ON {app.url.rpartition('/')[2]}.failed_jobs TO {user}")
    work(app, 1)
    assert row_of(app, image)["faces_checked"] == 1


def test_a_read_only_database_is_waited_for(app: PhotoApp, api: ScriptedApi, mariadb: MariaDB, wait_for: Wait) -> None:
    limited(app, mariadb)
    image = scripted(app, api, finds())
    app.push(image)
    worker = app.worker()
    mariadb.run("SET GLOBAL read_only = 1")
    try:
        process = worker.start("run", "--max-jobs", 1)
        wait_for(lambda: "read-only" in worker.output_of(worker.start("status"))[0], seconds=60)
        assert process.poll() is None
    finally:
        mariadb.run("SET GLOBAL read_only = 0")
    _, err = worker.end_of(process)
    assert "waiting for the database" in err
    assert row_of(app, image)["faces_checked"] == 1
    assert app.failed() == []


def test_a_unique_number_of_faces_is_told(new_app: NewApp, api: ScriptedApi) -> None:
    app = new_app(schema=(*V2, "CREATE UNIQUE INDEX numbers ON faces (image_id, face_index)"))
    app.push(scripted(app, api, finds(PEOPLE[0])))
    assert "found a UNIQUE index over faces.image_id and faces.face_index" in work(app, 1)


def test_failed_jobs_is_needed_as_the_apps_driver_uses_it(new_app: NewApp, api: ScriptedApi) -> None:
    without_uuid = (*V2, "ALTER TABLE failed_jobs DROP COLUMN uuid")
    _, err = new_app(schema=without_uuid).worker().run("run", code=1)
    assert "failed_jobs.uuid" in err
    for driver, schema in (("database", without_uuid), ("null", (*V2, "DROP TABLE failed_jobs"))):
        app = new_app(schema=schema, variables={"QUEUE_FAILED_DRIVER": driver})
        image = scripted(app, api, finds())
        app.push(image)
        work(app, 1)
        assert row_of(app, image)["faces_checked"] == 1, driver
    _, err = new_app(variables={"QUEUE_FAILED_DRIVER": "dynamodb"}).worker().run("run", code=2)
    assert "QUEUE_FAILED_DRIVER: found dynamodb" in err


@pytest.mark.parametrize("rule", ["nearest", "calibrated"])
def test_the_log_says_what_links_faces_by_itself_and_jobs_keep_people_and_groups(
    new_app: NewApp, api: ScriptedApi, rule: str
) -> None:
    app = new_app(schema=V1)
    older = scripted(app, api, finds(PEOPLE[0]))
    app.push(older)
    assert "what links faces by itself (FACE_MATCH): nearest; without tables of people and groups" in work(app, 1)
    create_tables(app.url, match_rule="nearest")
    image = scripted(app, api, finds(PEOPLE[1], PEOPLE[2]))
    app.push(image)
    log = work(app, 1, FACE_MATCH=rule)
    assert f"what links faces by itself (FACE_MATCH): {rule}; with tables of people and groups" in log
    members = app.rows.read("SELECT face_id FROM face_sidecar_group_members ORDER BY face_id")
    # The job's own faces, and those that are older than the tables: a worker looks at what others have written.
    assert [row["face_id"] for row in members] == [face["id"] for one in (older, image) for face in app.rows.faces(one)]
    assert app.leftovers() == NOTHING_LEFT
