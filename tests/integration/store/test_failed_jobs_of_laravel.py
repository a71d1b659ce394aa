"""Our rows in `failed_jobs`, taken by real Laravel: `queue:failed`, `:retry`, `:forget`, `:prune-failed`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from faces.store.database import Store
from faces.store.failed_jobs import FailedJob
from tests.fixtures.laravel import captured
from tests.servers.php import STORES, php_talk
from tests.servers.rows import Rows
from worker.laravel.failures import Failure, record_failure
from worker.laravel.message import Command, Envelope

pytestmark = pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)

#: Runs artisan's own commands on the table; what they push is told instead of sent.
_ARTISAN = (
    STORES
    + r"""
class FaceProcessJob { protected $taskData; public $queue, $delay, $chained, $chainQueue, $chainCatchCallbacks; }
class_alias('FaceProcessJob', 'App\Jobs\FaceProcessJob');
use Illuminate\Queue\Console as Commands;
use Symfony\Component\Console\Tester\CommandTester;
class Pushed {
    public $jobs = [];
    function connection($name) { $this->name = $name; return $this; }
    function pushRaw($payload, $queue) { $this->jobs[] = [$this->name, $queue, $payload]; }
}
class Resolver implements Illuminate\Database\ConnectionResolverInterface {
    function __construct($connection) { $this->connection = $connection; }
    function connection($name = null) { return $this->connection; }
    function getDefaultConnection() { return ''; }
    function setDefaultConnection($name) {}
}
$in = json_decode(fgets(STDIN));
$app = new App;
$resolver = new Resolver(database($in->port, $in->database));
$app->instance('queue.failer', new Illuminate\Queue\Failed\DatabaseUuidFailedJobProvider($resolver, '', 'failed_jobs'));
$app->instance('events', new Illuminate\Events\Dispatcher($app));
answer('ready');
$commands = [
    'queue:failed' => Commands\ListFailedCommand::class, 'queue:retry' => Commands\RetryCommand::class,
    'queue:forget' => Commands\ForgetFailedCommand::class,
    'queue:prune-failed' => Commands\PruneFailedJobsCommand::class,
];
while ($line = fgets(STDIN)) {
    $in = json_decode($line);
    $app->instance('queue', $pushed = new Pushed);
    $command = new $commands[$in->command];
    $command->setLaravel($app);
    $tester = new CommandTester($command);
    $code = $tester->execute((array) $in->arguments);
    answer(['code' => $code, 'text' => $tester->getDisplay(), 'pushed' => $pushed->jobs]);
}
"""
)

Artisan = Callable[..., dict[str, Any]]


@pytest.fixture
def artisan(url: str) -> Iterator[Artisan]:
    server, _, name = url.rpartition("/")
    with php_talk(_ARTISAN) as talk:
        assert talk.ask({"port": int(server.rpartition(":")[2]), "database": name}) == "ready"

        def run(command: str, **arguments: Any) -> dict[str, Any]:
            answer: dict[str, Any] = talk.ask({"command": command, "arguments": arguments})
            return answer

        yield run


def fail(store: Store, body: bytes, text: str = "faces.errors.FileMissing: there is no file") -> str:
    try:
        uuid = Envelope.decode(body).uuid
    except Exception:  # noqa: BLE001  what cannot be read has no name
        uuid = None
    job = FailedJob.of(uuid, "rabbitmq", "faces", body, text)
    record_failure(store, Failure(job), lambda _body: None, patience=0)
    return job.uuid


def body_of(case: str, laravel: str = "12.19.3") -> bytes:
    return captured.bytes_of(captured.message(laravel, case)["body"])


def test_queue_failed_lists_them(store: Store, rows: Rows, artisan: Artisan) -> None:
    uuid = fail(store, body_of("on_queue_faces"))
    told = artisan("queue:failed")["text"]
    at = str(rows.one("SELECT failed_at FROM failed_jobs")["failed_at"])
    for word in (uuid, "rabbitmq", "faces", "App\\Jobs\\FaceProcessJob", at):
        assert word in told


@pytest.mark.parametrize("case", ["on_queue_faces", "unicode", "chain_bus_on_queue", "tuned", "delay_60"])
def test_queue_retry_pushes_the_same_job_and_deletes_the_row(
    store: Store, rows: Rows, artisan: Artisan, case: str
) -> None:
    body = body_of(case)
    uuid = fail(store, body)
    answer = artisan("queue:retry", id=[uuid])
    assert uuid in answer["text"]
    ((connection, queue, payload),) = answer["pushed"]
    assert connection == "rabbitmq"
    assert queue == "faces"
    assert json.loads(payload) == json.loads(body)
    assert rows.read("SELECT * FROM failed_jobs") == []
    before, after = Envelope.decode(body), Envelope.decode(payload.encode())
    assert after.uuid == before.uuid
    assert after.id == before.id
    assert after.class_name == before.class_name
    assert Command.read(after, []).image_id == Command.read(before, []).image_id


def test_queue_retry_all_takes_ours_with_php_s_own(store: Store, rows: Rows, artisan: Artisan) -> None:
    ours = fail(store, body_of("on_queue_faces"))
    php = body_of("unicode").decode()
    rows.run(
        "INSERT INTO failed_jobs (uuid, connection, queue, payload, exception)"
        " VALUES (:uuid, 'rabbitmq', 'faces', :payload, 'RuntimeException: x in a.php:1')",
        uuid=json.loads(php)["uuid"],
        payload=php,
    )
    pushed = [json.loads(job[2])["uuid"] for job in artisan("queue:retry", **{"--queue": "faces"})["pushed"]]
    assert sorted(pushed) == sorted([ours, json.loads(php)["uuid"]])
    assert rows.read("SELECT * FROM failed_jobs") == []


def test_queue_forget_finds_a_row_by_its_uuid(store: Store, rows: Rows, artisan: Artisan) -> None:
    kept, uuid = fail(store, body_of("unicode")), fail(store, body_of("on_queue_faces"))
    assert artisan("queue:forget", id=uuid)["code"] == 0
    assert [row["uuid"] for row in rows.read("SELECT uuid FROM failed_jobs")] == [kept]


def test_queue_prune_failed_knows_how_old_they_are(store: Store, rows: Rows, artisan: Artisan) -> None:
    fail(store, body_of("unicode"))
    rows.run("UPDATE failed_jobs SET failed_at = failed_at - INTERVAL 3 HOUR")
    young = fail(store, body_of("on_queue_faces"))
    assert artisan("queue:prune-failed", **{"--hours": 2})["code"] == 0
    assert [row["uuid"] for row in rows.read("SELECT uuid FROM failed_jobs")] == [young]


@pytest.mark.parametrize("garbage", [b"not JSON", b"{}", b"[]", b'"text"', b"17", b"\xff\xfe"])
def test_a_row_of_garbage_breaks_no_command(store: Store, rows: Rows, artisan: Artisan, garbage: bytes) -> None:
    uuid = fail(store, garbage)
    assert uuid in artisan("queue:failed")["text"]
    assert artisan("queue:forget", id=uuid)["code"] == 0
    assert rows.read("SELECT * FROM failed_jobs") == []
