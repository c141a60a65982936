//! What is the same wherever the packages come from: installed they change no login, removed they
//! leave nothing, and nothing in pam.d names a module that is gone.

use machine::Machine;
use std::collections::HashSet;

/// How a package manager puts the packages on a machine, and takes them off again.
pub struct Manager {
    pub install: String,
    pub remove: String,
    /// Where the module is then.
    pub module: &'static str,
    /// What is said of lines that were written by hand.
    pub refuses: &'static str,
}

/// Every file that is not the package manager's, or the accounts that are made for good, and the
/// directories but for those of /usr, which the rest of that distribution has as well; and all that
/// pam.d says.
fn state(machine: &Machine) -> String {
    let list = "find /etc /usr /var/lib /run \
            \\( -path /run/.machine -o -path /var/lib/rpm -o -path /var/lib/pacman \\
                -o -path /run/rpm -o -path /etc/ssh -o -path '/run/ssh*' -o -path /etc/pacman.d -o -path /usr/share/dbus-1 \\) -prune \
            -o ! -name 'passwd*' ! -name 'group*' ! -name 'shadow*' ! -name 'gshadow*' \
            ! -name '.pwd.lock' ! -name '.updated' ! -name ld.so.cache ! -path /run/motd.dynamic \
            ! \\( -type d -path '/usr/*' \\) -printf '%p %m %u %g %l\\n' | sort
        cat /etc/pam.d/* | sha256sum";
    machine.run(["sh", "-euc", list]).expect_success().stdout
}

#[track_caller]
fn run(machine: &Machine, script: &str) -> machine::Output {
    machine.run(["sh", "-euc", script])
}

impl Manager {
    /// Holds it to what this file is about.
    pub fn is_safe(&self) {
        let machine = Machine::boot();
        machine.account("alice");
        machine.password("alice", "secret");
        let before = state(&machine);
        let _ = run(&machine, &self.install).expect_success();

        // Nobody asked for anything yet: a password gets in as before, and pam.d is as it was.
        {
            let _sshd = machine.sshd(&["PasswordAuthentication no"]);
            let login = machine.ssh("alice").answers(["secret"]).command("id -un");
            assert_eq!(login.stdout, "alice\n", "{login}");
        }
        let owned = "stat -c '%U %a %n' /var/lib/pam-jwt/fetched /var/lib/pam-jwt-authserver \
            /etc/pam-jwt/pam-jwt.toml";
        assert_eq!(
            run(&machine, owned).expect_success().stdout,
            "pam-jwt-fetch 755 /var/lib/pam-jwt/fetched\n\
             pam-jwt-authserver 700 /var/lib/pam-jwt-authserver\n\
             root 644 /etc/pam-jwt/pam-jwt.toml\n"
        );

        // The module is where the distribution's libpam looks for it, and works.
        let by_hand = format!("auth sufficient {}", self.module);
        let sshd = machine.read("/etc/pam.d/sshd");
        let init = ["pam-jwt", "init", "--issuer", machine::ISSUER];
        let _ = machine.run(init).expect_success();
        machine.pam_line("sshd", &by_hand);
        {
            let _sshd = machine.sshd(&["PasswordAuthentication no"]);
            let token = machine.token(["alice"]);
            let login = machine.ssh("alice").answers([token]).command("id -un");
            assert_eq!(login.stdout, "alice\n", "{login}");
        }

        // With that line it stays, whatever else of the packages were to go with it.
        let refused = run(&machine, &self.remove);
        assert_ne!(refused.code(), Some(0), "{refused}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            said.contains(self.refuses) && said.contains("/etc/pam.d/sshd"),
            "{refused}"
        );
        let there = format!("test -e {} -a -e /etc/pam-jwt/pam-jwt.toml", self.module);
        let _ = run(&machine, &there).expect_success();

        // What `pam-jwt enable` has put there it takes out itself.
        machine.write("/etc/pam.d/sshd", &sshd, 0o644);
        // Debian's libpam looks for modules elsewhere than theirs.
        let link = format!(
            "ln -s {} \"$(dirname /usr/lib/*/security/pam_unix.so)\"",
            self.module
        );
        let _ = run(&machine, &link).expect_success();
        let enabled = machine.run(["pam-jwt", "enable", "sshd"]).expect_success();
        assert!(
            machine.read("/etc/pam.d/sshd").contains("pam_jwt.so"),
            "{enabled}"
        );
        let _ = run(&machine, "rm -rf /etc/pam-jwt/*/ /var/lib/pam-jwt/*/").expect_success();
        let _ = run(&machine, &self.remove).expect_success();
        assert_eq!(machine.read("/etc/pam.d/sshd"), sshd);
        let _ = run(&machine, "rm /usr/lib/*/security/pam_jwt.so").expect_success();
        let _ = run(
            &machine,
            "find /var/lib/pam-jwt* /run/pam-jwt* /etc/pam-jwt -delete 2>/dev/null || :",
        )
        .expect_success();
        let after = state(&machine);
        let [lines_before, lines_after] =
            [&before, &after].map(|text| text.lines().collect::<HashSet<_>>());
        let lost: Vec<_> = lines_before.difference(&lines_after).collect();
        let left: Vec<_> = lines_after.difference(&lines_before).collect();
        assert!(
            lost.is_empty() && left.is_empty(),
            "gone: {lost:#?}\nleft behind: {left:#?}"
        );
    }
}
