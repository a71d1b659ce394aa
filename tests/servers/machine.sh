#!/usr/bin/env bash
# machine.sh: a Debian 12 machine for tests, without a virtual machine: real systemd as process 1 of namespaces of its
# own, on a root folder of its own. As root.
#
#   machine.sh make TARBALL PACKAGES [PROJECT]   a root with systemd and these packages; with PROJECT set up in it, too;
#                                                needs the network
#   machine.sh boot ROOT                         start it; inside there is no network but loopback
#   machine.sh connect ROOT                      give it a way out, through this machine (slirp4netns)
#   machine.sh run ROOT COMMAND                  a shell command inside
#   machine.sh halt ROOT                         stop it, as a person does
set -euo pipefail

SYSTEM=systemd,systemd-sysv,dbus,ca-certificates,curl,procps,iproute2
# What looks after hardware that is not there.
MASKED=(systemd-resolved systemd-networkd systemd-timesyncd systemd-logind systemd-udevd systemd-udev-trigger
    systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-modules-load sys-kernel-debug.mount
    sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount apt-daily.timer
    apt-daily-upgrade.timer getty@tty1 console-getty)

make() {
    local tarball=$1 packages=$2 project=${3:-}
    root=$(mktemp -d "$(dirname "$tarball")/root.XXXXXX")
    trap 'rm -rf --one-file-system "$root"' EXIT
    chmod 755 "$root"
    {
        debootstrap --variant=minbase "--include=$SYSTEM" bookworm "$root"
        chroot "$root" systemctl mask "${MASKED[@]}"
        chroot "$root" systemctl set-default multi-user.target
        echo machine >"$root/etc/hostname"
        echo '127.0.0.1 localhost machine' >"$root/etc/hosts"
        # The host's way to the network.
        cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
        [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
        inside "$root" /usr/bin/apt-get update -qq
        # shellcheck disable=SC2086  # as many words as there are packages
        inside "$root" /usr/bin/apt-get install -y -qq --no-install-recommends $packages
        [ -z "$project" ] || set_up "$root" "$project"
    } >"$tarball.log" 2>&1
    rm -rf "$root/var/cache/apt" "$root/root/.cache" "$root/usr/sbin/policy-rc.d"
    tar -C "$root" --numeric-owner -c . | zstd -q -3 -T0 -f -o "$tarball.part"
    mv "$tarball.part" "$tarball"
}

# The project as its own release 1, and the packages that it needs.
set_up() {
    local root=$1 project=$2 release=/opt/face-sidecar/releases/1
    mkdir -p "$root$release"
    git -C "$project" ls-files -z | tar -C "$project" --null -T - -c | tar -C "$root$release" --no-same-owner -x
    ln -s releases/1 "$root/opt/face-sidecar/current"
    inside "$root" "$release/script/setup"
}

# Nothing that is installed is started here: it would be started on this machine.
inside() {
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"
    unshare --mount --pid --fork --kill-child --propagation private bash -c '
        root=$1 && shift
        mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/tmp"
        exec chroot "$root" /usr/bin/env -i HOME=/root DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
    ' inside "$@"
}

# One group of processes in each hierarchy of the host, below the one that we are in.
make_cgroups() {
    local id controllers path folder
    while IFS=: read -r id controllers path; do
        folder=/sys/fs/cgroup/${controllers#name=}
        [ -n "$controllers" ] || { [ -e /sys/fs/cgroup/cgroup.controllers ] && folder=/sys/fs/cgroup || folder=/sys/fs/cgroup/unified; }
        mountpoint -q "$folder" && mkdir -p "$folder${path%/}/$name" || continue
        echo "$folder${path%/}/$name"
        if [ -e "$folder${path%/}/cpuset.cpus" ]; then
            cat "$folder${path%/}/cpuset.cpus" >"$folder${path%/}/$name/cpuset.cpus"
            cat "$folder${path%/}/cpuset.mems" >"$folder${path%/}/$name/cpuset.mems"
        fi
    done </proc/self/cgroup
}

# Inside the namespaces: the kernel's file systems, then systemd.
init() {
    local root=$1 name
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t tmpfs -o mode=755 tmpfs dev
    mkdir -p dev/pts dev/shm
    for name in null zero full random urandom tty; do touch "dev/$name" && mount --bind "/dev/$name" "dev/$name"; done
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts && ln -s pts/ptmx dev/ptmx
    touch dev/console && mount --bind /dev/null dev/console
    ln -s /proc/self/fd dev/fd && ln -s fd/0 dev/stdin && ln -s fd/1 dev/stdout && ln -s fd/2 dev/stderr
    mount -t tmpfs -o mode=1777 tmpfs dev/shm && mount -t tmpfs -o mode=755 tmpfs run && mount -t tmpfs -o mode=1777 tmpfs tmp
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mount -t cgroup2 cgroup2 sys/fs/cgroup
    else
        mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
        for name in memory cpu cpuacct cpuset devices freezer blkio pids; do
            [ -d "/sys/fs/cgroup/$name" ] || continue
            mkdir "sys/fs/cgroup/$name"
            mount -t cgroup -o "$name" cgroup "sys/fs/cgroup/$name" || rmdir "sys/fs/cgroup/$name"
        done
        mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
        mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
        mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
    fi
    # As nspawn does for systemd: it hands credentials to its services through mounts of a namespace of their own.
    mount --make-rshared "$root"
    ip link set lo up
    hostname machine
    exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        chroot . /lib/systemd/systemd --system --log-target=console --show-status=no
}

boot() {
    local root=$1 name state=$1.state group pid
    name=machine-$(basename "$root")
    mkdir -p "$state"
    make_cgroups >"$state/cgroups"
    (
        while read -r group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$state/cgroups"
        exec setsid unshare --mount --pid --fork --uts --ipc --cgroup --net --propagation private \
            bash "$0" init "$root" </dev/null >"$state/console" 2>&1
    ) &
    for _ in $(seq 1 200); do
        pid=$(tr -d ' ' <"/proc/$!/task/$!/children" 2>/dev/null || true)
        [ -z "$pid" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != systemd ] || break
        sleep 0.1
    done
    echo "$pid" >"$state/pid"
    for _ in $(seq 1 600); do
        case $(run "$root" 'systemctl is-system-running 2>/dev/null' || true) in running | degraded) return ;; esac
        sleep 0.1
    done
    cat "$state/console" >&2
    return 1
}

connect() {
    local pid
    pid=$(cat "$1.state/pid")
    echo 'nameserver 10.0.2.3' >"$1/etc/resolv.conf"
    setsid slirp4netns --configure --disable-host-loopback "$pid" tap0 </dev/null >"$1.state/network" 2>&1 &
    echo $! >"$1.state/network.pid"
    for _ in $(seq 1 100); do
        if run "$1" 'ip route show default | grep -q .'; then return; fi
        sleep 0.1
    done
    cat "$1.state/network" >&2
    return 1
}

run() {
    local pid
    pid=$(cat "$1.state/pid")
    nsenter -t "$pid" -m -p -u -i -n -C env -i HOME=/root LANG=C.UTF-8 TERM=dumb SYSTEMD_PAGER= SYSTEMD_COLORS=0 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" /bin/bash -c "$2"
}

halt() {
    local pid group
    pid=$(cat "$1.state/pid")
    kill -s RTMIN+3 "$pid" || true
    for _ in $(seq 1 300); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    [ ! -d "/proc/$pid" ] || kill -9 "$pid"
    [ ! -e "$1.state/network.pid" ] || kill "$(cat "$1.state/network.pid")" 2>/dev/null || true
    sleep 0.2
    while read -r group; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true; done <"$1.state/cgroups"
    rm -rf "$1.state"
}

"$@"
