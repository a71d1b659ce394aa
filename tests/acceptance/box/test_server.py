"""A bare server with MariaDB and RabbitMQ: one command from a clone to faces in rows, and what befalls it then.

The tests go on from each other: the first one installs.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.servers.app_schema import V2
from tests.servers.machine import ROOT, Machine, running_server
from tests.servers.photo_app import command_of, payload_of

pytestmark = pytest.mark.long

APP = "/var/www/photo"
DISK = f"{APP}/storage/app/private"
PUBLISH_MESSAGES = "/opt/face-sidecar/current/.venv/bin/python /root/publish.py"
AS_A_PERSON = "su ada -c"

ENV = """APP_NAME="Photo App"
APP_KEY=base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
DB_CONNECTION=mysql
DB_HOST=127.0.0.1
DB_DATABASE=photo
DB_USERNAME=photo
DB_PASSWORD="a secret # word"
QUEUE_CONNECTION=rabbitmq
RABBITMQ_HOST=127.0.0.1
CACHE_STORE=database
"""

#: Publishes every line of a file as php-amqplib does, with so many seconds between two.
PUBLISH = """
import pika, sys, time
connection = pika.BlockingConnection()
channel = connection.channel()
channel.queue_declare("faces", durable=True)
for line in open("/root/messages"):
    headers = {"laravel": {"attempts": 0}}
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=2, headers=headers)
    channel.basic_publish("", "faces", line.strip().encode(), properties)
    time.sleep(float(sys.argv[1]))
connection.close()
"""

Wait = Callable[..., None]


@pytest.fixture(scope="module")
def face_photo(samples: Path) -> bytes:
    return (samples / "known/Joe Biden.jpg").read_bytes()


@pytest.fixture(scope="module")
def server(face_photo: bytes) -> Iterator[Machine]:
    with running_server() as server:
        server.put("/etc/sudoers.d/ada", "ada ALL=(ALL) NOPASSWD:ALL\n", "440")
        server.run("useradd -m -s /bin/bash ada")
        server.put("/root/publish.py", PUBLISH)
        server.put("/root/post_photos.py", (ROOT / "tests/servers/post_photos.py").read_text())
        server.put("/srv/face.jpg", face_photo)
        server.run(f"mkdir -p {DISK}/2020")
        server.put("/srv/large.jpg", large_photo())
        server.put(f"{APP}/.env", ENV, "640")
        server.run(f"groupadd web && chown -R www-data:www-data {APP} && chgrp -R web {DISK}")
        server.run(f"find {DISK} -type d -exec chmod 2775 {{}} +")
        server.put("/root/schema.sql", ";\n".join(V2) + ";\n")
        server.run(
            "mariadb -e \"CREATE DATABASE photo; CREATE USER photo@127.0.0.1 IDENTIFIED BY 'a secret # word'; "
            'GRANT ALL ON photo.* TO photo@127.0.0.1" && mariadb photo < /root/schema.sql'
        )
        # What a person clones.
        server.put_project("/srv/project")
        commit = "git -c user.name=a -c user.email=a commit -q -m 'as it is'"
        server.run(f"cd /srv/project && git init -q && git add -A && {commit} && chmod -R a+rX .")
        server.run(f"{AS_A_PERSON} 'git config --global safe.directory \"*\"'")
        yield server
        print(server.log("face-api")[-3000:], server.log("face-worker@*")[-3000:])  # noqa: T201  for a test that fails


def large_photo() -> bytes:
    """64 megapixels, which an engine needs 200 MB more for than for nothing."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((8000, 8000)).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def rows(server: Machine, query: str) -> list[list[str]]:
    return [line.split("\t") for line in server.run(f'mariadb -N photo -e "{query}"').splitlines()]


def queue(server: Machine, photo: bytes, count: int = 1) -> list[int]:
    """New images of this photo, and their jobs on the queue."""
    images = prepare(server, photo, count)
    server.run(f"{PUBLISH_MESSAGES} 0")
    return images


def prepare(server: Machine, photo: bytes, count: int) -> list[int]:
    """New images of this photo on the disk, each a file of its own, and the messages of their jobs in a file."""
    names = [f"{uuid.uuid4()}.jpg" for _ in range(count)]
    for name in names:
        # One photo that ends two processes is refused: a comment makes it another one.
        server.put(f"{DISK}/2020/{name}", photo[:2] + b"\xff\xfe\x00\x26" + name[:36].encode() + photo[2:])
    values = ", ".join(f"('local', '2020', '{name}')" for name in names)
    inserted = f"INSERT INTO images (disk, path, filename) VALUES {values}; SELECT LAST_INSERT_ID()"
    first = int(rows(server, inserted)[0][0])
    images = list(range(first, first + count))
    bodies = [json.dumps(payload_of(command_of(image, "faces"))) for image in images]
    server.put("/root/messages", "\n".join(bodies) + "\n")
    return images


def are_done(server: Machine, images: list[int]) -> bool:
    query = f"SELECT COUNT(*) FROM images WHERE id BETWEEN {images[0]} AND {images[-1]} AND faces_checked"
    return rows(server, query) == [[str(len(images))]]


def assert_exactly_once(server: Machine, images: list[int], faces_each: int) -> None:
    """Each image has its faces once, no try was a failure, and nobody holds anything any more."""
    found = rows(
        server,
        "SELECT COUNT(DISTINCT image_id), COUNT(*) FROM faces "
        f"WHERE image_id BETWEEN {images[0]} AND {images[-1]} AND deleted_at IS NULL",
    )
    assert found == [[str(len(images) if faces_each else 0), str(len(images) * faces_each)]]
    assert rows(server, "SELECT (SELECT COUNT(*) FROM failed_jobs), (SELECT COUNT(*) FROM queues)") == [["0", "0"]]


