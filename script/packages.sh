# Sourced by the other scripts: words to the person, and Debian packages.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
refuse() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        refuse "need root or sudo for: $*"
    fi
}

# install_packages NAME…: from Debian or Ubuntu, only these and what they must have; none of them starts a service
install_packages() {
    command -v apt-get >/dev/null || refuse "found no apt-get; install these yourself and start again: $*"
    say "installing Debian packages: $*"
    as_root apt-get update -qq || refuse "apt-get update failed: is the network there?"
    as_root sh -s "$@" <<'ROOT' || refuse "apt-get could not install: $*"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    # Debian's way to say that a package must not start its service: the tests start servers of their own.
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
log=$(mktemp)
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
rm -f "$log"
ROOT
}
