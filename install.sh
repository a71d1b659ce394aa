#!/usr/bin/env bash
# install.sh: puts the face sidecar on this machine, upgrades it, removes it. As root: sudo ./install.sh
#
#   --with-worker N     run N workers that take face jobs from Laravel's queue
#   --api-processes N   engine processes of the API
#   --laravel-env FILE  the app's .env
#   --layout laravel    links at the app's folder, too
#   --supervisor        under supervisor, not systemd
#   --native            build dlib for this CPU
#   --offline DIR       from a bundle that script/bundle made
#   --dry-run           print every change and make none
#   --uninstall         remove what was put here; with --purge settings and data, too
#   --yes, --lang ru    do not ask; speak Russian
#
# All of it is in installer/ (Python, standard library only); here a Python to run it is found. A machine without any
# gets one unpacked into a temporary folder for the checks: nothing is installed before every check has passed.
set -euo pipefail

refuse() { printf 'install.sh: %s\n' "$1" >&2; exit 1; }

# in_language ENGLISH RUSSIAN: what the person reads
in_language() { if [[ " $words " == *" --lang ru "* || " $words " == *" --lang=ru "* ]]; then echo "$2"; else echo "$1"; fi; }

# Debian's own python3 into $private, without installing it; apt's lists are kept there, too
unpack_python() {
    [[ " $words " != *" --offline"* ]] ||
        refuse "$(in_language 'Python: found none, needed python3 on this machine; a bundle does not bring it' \
            'Python: не найден; нужен python3 на этой машине, набор его не содержит')"
    command -v apt-get >/dev/null ||
        refuse "$(in_language 'Python: found none and no apt-get, needed Python 3.10 or newer' \
            'Python: не найден ни он, ни apt-get; нужен Python 3.10 или новее')"
    local apt=(-qq -o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache" -o APT::Sandbox::User=root)
    mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$private/root"
    apt-get "${apt[@]}" update >"$private/log" 2>&1 || unreachable
    local version packages
    version=$(apt-cache "${apt[@]}" depends python3-minimal 2>>"$private/log" | sed -n 's/.*Depends: \(python3\.[0-9]*\)-minimal.*/\1/p' | head -n 1)
    [ -n "$version" ] || unreachable
    packages=("$version-minimal" "lib$version-minimal" "lib$version-stdlib" libexpat1 zlib1g libffi8 libssl3 media-types)
    for package in "${packages[@]}"; do
        (cd "$private" && apt-get "${apt[@]}" download "$package" >>"$private/log" 2>&1) || true
    done
    for archive in "$private"/*.deb; do
        [ -f "$archive" ] || unreachable
        dpkg -x "$archive" "$private/root"
    done
    export FACE_PRIVATE_PYTHON=1 PYTHONHOME=$private/root/usr
    local libraries
    libraries=$(uname -m)-linux-gnu
    export LD_LIBRARY_PATH=$private/root/usr/lib/$libraries:$private/root/lib/$libraries
    python=$private/root/usr/bin/$version
    "$python" -c 'import json, subprocess' 2>>"$private/log" || unreachable
}

unreachable() {
    refuse "$(in_language "Python: found none, and it could not be fetched ($(tail -n 1 "$private/log")); needed the network, or python3 installed" \
        "Python: не найден, и получить его не удалось ($(tail -n 1 "$private/log")); нужна сеть или установленный python3")"
}

main() {
    local here words=$* python=python3
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    if ! command -v python3 >/dev/null; then
        private=$(mktemp -d)
        trap 'rm -rf "$private"' EXIT
        unpack_python
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        refuse "$(in_language "Python: found $("$python" --version), needed 3.10 to 3.13" "Python: найден $("$python" --version), нужен от 3.10 до 3.13")"
    # Nothing is imported from the folder that the person happens to stand in (the first of Python's path), and nothing is
    # left in ours.
    PYTHONDONTWRITEBYTECODE=1 "$python" -c \
        'import sys; sys.path[0] = sys.argv.pop(1); from installer.__main__ import main; sys.exit(main())' "$here" "$@"
}

main "$@"
