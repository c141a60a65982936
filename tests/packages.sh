#!/bin/sh
# Installs what `make build` and `make demo` need of the system, and with the argument
# `deb` or `test` what `make deb` or `make test` needs beside it, with apt or dnf. Where
# nothing is missing it does nothing, and takes no root.
set -eu

apt_packages='gcc libc6-dev libpam0g-dev git openssl
    openssh-server openssh-client sudo login passwd util-linux iproute2 libfaketime'
dnf_packages='gcc glibc-devel pam-devel git-core openssl
    openssh-server openssh-clients sudo shadow-utils util-linux iproute libfaketime'

# What builds the packages of a distribution; elsewhere than on Debian those of Debian are not built.
deb='build-essential debhelper dh-apparmor dpkg-dev xz-utils'
[ "${1-}" != deb ] || apt_packages="$apt_packages $deb"

if [ "${1-}" = test ]; then
    apt_packages="$apt_packages $deb lintian apparmor"
    apt_packages="$apt_packages bash zsh fish groff-base mandoc valgrind postgresql debootstrap debian-archive-keyring systemd-container python3-venv python3-paramiko rsync strace libssl-dev cron chromium fonts-dejavu-core ca-certificates curl zbar-tools libpam-oath oathtool"
    # What makes and reads the packages of other distributions, and SELinux policies.
    apt_packages="$apt_packages rpm rpmlint makepkg pacman-package-manager libarchive-tools shellcheck selinux-policy-dev policycoreutils semodule-utils selinux-utils setools"
    dnf_packages="$dnf_packages bash zsh fish groff-base mandoc valgrind postgresql-server systemd-container python3 python3-paramiko rsync strace openssl-devel cronie chromium dejavu-sans-mono-fonts ca-certificates curl zbar pam_oath oathtool"
    # A cluster, for its document.
    apt_packages="$apt_packages slurmctld slurmd slurm-client munge"
    dnf_packages="$dnf_packages slurm-slurmctld slurm-slurmd slurm munge"
    # Node and npm are seldom the distribution's own: those that are here will do.
    if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
        apt_packages="$apt_packages nodejs npm"
        dnf_packages="$dnf_packages nodejs npm"
    fi
fi

# Prints those of the packages for which the query fails.
missing() {
    query=$1
    shift
    for package; do
        $query "$package" >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

dpkg_query() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "$1" | grep -qx installed
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a service as it is installed, and at every boot; here sshd, cron and
# PostgreSQL are only wanted as programs. policy-rc.d answers for the first (101:
# forbidden).
apt_install() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'as_root rm -f $policy' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' | as_root sh -c "cat >$policy && chmod 0755 $policy"
    fi
    as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

if command -v apt-get >/dev/null; then
    packages=$(missing dpkg_query $apt_packages)
    [ -z "$packages" ] || apt_install $packages
elif command -v dnf >/dev/null; then
    packages=$(missing 'rpm -q' $dnf_packages)
    [ -z "$packages" ] || as_root dnf --assumeyes install $packages
else
    echo "neither apt nor dnf here; these have to be installed, whatever they are called:" >&2
    echo "$dnf_packages" >&2
    exit 0
fi

# ... and this for the second, if it was not there before.
keep_from_booting() {
    package=$1
    shift
    case " ${packages-}" in
    *" $package "*)
        [ ! -d /run/systemd/system ] || as_root systemctl --quiet disable "$@" 2>/dev/null || true
        ;;
    esac
}
keep_from_booting openssh-server ssh.service ssh.socket
keep_from_booting postgresql postgresql.service
keep_from_booting cron cron.service
keep_from_booting cronie crond.service
keep_from_booting slurmctld slurmctld.service
keep_from_booting slurmd slurmd.service
keep_from_booting munge munge.service

# The distribution's own may be too old, as that of Debian 12 is; npm would say so less clearly.
if [ "${1-}" = test ] && ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
    echo "make test needs Node.js 20 or newer; here is $(node --version): put a newer one into PATH" >&2
    exit 1
fi
