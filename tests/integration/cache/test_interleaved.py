"""Two PHP processes and two of ours want one lock again and again: never are two inside at once, in both stores."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from tests.integration.cache.conftest import Place
from tests.servers.php import STORES, php_talk

#: How often each of the four is inside.
ROUNDS = 15

_PHP = (
    STORES
    + """
$in = json_decode(fgets(STDIN));
$cache = cache($in);
answer('ready');
fgets(STDIN);
for ($round = 0; $round < $in->rounds; $round++) {
    usleep(random_int(20000, 100000));
    $cache->lock('face-processing:1', 60)->block(120, function () use ($in) {
        $inside = fopen($in->folder . '/inside', 'x');
        usleep(random_int(1000, 8000));
        file_put_contents($in->folder . '/seen', "php $in->name\\n", FILE_APPEND);
        unlink($in->folder . '/inside');
    });
}
answer('done');
"""
)

#: Its words: folder, name, rounds; then what opens the cache.
_OURS = """
import os, random, sys, threading, time
from pathlib import Path
from faces.store.database import Store
from tests.integration.cache.conftest import PREFIX, redis_cache
from faces.store.cache import DatabaseCache
from worker.laravel.lock_and_mark import image_lock
folder, name, rounds, kind, where = Path(sys.argv[1]), *sys.argv[2:]
cache = redis_cache(int(where)) if kind == "redis" else DatabaseCache(Store.open(where), PREFIX)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(rounds)):
    time.sleep(random.uniform(0.02, 0.1))
    with image_lock(cache, 1, 60, 120, threading.Event()) as lock:
        os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
        time.sleep(random.uniform(0.001, 0.008))
        assert lock.is_ours()
        with (folder / "seen").open("a") as seen:
            seen.write(f"ours {name}\\n")
        (folder / "inside").unlink()
"""


def test_two_of_php_and_two_of_ours_are_never_inside_together(place: Place, tmp_path: Path) -> None:
    where = place.for_php
    url = f"mysql+pymysql://root@127.0.0.1:{where['port']}/{where.get('database')}"
    words = [where["store"], str(where["port"]) if where["store"] == "redis" else url]
    with ExitStack() as stack:
        phps = [stack.enter_context(php_talk(_PHP)) for _ in range(2)]
        for name, talk in enumerate(phps):
            assert talk.ask(where | {"folder": str(tmp_path), "name": name, "rounds": ROUNDS}) == "ready"
        ours = [stack.enter_context(_ours(tmp_path, str(name), str(ROUNDS), *words)) for name in range(2)]
        assert [process.stdout.readline() for process in ours if process.stdout] == ["ready\n"] * 2
        for stdin in (process.stdin for process in ours if process.stdin):
            stdin.write("go\n")
            stdin.flush()
        for talk in phps:
            talk.tell("go")
        assert [process.communicate(timeout=120) for process in ours] == [("", "")] * 2
        assert [talk.hear() for talk in phps] == ["done", "done"]
    seen = (tmp_path / "seen").read_text().splitlines()
    assert Counter(seen) == {f"{side} {name}": ROUNDS for side in ("php", "ours") for name in range(2)}
    changes = sum(one != other for one, other in pairwise(seen))
    assert changes >= ROUNDS, "they took turns"


def _ours(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _OURS, *map(str, words)],
        cwd=Path(__file__).resolve().parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