def has_a_photo_in_hand(server: Machine) -> bool:
    return server.run("ls /var/lib/face-sidecar/in_hand", code=None) != ""


def test_one_command_from_a_clone_to_rows_and_a_debug_picture(
    server: Machine, face_photo: bytes, wait_for: Wait
) -> None:
    server.run(f"{AS_A_PERSON} 'git clone -q /srv/project ~/face-sidecar'")
    said = server.run(f"{AS_A_PERSON} 'cd ~/face-sidecar && sudo ./install.sh --yes --with-worker 2'")
    assert said.splitlines()[-5].strip().startswith("The face API answers at http://127.0.0.1:5000 (")
    assert "a secret" not in server.run("cat /etc/face-sidecar/face.env")
    (image,) = queue(server, face_photo)
    wait_for(lambda: are_done(server, [image]), seconds=60)
    assert_exactly_once(server, [image], 1)
    (row,) = rows(server, f"SELECT faces_checked, debug_filename, last_error FROM images WHERE id = {image}")
    assert row[0] == "1"
    assert row[2] == "NULL"
    assert server.run(f"stat -c '%U:%G %a' {DISK}/2020/debug/{row[1]}") == "www-data:web 664"
    assert "2 workers; jobs: 1 done" in server.run(f"{AS_A_PERSON} 'sudo face-sidecar status'")


def test_what_is_killed_with_a_photo_in_hand_loses_and_doubles_nothing(
    server: Machine, face_photo: bytes, wait_for: Wait
) -> None:
    server.run("echo FACE_FAST=none >> /etc/face-sidecar/face.env && systemctl restart face-api")
    images = queue(server, face_photo, 8)
    kills = {
        "an engine": "pkill -9 -P $(systemctl show -P MainPID face-api) -o",
        "a worker": "kill -9 $(systemctl show -P MainPID face-worker@1)",
        "the master": "kill -9 $(systemctl show -P MainPID face-api)",
    }
    for kill in kills.values():
        wait_for(lambda: has_a_photo_in_hand(server), seconds=120, pause=0)
        server.run(kill)
    wait_for(lambda: are_done(server, images), seconds=240)
    assert_exactly_once(server, images, 1)


def test_a_worker_that_is_told_to_stop_finishes_its_photo(server: Machine, slow_photo: bytes, wait_for: Wait) -> None:
    server.run("systemctl stop face-worker@2")
    images = queue(server, slow_photo, 3)
    wait_for(lambda: has_a_photo_in_hand(server), seconds=60, pause=0)
    server.run("systemctl stop face-worker@1")
    assert server.says("Result", "face-worker@1") == "success"
    done = rows(server, f"SELECT COUNT(*) FROM images WHERE id >= {images[0]} AND faces_checked")
    assert done == [["1"]]
    server.run("systemctl start face-worker@1 face-worker@2")
    wait_for(lambda: are_done(server, images), seconds=120)


def test_a_reboot_with_jobs_in_hand_loses_and_doubles_nothing(
    server: Machine, face_photo: bytes, wait_for: Wait
) -> None:
    images = queue(server, face_photo, 6)
    wait_for(lambda: has_a_photo_in_hand(server), seconds=60, pause=0)
    server.halt()
    server.boot()
    server.connect()
    wait_for(lambda: are_done(server, images), seconds=240)
    assert_exactly_once(server, images, 1)
    units = "face.target face-api.socket face-api face-worker@1 face-worker@2"
    assert server.run(f"systemctl is-active {units}").split() == ["active"] * 5


def test_a_process_that_is_out_of_memory_ends_alone(server: Machine, wait_for: Wait) -> None:
    server.run("sed -i /FACE_FAST/d /etc/face-sidecar/face.env && systemctl restart face-api")
    before = server.says("MainPID", "face-api")
    used = int(server.says("MemoryCurrent", "face-api")) // 1024**2
    server.run(f"systemctl set-property --runtime face-api MemoryHigh=infinity MemoryMax={used + 60}M")
    told: list[str] = []

    def is_refused() -> bool:
        """It has ended two processes; on a busy machine that takes them more than a second."""
        told.append(server.run("python3 /root/post_photos.py /srv/large.jpg 1"))
        return "'422'" in told[-1]

    wait_for(is_refused, what="the refusal of the photo", seconds=120)
    server.run("systemctl set-property --runtime face-api MemoryMax=infinity")
    assert "'200'" not in str(told)
    assert server.says("MainPID", "face-api") == before
    assert server.says("NRestarts", "face-api") == "0"
    wait_for(
        lambda: server.run("curl -s -m 5 -o /dev/null -w '%{http_code}' 127.0.0.1:5000/readyz", code=None) == "200"
    )


def test_an_upgrade_under_load_fails_no_request_and_no_job(server: Machine, face_photo: bytes, wait_for: Wait) -> None:
    before = server.run("readlink /opt/face-sidecar/current")
    server.run(
        "cd /srv/project && echo '# newer' >> face_api/main.py && git -c user.name=a -c user.email=a commit -qam newer"
    )
    server.run(f"{AS_A_PERSON} 'cd ~/face-sidecar && git pull -q'")
    images = prepare(server, face_photo, 240)
    told = server.run(
        f"python3 /root/post_photos.py /srv/face.jpg 600 /root/done & {PUBLISH_MESSAGES} 0.5 & "
        f"{AS_A_PERSON} 'cd ~/face-sidecar && sudo ./install.sh --yes' >/root/upgraded; sleep 2; touch /root/done; wait"
    )
    assert server.run("readlink /opt/face-sidecar/current") != before
    assert re.fullmatch(r"\{'200': \d+\} [\d.]+", told)
    wait_for(lambda: are_done(server, images), seconds=180)
    assert_exactly_once(server, images, 1)
