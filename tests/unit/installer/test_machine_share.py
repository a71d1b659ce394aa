from __future__ import annotations

import pytest

from installer.machine_share import MachineShare


@pytest.mark.parametrize(
    ("cores", "memory_mb", "processes"),
    [(1, 1000, 1), (2, 1900, 2), (4, 1900, 2), (4, 8000, 4), (16, 8000, 10), (32, 64000, 32), (64, 16000, 22)],
)
def test_as_many_processes_as_cores_and_half_of_the_memory_allow(cores: int, memory_mb: int, processes: int) -> None:
    assert MachineShare.of(cores, memory_mb).processes == processes


def test_what_a_person_says_counts() -> None:
    assert MachineShare.of(4, 8000, 2).processes == 2


@pytest.mark.parametrize("memory_mb", [1000, 2000, 4000, 8000, 64000])
@pytest.mark.parametrize("cores", [1, 4, 32])
def test_no_limit_is_more_than_the_machine_has(cores: int, memory_mb: int) -> None:
    share = MachineShare.of(cores, memory_mb)
    assert share.memory_high_mb < share.memory_max_mb <= memory_mb * 0.75
    assert share.worker_memory_max_mb <= memory_mb * 0.5
    assert share.cpu_percent < cores * 100
