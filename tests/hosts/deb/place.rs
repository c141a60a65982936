//! What is where on a machine, and the packages that come onto it.

use machine::{Machine, packages};

/// All that is made of the source package.
pub const PACKAGES: [&str; 4] = [
    "libpam-jwt",
    "pam-jwt-tools",
    "jwt-ssh",
    "pam-jwt-authserver",
];

/// The units that are there after the installation, none of which may run then.
pub const UNITS: [&str; 8] = [
    "pam-jwt-authserver-pam.socket",
    "pam-jwt-authserver.service",
    "pam-jwt-authserver.socket",
    "pam-jwt-fetch.service",
    "pam-jwt-fetch.timer",
    "pam-jwt-sessions.timer",
    "pam-jwt-rollback.service",
    r"run-pam\x2djwt.mount",
];

/// What a script of root's prints.
#[track_caller]
pub fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// Installs the packages as `make deb` has made them, or upgrades to them.
pub fn install(machine: &Machine) {
    apt_install(machine, &packages());
}

/// Installs the version before. Nothing was ever released, so it is this one under a lower
/// number, with another file for the module: what an upgrade replaces is replaced.
pub fn install_older(machine: &Machine) {
    let made = packages();
    let make = format!(
        "mkdir /run/older
        for package in {made}/*.deb; do
            case $package in *-dbgsym_*) continue; esac
            dpkg-deb --raw-extract $package /run/tree
            sed -i 's/^Version: .*/Version: 0.0.9-1/; s/(>= [0-9][^)]*-[^)]*)/(>= 0.0.9-1)/g' /run/tree/DEBIAN/control
            for module in /run/tree/usr/lib/*/security/pam_jwt.so; do
                [ ! -e $module ] || printf older >>$module
            done
            dpkg-deb --build -Znone /run/tree /run/older >/dev/null
            rm -r /run/tree
        done"
    );
    says(machine, &make);
    apt_install(machine, "/run/older");
    says(machine, "rm -r /run/older");
}

/// By apt, as a person would, from files: it has no list of packages and no network.
fn apt_install(machine: &Machine, from: &str) {
    let files = PACKAGES
        .map(|package| format!("{from}/{package}_*.deb"))
        .join(" ");
    apt(machine, &format!("install {files}"));
}

/// Runs apt-get.
pub fn apt(machine: &Machine, arguments: &str) {
    let apt = "DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Languages=none --yes --quiet";
    says(machine, &format!("{apt} {arguments} 2>&1"));
}

/// Every file of the machine with its kind, mode and owner, but for what the system itself keeps
/// of what happens to it.
pub fn files(machine: &Machine) -> Vec<String> {
    let find = r"find / -xdev \
        \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp \
        -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
        -o -path /var/lib/systemd -o -path /home -o -path /root \) -prune \
        -o ! -path '/etc/*-' ! -name '.pwd.lock' ! -name '.updated' -printf '%y %m %u:%g %p\n' | sort";
    says(machine, find).lines().map(str::to_owned).collect()
}

/// The stacks of PAM, byte for byte.
pub fn stacks(machine: &Machine) -> String {
    says(
        machine,
        "cd /etc/pam.d && for file in *; do echo \"== $file\"; cat \"$file\"; done",
    )
}
