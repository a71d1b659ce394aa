"""How much of the machine the service may take, from its cores and memory: PHP and the database run there, too."""

from __future__ import annotations

from dataclasses import dataclass

#: What one engine process needs for a camera's largest photos, in MB: 250 for 24 megapixels, 330 for 48 were measured,
#: the shared part included; 530 for the largest that the API takes (120).
PROCESS_MB = 350

#: What a process may grow to before it is replaced between two photos, in MB: FACE_API_MEMORY_MB.
LARGEST_MB = 800

#: What the shared part and the master take, in MB.
SHARED_MB = 250

#: The least memory of a machine that has room for one process and anything else, in MB.
LEAST_MEMORY_MB = 900

#: Of the machine's memory, what the API may plan with and what it is stopped at.
_PLANNED = 0.5
_LIMIT = 0.75

#: Of the machine's cores, what the API may take at most, in percent: an administrator can still log in and look when
#: it is busy. Which process comes first below that is decided by the units' weights.
_CORES_PERCENT = 95

#: One worker decodes no photo; it is stopped by itself at 1024 MB (`worker run --memory`).
WORKER_MB = 1200


@dataclass(frozen=True, slots=True)
class MachineShare:
    """Numbers for settings and limits."""

    processes: int
    memory_high_mb: int
    """Where the kernel begins to take memory back."""
    memory_max_mb: int
    """Where it ends a process."""
    worker_memory_max_mb: int
    cpu_percent: int
    """Of one core, so that four cores are 400."""

    @classmethod
    def of(cls, cores: int, memory_mb: int, processes: int | None = None) -> MachineShare:
        """For a machine; `processes` where their number was asked for."""
        count = processes or processes_that_fit(cores, memory_mb)
        most = int(memory_mb * _LIMIT)
        limit = min(most, SHARED_MB + count * LARGEST_MB)
        return cls(count, int(limit * 0.9), limit, min(WORKER_MB, int(memory_mb * 0.5)), cores * _CORES_PERCENT)


def processes_that_fit(cores: int, memory_mb: int) -> int:
    """One a core, as long as they fit into half of the memory; one in any case."""
    return max(1, min(cores, int((memory_mb * _PLANNED - SHARED_MB) // PROCESS_MB)))
