//! What becomes of pam.d where nothing is tried, and what is refused.

use crate::bench::{Bench, LINE, PASSWORD, SSHD};

/// Enabled, sshd takes a token and a password; disabled, its file is what it was.
pub(crate) fn both_ways_in_and_the_way_back(bench: &Bench<'_>) {
    let old = bench.machine.read(SSHD);
    let report = bench.report(0, "enable sshd --dry-run");
    assert_eq!(report["outcome"], "would_be_enabled");
    let diff = report["services"][0]["diff"].as_array().expect("a list");
    assert!(
        diff.iter().any(|line| line == &format!("+{LINE}")),
        "{diff:?}"
    );
    assert_eq!(report["tried"][0]["accepted"], "alice", "{report:#}");
    bench.is_as_before();

    let report = bench.report(0, "enable sshd");
    assert_eq!(report["outcome"], "enabled");
    let new = old.replacen(
        "@include common-auth",
        &format!("{LINE}\n@include common-auth"),
        1,
    );
    assert_eq!(bench.machine.read(SSHD), new);
    for (secret, code) in [(&*bench.token(), 0), (PASSWORD, 0), ("wrong", 255)] {
        let login = bench.login(secret, "true");
        assert_eq!(login.code(), Some(code), "{login}");
        assert!(login.prompts[0].ends_with("Password or token: "), "{login}");
    }
    let again = bench.report(0, "enable sshd");
    assert_eq!(again["outcome"], "nothing_to_do");
    assert_eq!(again["already"][0]["by"], "by pam-jwt enable");

    let _ = bench.report(0, "enable sshd --issue");
    let issuing = bench.machine.read(SSHD);
    assert_eq!(
        issuing.matches("# by pam-jwt enable\n").count(),
        3,
        "{issuing}"
    );
    // Issuing is not set up: that is said, and stops nobody.
    assert_eq!(bench.login(&bench.token(), "true").code(), Some(0));
    let checked = bench.machine.run(["pam-jwt", "check"]).expect_success();
    assert!(
        checked.stdout.contains("tokens are taken by sshd"),
        "{checked}"
    );

    let removed = bench.report(0, "disable --all");
    assert_eq!(
        removed["files"][0]["removed"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(bench.machine.read(SSHD), old);
    assert_eq!(bench.login(PASSWORD, "true").code(), Some(0));
    assert_eq!(bench.login(&bench.token(), "true").code(), Some(255));
    // Of which the time is not restored by that, since it is a change.
    bench.restore();
    bench.is_as_before();
}

/// Nothing is written, and it is said why.
pub(crate) fn what_locks_out_or_lets_anybody_in_is_refused(bench: &Bench<'_>) {
    let account = "account required pam_permit.so\n";
    for (stack, code) in [
        ("auth required pam_deny.so\n", "token_only"),
        (
            "auth required pam_unix.so\naccount required pam_jwt.so require_token\n",
            "require_token",
        ),
        (
            "auth [success=1 default=ignore] pam_unix.so\nauth required pam_permit.so\n",
            "lets_anyone_in",
        ),
        // Which only libpam can tell: what the program says is not known before.
        ("auth required pam_exec.so /bin/true\n", "lets_anyone_in"),
        ("auth require pam_unix.so\n", "syntax"),
        ("auth required pam_env.so\n", "nothing_asks"),
    ] {
        let text = format!("{stack}{account}");
        bench.machine.write("/etc/pam.d/odd", &text, 0o644);
        let report = bench.report(1, "enable odd sshd");
        let refusals = report["refusals"].as_array().expect("a list");
        assert!(
            refusals.iter().any(|refusal| refusal["code"] == code),
            "{stack}{report:#}"
        );
        assert!(
            refusals.iter().all(|refusal| refusal["advice"] != ""),
            "{report:#}"
        );
        assert_eq!(bench.machine.read("/etc/pam.d/odd"), text);
        bench.is_as_before();
    }
    // The failures that trying makes are nobody's.
    let example = bench.says("grep -v '^#' /usr/share/doc/pam-jwt/pam.d/faillock") + "\n";
    let (above, rest) = example.split_once("auth    sufficient").expect("the line");
    let (_, below) = rest.split_once('\n').expect("more lines");
    let counting = format!("{above}{below}");
    bench.machine.write("/etc/pam.d/odd", &counting, 0o644);
    let _ = bench.report(0, "enable odd");
    assert_eq!(
        bench.machine.read("/etc/pam.d/odd"),
        format!("{above}{LINE}\n{below}")
    );
    assert_eq!(bench.says("ls -A /run/faillock"), "nobody");
    let _ = bench.report(0, "disable odd");
    assert_eq!(bench.machine.read("/etc/pam.d/odd"), counting);

    // What somebody has written by hand stays, and is named.
    let hand = "auth sufficient pam_jwt.so debug\nauth required pam_unix.so\n";
    bench.machine.write("/etc/pam.d/odd", hand, 0o644);
    assert_eq!(bench.report(0, "enable odd")["outcome"], "nothing_to_do");
    for disable in ["disable odd", "disable --all"] {
        let left = &bench.report(1, disable)["files"][0]["by_hand"];
        assert_eq!(left[0], "auth sufficient pam_jwt.so debug");
    }
    assert_eq!(bench.machine.read("/etc/pam.d/odd"), hand);
    bench.says("rm /etc/pam.d/odd");

    // su is asked by whoever is not root, as it is in life.
    let su = bench.machine.read("/etc/pam.d/su");
    let report = bench.report(0, "enable su");
    assert_eq!(
        report["tried"][0]["refused"].as_array().map(Vec::len),
        Some(3),
        "{report:#}"
    );
    let _ = bench.report(0, "disable su");
    assert_eq!(bench.machine.read("/etc/pam.d/su"), su);
    assert_eq!(
        bench.report(1, "enable su-l")["refusals"][0]["code"],
        "included"
    );

    let faults = [
        (
            "mv $MODULE $MODULE.away",
            "mv $MODULE.away $MODULE",
            "module_missing",
        ),
        (
            "echo nonsense >/etc/pam-jwt/issuers.d/bad.toml",
            "rm /etc/pam-jwt/issuers.d/bad.toml",
            "config_error",
        ),
    ];
    let module = "MODULE=$(find /usr/lib /lib -name pam_jwt.so | head -n 1); ";
    for (fault, mend, code) in faults {
        bench.says(&format!("{module}{fault}"));
        let report = bench.report(1, "enable sshd");
        assert_eq!(report["refusals"][0]["code"], code, "{report:#}");
        bench.says(&format!("MODULE=$(find /usr/lib /lib -name 'pam_jwt.so*' | head -n 1); MODULE=${{MODULE%.away}}; {mend}"));
        bench.is_as_before();
    }
    for bad in ["enable ../passwd", "enable no-such-service", "enable"] {
        let command = ["pam-jwt"].into_iter().chain(bad.split(' '));
        let _ = bench.machine.run(command).expect_code(2);
    }
    let by_alice = bench
        .machine
        .command(["pam-jwt", "enable", "sshd"])
        .user("alice");
    let _ = by_alice.run().expect_code(2);
    bench.is_as_before();
}
