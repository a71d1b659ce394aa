"""Ours against the real Illuminate: each side sees the other's locks and values, in both stores."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.integration.cache.conftest import CacheOfPhp
from worker.laravel.app_cache import AppCache

KEY = "face-processing:1"


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_php_refuses_a_lock_that_we_hold(cache: AppCache, php: CacheOfPhp) -> None:
    assert cache.acquire(KEY, "a" * 16, 60)
    assert php("acquire", KEY, seconds=60, owner="b" * 16) is False


def test_we_refuse_a_lock_that_php_holds_and_know_its_owner(cache: AppCache, php: CacheOfPhp) -> None:
    assert php("acquire", KEY, seconds=60, owner="b" * 16) is True
    assert not cache.acquire(KEY, "a" * 16, 60)
    assert cache.owner_of(KEY) == "b" * 16


def test_php_takes_what_we_gave_back(cache: AppCache, php: CacheOfPhp) -> None:
    cache.acquire(KEY, "a" * 16, 60)
    assert cache.release(KEY, "a" * 16)
    assert php("acquire", KEY, seconds=60) is True


def test_we_take_what_php_gave_back(cache: AppCache, php: CacheOfPhp) -> None:
    php("acquire", KEY, seconds=60, owner="b" * 16)
    assert php("release", KEY, owner="b" * 16) is True
    assert cache.acquire(KEY, "a" * 16, 60)


def test_a_php_that_waits_gets_the_lock_that_we_give_back(cache: AppCache, php: CacheOfPhp) -> None:
    cache.acquire(KEY, "a" * 16, 60)
    php.begin("block", KEY, seconds=60, owner="b" * 16, wait=30)
    cache.release(KEY, "a" * 16)
    assert php.end() is True
    assert cache.owner_of(KEY) == "b" * 16


def test_neither_can_give_back_the_others(cache: AppCache, php: CacheOfPhp) -> None:
    cache.acquire(KEY, "a" * 16, 60)
    assert php("release", KEY, owner="b" * 16) is False
    assert cache.owner_of(KEY) == "a" * 16
    cache.forget_lock(KEY)
    php("acquire", KEY, seconds=60, owner="b" * 16)
    assert not cache.release(KEY, "a" * 16)
    assert cache.owner_of(KEY) == "b" * 16


def test_each_takes_over_what_ran_out_of_the_other(cache: AppCache, php: CacheOfPhp) -> None:
    php("acquire", KEY, seconds=1, owner="b" * 16)
    wait_for(lambda: cache.acquire(KEY, "a" * 16, 1))
    assert not cache.renew(KEY, "b" * 16, 60)
    wait_for(lambda: php("acquire", KEY, seconds=60, owner="c" * 16) is True)
    assert not cache.renew(KEY, "a" * 16, 60)
    assert cache.owner_of(KEY) == "c" * 16


def test_a_lock_that_we_renew_does_not_run_out_for_php(cache: AppCache, php: CacheOfPhp) -> None:
    cache.acquire(KEY, "a" * 16, 1)
    assert cache.renew(KEY, "a" * 16, 60)
    cache.acquire("another", "a" * 16, 1)
    wait_for(lambda: cache.owner_of("another") is None)
    assert php("acquire", KEY, seconds=60) is False


def test_we_read_the_values_that_php_wrote(cache: AppCache, php: CacheOfPhp) -> None:
    php("forever", "illuminate:queue:restart", value=1795219566)
    php("put", "paused", value=True, seconds=60)
    php("put", "name", value="Ädam", seconds=60)
    assert cache.get("illuminate:queue:restart") == b"i:1795219566;"
    assert cache.get("paused") == b"b:1;"
    assert cache.get("name") == 's:5:"Ädam";'.encode()


def test_php_reads_the_values_that_we_wrote(cache: AppCache, php: CacheOfPhp) -> None:
    cache.put("number", b"i:7;", 60)
    cache.put("text", b's:3:"a:b";', 60)
    assert int(php("get", "number")) == 7
    assert php("get", "text") == "a:b"


def test_both_count_in_one_counter(cache: AppCache, php: CacheOfPhp) -> None:
    assert cache.increment("job-exceptions:x", 60) == 1
    assert php("increment", "job-exceptions:x") == 2
    assert cache.increment("job-exceptions:x", 60) == 3
    php("put", "job-exceptions:y", value=0, seconds=60)
    assert cache.increment("job-exceptions:y", 60) == 1


def test_what_either_forgets_is_gone_for_the_other(cache: AppCache, php: CacheOfPhp) -> None:
    cache.put("a", b"b:1;", 60)
    php("forget", "a")
    assert cache.get("a") is None
    php("put", "a", value=1, seconds=60)
    cache.forget("a")
    assert php("get", "a") is None
