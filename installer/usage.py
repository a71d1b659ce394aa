"""What `install.sh --help` says, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """The words around the options, and one line for each of them."""

    about: str
    more: str
    options: Mapping[str, str]


ENGLISH = Usage(
    about="""\
Puts the face sidecar on this machine: Debian 12 or 13, Ubuntu 22.04 or 24.04; as root.
Checks everything first; run again, it upgrades, or goes on where it was interrupted.""",
    more="""\
An upgrade keeps what was said before: workers, layout, prefix, supervisor, the app's .env.
The settings are in /etc/face-sidecar/face.env, which is never overwritten; after a change of
addresses or disks there run this again. docs/installing.md says what is put where.

exit codes: 0 done; 1 refused or failed, the sentence says why; 2 wrong usage; 130 interrupted""",
    options={
        "with-worker": "run N workers, which take face jobs from Laravel's queue (default 0: only the API)",
        "api-processes": "engine processes of the API (default: what cores and memory allow)",
        "laravel-env": "the app's .env (default: LARAVEL_ENV_FILE, else /var/www/photo/.env if it is there)",
        "layout": "laravel: links to venv, code and logs below the app's folder, too",
        "supervisor": "run under supervisor and not under systemd",
        "native": "build dlib for this CPU: 10 to 30 minutes; used only if it gives the same faces",
        "offline": "take everything from a bundle that script/bundle made; no network is used",
        "prefix": "where code, Python packages and models go (default /opt/face-sidecar)",
        "dry-run": "print every change and make none",
        "uninstall": "list, then remove what was put here; settings and data stay",
        "purge": "with --uninstall: settings and data, too",
        "yes": "do not ask",
        "lang": "the language of what is said here",
    },
)

RUSSIAN = Usage(
    about="""\
Ставит сервис распознавания лиц на эту машину: Debian 12 или 13, Ubuntu 22.04 или 24.04; от root.
Сначала проверяет всё; при повторном запуске обновляет или продолжает прерванное.""",
    more="""\
Обновление помнит сказанное раньше: воркеры, layout, prefix, supervisor, .env приложения.
Настройки лежат в /etc/face-sidecar/face.env, этот файл не перезаписывается никогда; если вы
изменили там адреса или диски, запустите установку ещё раз. Что куда ставится: docs/installing.md.

коды выхода: 0 сделано; 1 отказ или неудача, фраза говорит почему; 2 неверный вызов; 130 прервано""",
    options={
        "with-worker": "запускать N воркеров, которые берут задания из очереди Laravel (иначе 0: только API)",
        "api-processes": "процессов с движком у API (иначе сколько позволяют ядра и память)",
        "laravel-env": ".env приложения (иначе LARAVEL_ENV_FILE, а потом /var/www/photo/.env, если он есть)",
        "layout": "laravel: ещё и ссылки на venv, код и журналы в папке приложения",
        "supervisor": "работать под supervisor, а не под systemd",
        "native": "собрать dlib для этого процессора: 10-30 минут; берётся, только если лица те же",
        "offline": "взять всё из набора, сделанного script/bundle; сеть не нужна",
        "prefix": "куда поставить код, пакеты Python и модели (иначе /opt/face-sidecar)",
        "dry-run": "напечатать каждое изменение и не делать ни одного",
        "uninstall": "перечислить и убрать поставленное; настройки и данные остаются",
        "purge": "вместе с --uninstall: убрать и настройки с данными",
        "yes": "не спрашивать",
        "lang": "язык этих сообщений",
    },
)
