# Boots the Debian of a tar file with systemd, in systemd-nspawn, and holds it until
# standard input closes (booted.rs). That happens when the process that booted the
# machine ends, even by SIGKILL. What is mounted is mounted in this shell's mount
# namespace, and the files are in memory; only the control group is everybody's, so it
# is removed at the end. If this shell itself is killed, the machine dies with it, and
# the next boot removes what is left of the group.
#
# Arguments: the machine's name, the tar file, then the directories that it sees as they
# are here, and cannot write to.
set -eu

name=$1
tar=$2
shift 2

cannot() {
    echo "$*" >&2
    exit 1
}

# Removes a control group and those in it; fails while a process is left in one.
remove() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
}

command -v systemd-nspawn >/dev/null ||
    cannot "there is no systemd-nspawn: \`make test\` installs it (systemd-container)"

# The pid by which the outside knows the machine's systemd, which is not alone in its
# group: what it starts comes from there.
pid_1() {
    for pid in $(cat $group/payload/init.scope/cgroup.procs); do
        ! grep -q '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" || break
        pid=
    done 2>/dev/null
    [ -z "${pid-}" ] || echo "$pid"
    [ -n "${pid-}" ]
}

# A file system of the machine's own, and for nspawn's notes as well.
mount -t tmpfs -o mode=0755 tmpfs /run
root=/run/root
mkdir $root
tar -C $root -xf "$tar"

# A name, and UTC.
echo "$name" >$root/etc/hostname
echo "127.0.0.1 localhost $name" >$root/etc/hosts
rm -f $root/etc/localtime

# Each line of the journal goes to log.rs as well, however many there are.
mkdir -p $root/etc/systemd/journald.conf.d
printf '[Journal]\nForwardToSyslog=yes\nRateLimitIntervalSec=0\n' >$root/etc/systemd/journald.conf.d/machine.conf

# systemd takes version 2 of control groups, also where the machine has version 1 beside.
mount -t cgroup2 cgroup2 /sys/fs/cgroup ||
    cannot "no cgroup2: a booted machine takes a kernel that has it"
for left in /sys/fs/cgroup/pam-jwt-tests.*; do
    # Where the shell still runs it is in use.
    [ ! -d "$left" ] || [ -e "/proc/${left##*.}" ] || remove "$left" || :
done
group=/sys/fs/cgroup/pam-jwt-tests.$$
mkdir $group

end() {
    kill -KILL $holder 2>/dev/null || :
    wait $holder || :
    # A process that the test had put in is there until whoever inherits it has waited.
    tries=0
    until remove $group || [ $tries -gt 600 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
}

for directory; do
    shift
    set -- "$@" "--bind-ro=$(printf %s "$directory" | sed 's/[\\:]/\\&/g')"
done
# A machine outlives its nspawn, but not the pid namespace that both are in. 133 is how nspawn
# asks for itself to be started anew, when the machine restarts.
setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc \
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && until "$@"; [ $? != 133 ]; do :; done; exit' sh $group \
    systemd-nspawn --quiet --boot --directory=$root --machine="$name" --register=no --keep-unit \
    --private-network --resolv-conf=off --timezone=off --link-journal=no --console=pipe "$@" \
    </dev/null >/run/console 2>&1 &
holder=$!
trap end EXIT

# It is there once systemd has started what it starts.
state=
tries=0
until [ "$state" = running ]; do
    tries=$((tries + 1))
    kill -0 $holder 2>/dev/null && [ $tries -le 600 ] ||
        cannot "Debian does not boot in systemd-nspawn (it is ${state:-not there}):" "$(cat /run/console)"
    [ "$state" != degraded ] ||
        cannot "units of the booted Debian failed:" "$(nsenter --target "$pid" --all \
            sh -c 'systemctl --failed --no-legend --plain; journalctl --boot --no-pager --priority warning' 2>&1)"
    sleep 0.05
    pid=$(pid_1) || continue
    state=$(nsenter --target "$pid" --all systemctl is-system-running --wait 2>/dev/null) || :
done

# The journal does not wait for log.rs to take a line; the kernel keeps this many for it.
nsenter --target "$pid" --net sh -c 'echo 4096 >/proc/sys/net/unix/max_dgram_qlen'

echo "$pid"
cat
