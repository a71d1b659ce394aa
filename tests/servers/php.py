"""PHP with a real Laravel: Debian's php-cli and php-laravel-framework, spoken to in JSON."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

#: Everything but deprecations: Debian's Laravel is older than its PHP.
_REPORTED = 32767 - 8192 - 16384

_COMMAND = [
    *("php", "-d", f"error_reporting={_REPORTED}", "-d", "display_errors=stderr", "-d", "memory_limit=1G"),
    *("-d", "include_path=/usr/share/php"),
]

#: `$in` is what the test sent, `answer` what it gets. Errors end the script, with their text for the test.
_PRELUDE = """
set_error_handler(function ($level, $text, $file, $line) {
    if (error_reporting() & $level) throw new ErrorException($text, 0, $level, $file, $line);
});
require_once 'Illuminate/autoload.php';
require_once 'PhpAmqpLib/autoload.php';
/** As much of an application as artisan's commands ask for, in each version of Laravel. */
class App extends Illuminate\\Container\\Container {
    function runningUnitTests() { return false; }
}
function answer($value) {
    echo json_encode($value, JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR), "\\n";
}
"""

#: `database($url)`: Laravel's connection; `cache($in)`: its cache store on a test's server, as `CacheOfPhp` asks.
STORES = """
use Illuminate\\Cache\\DatabaseStore;
use Illuminate\\Cache\\RedisStore;
use Illuminate\\Database\\Capsule\\Manager;
use Illuminate\\Redis\\RedisManager;
function database($port, $name) {
    $manager = new Manager;
    $manager->addConnection([
        'driver' => 'mysql', 'host' => '127.0.0.1', 'port' => $port, 'database' => $name, 'username' => 'root',
        'password' => '', 'charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci', 'strict' => true, 'prefix' => '',
    ]);
    return $manager->getConnection();
}
function cache($in) {
    if ($in->store === 'database')
        return new DatabaseStore(database($in->port, $in->database), 'cache', $in->prefix, 'cache_locks');
    $server = ['host' => '127.0.0.1', 'port' => $in->port];
    $manager = new RedisManager(new Illuminate\\Container\\Container, 'phpredis', [
        'options' => ['prefix' => $in->redis_prefix],
        'default' => $server + ['database' => 0], 'cache' => $server + ['database' => 1],
    ]);
    return (new RedisStore($manager, $in->prefix, 'cache'))->setLockConnection('default');
}
"""


def run_php(code: str, value: Any = None, *options: str) -> Any:
    """What a script answers (`answer(…)`, once) to `value` (`$in`, objects as stdClass); options of PHP's command."""
    with php_talk("$in = json_decode(fgets(STDIN));\n" + code, *options) as talk:
        return talk.ask(value)


class Talk:
    """A PHP script that runs: one line of JSON to it, one from it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def ask(self, value: Any) -> Any:
        """Send a value and read the answer."""
        self.tell(value)
        return self.hear()

    def tell(self, value: Any) -> None:
        """Send a value."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Read an answer."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr
            raise AssertionError(f"PHP ended without an answer: {self._process.stderr.read()[:3000]}")
        return json.loads(line)


@contextlib.contextmanager
def php_talk(code: str, *options: str) -> Iterator[Talk]:
    """A script that runs for as long as the block; it should end when its STDIN does."""
    try:
        process = subprocess.Popen(
            [*_COMMAND, *options, "-r", _PRELUDE + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError:
        raise RuntimeError(
            "found no PHP, needed php-cli and php-laravel-framework: script/test installs them"
        ) from None
    try:
        yield Talk(process)
    finally:
        process.kill()
        process.communicate()
