"""What the installer says, in Russian: English template -> Russian template with the same fields."""

from __future__ import annotations

RUSSIAN = {
    # --- the run
    "stopping the service": "останавливаю сервис",
    "removed; Debian packages stay": "убрано; пакеты Debian остаются",
    "Do this?": "Сделать это?",
    "note: {sentence}": "заметьте: {sentence}",
    "nothing was changed: --dry-run": "ничего не изменено: --dry-run",
    "all is there already": "всё уже на месте",
    "nothing is installed here": "здесь ничего не установлено",
    "found no terminal to ask on, needed one, or --yes": "нет терминала, чтобы спросить; нужен он или --yes",
    "nothing was changed": "ничего не изменено",
    "{error}": "{error}",
    "{line}": "{line}",
    "{error}; run this again when the reason is gone": "{error}; запустите ещё раз, когда причины не станет",
    "interrupted; run this again, it goes on from here": "прервано; запустите ещё раз, работа продолжится отсюда",
    "found another install.sh at work, needed it to end": "уже работает другой install.sh; нужно, чтобы он закончил",
    # --- checks
    "rights: found user number {user}, needed root: sudo ./install.sh": (
        "права: найден пользователь номер {user}, нужен root: sudo ./install.sh"
    ),
    "system: found {name} {version}, needed Debian 12 or newer or Ubuntu 22.04 or newer": (
        "система: найдена {name} {version}, нужна Debian 12 или новее либо Ubuntu 22.04 или новее"
    ),
    "processor: found {found}, needed x86_64 or aarch64": "процессор: найден {found}, нужен x86_64 или aarch64",
    "processor: found no AVX, needed it for dlib; in a virtual machine let its processor be that of the host": (
        "процессор: нет AVX, он нужен для dlib; виртуальной машине дайте процессор хоста"
    ),
    "Python: found neither pip for venvs nor apt-get, needed python3-venv": (
        "Python: нет ни pip для venv, ни apt-get; нужен python3-venv"
    ),
    "Python: found {found}, needed 3.10 to 3.13": "Python: найден {found}, нужен от 3.10 до 3.13",
    "--offline: found no bundle in {folder}, needed a folder that script/bundle made": (
        "--offline: в {folder} нет набора; нужна папка, сделанная script/bundle"
    ),
    "--offline: found a bundle for {found}, needed one for {wanted}": (
        "--offline: найден набор для {found}, нужен для {wanted}"
    ),
    "--native: found --offline beside it, needed the network: a compiler and dlib's source are fetched": (
        "--native: рядом указано --offline, а нужна сеть: скачиваются компилятор и исходники dlib"
    ),
    "disk: found {free} MB free at {place}, needed {needed}": "диск: свободно {free} МБ в {place}, нужно {needed}",
    "memory: found {found} MB, needed {needed}": "память: найдено {found} МБ, нужно {needed}",
    "--api-processes {asked}: found {found} MB of memory, needed {needed}": (
        "--api-processes {asked}: найдено {found} МБ памяти, нужно {needed}"
    ),
    "--api-processes {asked}: found {file} with FACE_API_PROCESSES {kept}, and that file is never overwritten; needed "
    "the number there, or nothing here": (
        "--api-processes {asked}: в {file} стоит FACE_API_PROCESSES {kept}, а этот файл не перезаписывается никогда; "
        "впишите число туда или не указывайте здесь"
    ),
    "systemd: found it not running as process 1, needed that, or --supervisor": (
        "systemd: он не работает процессом 1; нужен он или --supervisor"
    ),
    "supervisor: found none that answers and no systemd, needed one of them: apt-get install supervisor, start it": (
        "supervisor: не отвечает, и systemd нет; нужен один из них: apt-get install supervisor и запустить его"
    ),
    "supervisor: found none that answers, needed it started: systemctl start supervisor": (
        "supervisor: не отвечает; его нужно запустить: systemctl start supervisor"
    ),
    "port: found that nobody can listen on {address} ({reason}), needed it free, or another FACE_API_ADDRESS in "
    "{file}": ("порт: на {address} слушать нельзя ({reason}); нужен свободный или другой FACE_API_ADDRESS в {file}"),
    "{file}: found the address {address!r}, needed host:port": "{file}: найден адрес {address!r}, нужен хост:порт",
    "rights: found {place} on the way to {path}, which {who} may change; needed folders of root alone": (
        "права: на пути к {path} лежит {place}, изменять её может {who}; нужны папки одного root"
    ),
    "rights: found that {user} may change {place}, and root runs what is in {source}; needed a folder that it may not "
    "write, /root/face-sidecar for example": (
        "права: {user} может изменять {place}, а root запускает то, что лежит в {source}; нужна папка, где он писать "
        "не может, например /root/face-sidecar"
    ),
    "rights: found no user {user}, needed it: Debian and Ubuntu have it for web servers": (
        "права: нет пользователя {user}; он нужен: в Debian и Ubuntu он есть для веб-серверов"
    ),
    "--layout laravel: found {path}, which is no link of ours, needed it away: move it": (
        "--layout laravel: {path} не наша ссылка; она должна уйти: переместите её"
    ),
    "an older install: found {path}, which this installer did not put there; needed it away: see what it is, stop it "
    "and remove it": (
        "прежняя установка: найден {path}, его поставил не этот установщик; он должен уйти: посмотрите, что это, "
        "остановите и уберите"
    ),
    "--supervisor: found an install under systemd, needed --uninstall first; settings and data stay": (
        "--supervisor: найдена установка под systemd; нужен сначала --uninstall, настройки и данные остаются"
    ),
    "--prefix: found an install in {earlier}, needed the same, or --uninstall first": (
        "--prefix: найдена установка в {earlier}; нужна та же папка или сначала --uninstall"
    ),
    "--with-worker: found no app, needed its .env: --laravel-env FILE": (
        "--with-worker: приложение не найдено; нужен его .env: --laravel-env FILE"
    ),
    "--layout laravel: found no app, needed its .env: --laravel-env FILE": (
        "--layout laravel: приложение не найдено; нужен его .env: --laravel-env FILE"
    ),
    "the app's .env: found that {file} cannot be read ({why}), needed the app's own file; name it with "
    "--laravel-env FILE": (
        ".env приложения: {file} не читается ({why}); нужен файл приложения, назовите его: --laravel-env FILE"
    ),
    "the app's .env: {error}": ".env приложения: {error}",
    "the app's .env: found the host {host} in FACE_API_URL, to which the API does not answer without a key; "
    "needed in {file}: FACE_API_HOSTS={host}": (
        ".env приложения: в FACE_API_URL имя {host}, а по нему API без ключа не отвечает; нужно в {file}: "
        "FACE_API_HOSTS={host}"
    ),
    "the app's .env: found that {user} may not read {file}, needed that: chgrp {group} and chmod 640, and x on the "
    "folders above": (
        ".env приложения: {user} не может читать {file}, а это нужно: chgrp {group} и chmod 640, и x на папках выше"
    ),
    "disk {name}: there is no folder {root}; no debug pictures there": (
        "диск {name}: папки {root} нет; отладочных картинок там не будет"
    ),
    "disk {name}: {user} may not write {root}, so that photos in it have no debug pictures and are refused: "
    "chgrp {group} {root} && chmod 2775 {root}": (
        "диск {name}: {user} не может писать в {root}, у снимков там не будет отладочных картинок, и в обработке им "
        "откажут: chgrp {group} {root} && chmod 2775 {root}"
    ),
    "FACE_DISK_ROOTS names no disk: photos that come with their place in an app (original_path) are refused until it "
    "does, in {file}": (
        "FACE_DISK_ROOTS не называет ни одного диска: снимкам, которые приходят с их местом в приложении "
        "(original_path), будет отказано, пока диска нет в {file}"
    ),
    "disk {name}: found no root of FACE_DISK_ROOTS above {root}, needed {name}={root} there, or its photos would be "
    "refused; to do without: FACE_DEBUG_PICTURES=best_effort; both in {file}": (
        "диск {name}: ни один корень из FACE_DISK_ROOTS не лежит над {root}; впишите туда {name}={root}, иначе снимкам "
        "с этого диска будет отказано; чтобы обойтись без картинок: FACE_DEBUG_PICTURES=best_effort; оба в {file}"
    ),
    "disk {name}: found no folder {root}, needed it, or FACE_DISK_ROOTS in {file} without it": (
        "диск {name}: папки {root} нет; нужна она или FACE_DISK_ROOTS без неё в {file}"
    ),
    "disk {name}: found that {user} cannot write a debug picture in {folder} ({why}), needed that, or its photos would "
    "be refused; for rights: chgrp {group} and chmod 2775; to do without: FACE_DEBUG_PICTURES=best_effort in {file}": (
        "диск {name}: {user} не может записать отладочную картинку в {folder} ({why}), а это нужно, иначе снимкам с "
        "этого диска будет отказано; если дело в правах: chgrp {group} и chmod 2775; чтобы обойтись без картинок: "
        "FACE_DEBUG_PICTURES=best_effort в {file}"
    ),
    "disk {name}: before any change {user} writes a debug picture in {folder} and removes it; not tried: --dry-run": (
        "диск {name}: до всех изменений {user} записывает в {folder} отладочную картинку и удаляет её; "
        "при --dry-run этого не делается"
    ),
    "disk {name}: what is made in {root} is not the group's {group}; so that it is: chgrp {group} {root} && "
    "chmod g+ws {root}": (
        "диск {name}: то, что создаётся в {root}, не принадлежит группе {group}; чтобы принадлежало: "
        "chgrp {group} {root} && chmod g+ws {root}"
    ),
    "disk {name}: its root in config/filesystems.php is not plain text; add it to FACE_DISK_ROOTS in {file}": (
        "диск {name}: корень в config/filesystems.php задан не просто текстом; добавьте его в FACE_DISK_ROOTS в {file}"
    ),
    "{path}: found something that cannot be read ({error}), needed the installer's record": (
        "{path}: прочитать нельзя ({error}); здесь должны быть записи установщика"
    ),
    # --- changes
    "install Debian packages: {names}": "поставить пакеты Debian: {names}",
    "the Debian packages could not be installed: {names}; see above": (
        "пакеты Debian поставить не удалось: {names}; смотрите выше"
    ),
    "write {path} ({mode:04o} {user}:{group})": "записать {path} ({mode:04o} {user}:{group})",
    "set {path} to {mode:04o} {user}:{group}": "дать {path} права {mode:04o} {user}:{group}",
    "make the folder {path} ({mode:04o} {user}:{group})": "сделать папку {path} ({mode:04o} {user}:{group})",
    "link {path} -> {target}": "ссылка {path} -> {target}",
    "found that {path} is no folder, needed one": "{path} — не папка, а нужна папка",
    "make the group {group}": "создать группу {group}",
    "put the user {user} into the group {group}": "включить пользователя {user} в группу {group}",
    "could not do: {words} ({why})": "не получилось: {words} ({why})",
    "make the release {folder}: code, venv, Python packages and models, 650 MB": (
        "собрать выпуск {folder}: код, venv, пакеты Python и модели, 650 МБ"
    ),
    "the code could not be copied to {folder}: {why}": "скопировать код в {folder} не удалось: {why}",
    "{script} failed: {why}": "{script} не справился: {why}",
    "making .venv with {python}": "делаю .venv, {python}",
    "installing Python packages, 650 MB (about a minute)": "ставлю пакеты Python, 650 МБ (около минуты)",
    "checking the model files": "проверяю файлы моделей",
    "building the native library": "собираю быструю библиотеку",
    "fetching a C compiler for the native library, 100 MB": "скачиваю компилятор C для быстрой библиотеки, 100 МБ",
    # --- dlib
    "build dlib for this CPU (10 to 30 minutes), compare it, and use it if it finds the same": (
        "собрать dlib для этого процессора (10-30 минут), сравнить и взять, если он находит то же"
    ),
    "building dlib for this CPU": "собираю dlib для этого процессора",
    "building dlib: {percent} %": "собираю dlib: {percent} %",
    "dlib could not be built: {why}; run this again, with --native or without": (
        "собрать dlib не удалось: {why}; запустите ещё раз, с --native или без"
    ),
    "dlib built here could not be compared: {why}": "собранный dlib сравнить не удалось: {why}",
    "dlib built here is not used: {reason}": "собранный здесь dlib не взят: {reason}",
    "dlib built here finds the same faces and is used": "собранный здесь dlib находит те же лица и взят в работу",
    "these faster parts would not fit it: {parts}": "с ним не работали бы быстрые части: {parts}",
    "no face was there to compare": "не нашлось лиц для сравнения",
    "it finds other boxes in {name}": "он находит другие рамки в {name}",
    "it gives another encoding in {name}": "он даёт другую кодировку в {name}",
    # --- the switch
    "trying the release with the settings of face.env": "пробую выпуск с настройками из face.env",
    "the release {folder} cannot serve: {why}; nothing was switched": (
        "выпуск {folder} работать не может: {why}; ничего не переключено"
    ),
    "starting the service": "запускаю сервис",
    "found {name} in supervisor's state {state}, needed it running": (
        "{name} у supervisor в состоянии {state}, а нужно, чтобы работал"
    ),
    "restart the service and wait for /readyz at {address}": "перезапустить сервис и дождаться /readyz на {address}",
    "start {unit}": "запустить {unit}",
    "enable and start {unit}": "включить и запустить {unit}",
    "stop and disable {unit}": "остановить и выключить {unit}",
    "the port refused connections for {seconds:.1f} s": "порт отказывал в соединениях {seconds:.1f} с",
    "found no answer at {address}/readyz within {seconds:.0f} s, needed 200": (
        "от {address}/readyz за {seconds:.0f} с ответа 200 не было"
    ),
    "the service's last words: {words}": "последнее, что сказал сервис: {words}",
    "the new release does not serve: back to {before}": "новый выпуск не работает: возвращаю {before}",
    "the release {before} serves again": "снова работает выпуск {before}",
    "going back to {before} failed, too: {why}": "вернуть {before} тоже не удалось: {why}",
    "the service is stopped; run this again when the reason is gone": (
        "сервис остановлен; запустите ещё раз, когда причины не станет"
    ),
    "remove the old release {folder}": "убрать старый выпуск {folder}",
    # --- the end
    "The face API answers at http://{address} ({seconds:.0f} s)": (
        "API лиц отвечает на http://{address} ({seconds:.0f} с)"
    ),
    "1. Try it: curl -F image=@photo.jpg http://{address}/encode": (
        "1. Попробуйте: curl -F image=@photo.jpg http://{address}/encode"
    ),
    "2. In the app's .env: FACE_API_URL=http://{address}": "2. В .env приложения: FACE_API_URL=http://{address}",
    "3. {workers} workers run; others: sudo ./install.sh --with-worker N; see them: sudo face-sidecar status": (
        "3. Воркеров: {workers}; другое число: sudo ./install.sh --with-worker N; посмотреть: sudo face-sidecar status"
    ),
    "3. PHP's workers go on; in their place: sudo ./install.sh --with-worker 2": (
        "3. Работают воркеры PHP; вместо них: sudo ./install.sh --with-worker 2"
    ),
    "4. Settings: {file}; logs: {logs}": "4. Настройки: {file}; журналы: {logs}",
    # --- removing
    "remove {name}": "убрать {name}",
    "keep {name} (--purge removes it)": "оставить {name} (уберёт --purge)",
    "remove the group {name}": "убрать группу {name}",
    "take out of the group: {name}": "вывести из группы: {name}",
    "could not remove {name}: {error}": "убрать {name} не удалось: {error}",
}
