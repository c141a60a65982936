# Makes the machine out of the namespaces it is started in (machine.rs), then
# holds it until standard input closes. That happens when the process that
# booted the machine ends, even by SIGKILL: the shell here is pid 1 of its pid
# namespace, so all that runs inside ends with it, and the mounts with the last
# process. Nothing is written outside: there is nothing to tidy.
#
# Arguments: the machine's name, then the directories to keep as they are even
# if they are mounts of their own below one that is overlaid (the checkout). With DISK in the
# environment, that directory is there at AT, to be written to.
set -eu

name=$1
shift

# The pid by which the outside knows this shell: /proc is still the outside's.
read -r pid rest </proc/self/stat

# /run is the machine's own, and holds what it writes anywhere else.
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -m 0700 /run/.machine
mkdir -m 0755 /run/sshd /run/lock

keep=0
for directory; do
    keep=$((keep + 1))
    mkdir /run/.machine/$keep
    mount --bind "$directory" /run/.machine/$keep
done

if [ -n "${DISK-}" ]; then
    mkdir /run/.machine/disk
    mount --bind "$DISK" /run/.machine/disk
fi

# A directory overlaid here looks as it does outside; what is written to it
# goes to memory.
for directory in etc home opt root srv tmp usr var; do
    [ -d "/$directory" ] || continue
    layer=/run/.machine/$directory
    mkdir "$layer" "$layer/upper" "$layer/work"
    # The overlay's root is the upper layer's: /tmp is 1777, /root 0700.
    chown --reference="/$directory" "$layer/upper"
    chmod --reference="/$directory" "$layer/upper"
    mount -t overlay -o "lowerdir=/$directory,upperdir=$layer/upper,workdir=$layer/work" overlay "/$directory" || {
        echo "no overlay on /$directory: it takes the kernel's overlay file system (modprobe overlay)" >&2
        exit 1
    }
done

# The rest of the root file system is not to be written at all.
mount -o remount,bind,ro /

keep=0
for directory; do
    keep=$((keep + 1))
    mount --bind /run/.machine/$keep "$directory"
    mount -o remount,bind,ro "$directory"
    umount /run/.machine/$keep
done

if [ -n "${DISK-}" ]; then
    mkdir "$AT"
    mount --bind /run/.machine/disk "$AT"
    umount /run/.machine/disk
fi

# /dev of its own, so that /dev/log and the terminals are the machine's.
mkdir /run/.machine/dev
mount -t tmpfs -o mode=0755 tmpfs /run/.machine/dev
cd /run/.machine/dev
for device in null zero full random urandom tty; do
    : >$device
    mount --bind /dev/$device $device
done
mkdir -m 1777 shm
mkdir pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts pts
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
ln -s fd/0 stdin
ln -s fd/1 stdout
ln -s fd/2 stderr
cd /
mount --move /run/.machine/dev /dev

mount -t proc proc /proc

# A name, the loopback interface, and UTC.
echo "$name" >/proc/sys/kernel/hostname
echo "$name" >/etc/hostname
echo "127.0.0.1 localhost $name" >/etc/hosts
rm -f /etc/localtime
ip link set lo up

# Where pid 1 ignores SIGCHLD, the kernel reaps the orphans.
echo "$pid"
exec env --ignore-signal=CHLD cat
