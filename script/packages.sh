# Sourced by the other scripts: words to the person, and Debian packages.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
refuse() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        refuse "Debian packages are missing, and installing them needs root or sudo; found neither"
    fi
}

# install_packages NAME…: from Debian or Ubuntu, only these and what they must have; no service is started by it, now or
# at the next boot
install_packages() {
    command -v apt-get >/dev/null || refuse "found no apt-get; install these yourself and start again: $*"
    say "installing Debian packages: $*"
    as_root sh -s "$@" <<'ROOT' || refuse "could not install the Debian packages: $*"
set -u
work=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }; }
units() { find /etc/systemd/system -type l 2>/dev/null | sort; }
clean_up() { rm -rf "$work"; [ -z "${mine:-}" ] || rm -f "$policy"; }
trap clean_up EXIT
trap 'exit 1' INT TERM
# Debian's way to say that a package must not start its service: the tests start servers of their own. One that a killed
# run of this left behind is ours, too: services that Debian upgrades would not be started again.
if [ ! -e "$policy" ] || grep -qs 'of the face sidecar' "$policy"; then
    mine=1
    printf '#!/bin/sh\n# of the face sidecar, while it installs packages\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
units >"$work/before"
quietly apt-get update -qq
# After a run that was killed in the midst of it apt-get would refuse to go on; its dpkg may still be ending.
for _ in $(seq 60); do
    [ -n "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ] || break
    dpkg --configure -a >"$work/log" 2>&1 && break
    sleep 1
done
# A machine that has just started may be updating itself: wait for it.
quietly apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
# What the packages enabled for the next boot is these links; without them it stays off.
units | comm -13 "$work/before" - | xargs -r rm -f
ROOT
}
