from __future__ import annotations

from threading import Event

from worker.laravel.lock_and_mark import image_lock


def test_without_a_cache_the_lock_is_always_ours() -> None:
    with image_lock(None, 1, 120, 0, Event()) as lock, image_lock(None, 1, 120, 0, Event()) as other:
        lock.give_back()
        assert lock.is_ours()
        assert other.is_ours()
