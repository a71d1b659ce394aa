"""What is done to the world: a table of faults, each of which is over when its function returns."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable

from tests.chaos import verdict
from tests.chaos.world import World

#: Does it to the world; returns what exactly, for the line.
Fault = Callable[[World, random.Random], str]

#: Seconds that an outage takes, the shortest and the longest.
_SHORT, _LONG = 0.5, 5.0

#: Seconds after which a moved message is on the disk, and after which the broker is killed whatever it moves.
_STILL, _LONGEST_MOVE = 1.5, 30.0


def _outage(dice: random.Random) -> float:
    seconds = dice.uniform(_SHORT, _LONG)
    time.sleep(seconds)
    return seconds


def _worker(world: World, dice: random.Random) -> tuple[int, subprocess.Popen[bytes]]:
    number = dice.randrange(len(world.workers))
    return number, world.workers[number]


def kill_worker(world: World, dice: random.Random) -> str:
    number, worker = _worker(world, dice)
    worker.kill()
    worker.wait()
    return f"kill -9 of worker {number}"


def kill_all_workers(world: World, dice: random.Random) -> str:
    for worker in world.workers:
        worker.kill()
    for worker in world.workers:
        worker.wait()
    return "kill -9 of all workers"


def stop_worker(world: World, dice: random.Random) -> str:
    number, worker = _worker(world, dice)
    worker.send_signal(signal.SIGTERM)
    worker.wait(120)
    return f"SIGTERM to worker {number}, which left with {worker.returncode}"


def pause_worker(world: World, dice: random.Random) -> str:
    """Longer than the lock's time, now and then: another worker takes the image over."""
    number, worker = _worker(world, dice)
    worker.send_signal(signal.SIGSTOP)
    seconds = _outage(dice) * 1.6
    time.sleep(seconds * 0.375)
    worker.send_signal(signal.SIGCONT)
    return f"SIGSTOP of worker {number} for {seconds:.1f} s"


def _proxy(world: World, dice: random.Random) -> str:
    return dice.choice(sorted(world.proxies))


def reset(world: World, dice: random.Random) -> str:
    name = _proxy(world, dice)
    world.proxies[name].reset()
    return f"all connections to the {name} reset"


def refuse(world: World, dice: random.Random) -> str:
    name = _proxy(world, dice)
    world.proxies[name].cut()
    seconds = _outage(dice)
    world.proxies[name].heal()
    return f"the {name} refused connections for {seconds:.1f} s"


def swallow(world: World, dice: random.Random) -> str:
    name = _proxy(world, dice)
    world.proxies[name].swallow()
    seconds = _outage(dice)
    world.proxies[name].heal()
    return f"a black hole before the {name} for {seconds:.1f} s"


def swallow_and_reset(world: World, dice: random.Random) -> str:
    """What was sent into the hole never arrives."""
    name = _proxy(world, dice)
    world.proxies[name].swallow()
    seconds = _outage(dice)
    world.proxies[name].cut()
    world.proxies[name].heal()
    return f"a black hole before the {name} for {seconds:.1f} s that kept what it swallowed"


def slow(world: World, dice: random.Random) -> str:
    name = _proxy(world, dice)
    world.proxies[name].delay = 0.1
    seconds = _outage(dice)
    world.proxies[name].delay = 0.0
    return f"a slow way to the {name} for {seconds:.1f} s"


def kill_database(world: World, dice: random.Random) -> str:
    world.app.rows.close()
    world.mariadb.kill()
    seconds = _outage(dice)
    world.mariadb.start()
    return f"kill -9 of the database, away for {seconds:.1f} s"


def kill_broker(world: World, dice: random.Random) -> str:
    """But not while a message moves out of a delay queue: it lies on no disk for a moment, and RabbitMQ loses it."""
    world.proxies["broker"].cut()
    delayed = [name for name in verdict.queues(world) if ".delay." in name]
    world.rabbitmq.kill(lambda: _until_nothing_moves(world, delayed))
    seconds = _outage(dice)
    world.rabbitmq.start()
    world.proxies["broker"].heal()
    return f"kill -9 of the broker, away for {seconds:.1f} s"


def _until_nothing_moves(world: World, queues: list[str]) -> None:
    """Until these hold as many messages as a while ago."""
    end = time.monotonic() + _LONGEST_MOVE
    before, since = None, time.monotonic()
    while time.monotonic() < end and (before is None or time.monotonic() - since < _STILL):
        if (now := [world.rabbitmq.depth(queue) for queue in queues]) != before:
            before, since = now, time.monotonic()
        time.sleep(_STILL / 20)


def restart_broker(world: World, dice: random.Random) -> str:
    world.rabbitmq.stop()
    world.rabbitmq.start()
    return "a restart of the broker"


def starve_broker(world: World, dice: random.Random) -> str:
    world.rabbitmq.raise_memory_alarm()
    seconds = _outage(dice)
    world.rabbitmq.end_memory_alarm()
    return f"a memory alarm for {seconds:.1f} s"


def kill_cache(world: World, dice: random.Random) -> str:
    """Redis; a cache in the database goes with that."""
    if world.redis is None:
        return kill_database(world, dice)
    world.redis.kill()
    seconds = _outage(dice)
    world.redis.start()
    return f"kill -9 of Redis, away for {seconds:.1f} s"


def api_is_not_ready(world: World, dice: random.Random) -> str:
    """As while it starts: it answers, and takes no photos; those in hand are broken off."""
    world.api.ready = False
    world.proxies["api"].cut()
    seconds = _outage(dice)
    world.proxies["api"].heal()
    world.api.ready = True
    return f"a restart of the API that took {seconds:.1f} s"


#: Kinds, and how often each comes: what costs much machine time comes seldom.
FAULTS: dict[Fault, int] = {
    kill_worker: 6,
    kill_all_workers: 2,
    stop_worker: 2,
    pause_worker: 5,
    reset: 6,
    refuse: 5,
    swallow: 4,
    swallow_and_reset: 4,
    slow: 2,
    kill_database: 3,
    kill_broker: 2,
    restart_broker: 1,
    starve_broker: 1,
    kill_cache: 2,
    api_is_not_ready: 3,
}


def chosen(dice: random.Random, number: int) -> list[Fault]:
    """So many faults in an order of the dice's; each kind comes once before any is drawn by its weight."""
    kinds = list(FAULTS)
    first = dice.sample(kinds, min(number, len(kinds)))
    more = dice.choices(kinds, [FAULTS[kind] for kind in kinds], k=number - len(first))
    faults = first + more
    dice.shuffle(faults)
    return faults
