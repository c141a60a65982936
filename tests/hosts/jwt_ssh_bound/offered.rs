//! Which key ssh offers, and what is said where that cannot be the one.

use super::*;

/// Of ten keys in the agent ssh would offer the first, and sshd would take it.
#[test]
fn of_many_keys_the_one_that_the_token_names_is_offered_first() {
    let machine = machine_with(&TEN);
    let _sshd = sshd(&machine);
    let mark = machine.mark();
    bind(&machine, "keys/k10");
    let without = with_agent(ALL_TEN, "ssh -o BatchMode=yes alice@machine true || true");
    let _ = script(&machine, &without);
    let seen = keys_seen(&machine.log_since(mark));
    assert_eq!(
        seen.first(),
        Some(&fingerprint(&machine, "keys/k1")),
        "{seen:?}"
    );

    // The agent alone has it, last and in the middle.
    expect_first(&machine, "keys/k10", &with_agent(ALL_TEN, LOGIN));
    bind(&machine, "keys/k5");
    expect_first(&machine, "keys/k5", &with_agent(ALL_TEN, LOGIN));
    // A file alone has it.
    bind(&machine, ".ssh/id_ed25519");
    expect_first(&machine, ".ssh/id_ed25519", &with_agent(ALL_TEN, LOGIN));
    expect_first(&machine, ".ssh/id_ed25519", LOGIN);
    // A file that no name of ssh's own leads to, among others.
    let _ = script(&machine, "cp keys/k7* keys/k8* .ssh").expect_success();
    bind(&machine, "keys/k8");
    expect_first(&machine, "keys/k8", LOGIN);
    // Both have it.
    expect_first(&machine, "keys/k8", &with_agent(ALL_TEN, LOGIN));
    // The file of its public half, and the agent.
    let _ = script(&machine, "rm .ssh/k8").expect_success();
    expect_first(&machine, "keys/k8", &with_agent(ALL_TEN, LOGIN));
    // The agent that the configuration names.
    configure(&machine, "Host machine\nIdentityAgent ${PLACE}/agent\n");
    let elsewhere = "export PLACE=$(mktemp -d); eval $(ssh-agent -a $PLACE/agent) >/dev/null
        trap 'ssh-agent -k >/dev/null' EXIT; ssh-add -q keys/k*[0-9]; unset SSH_AUTH_SOCK";
    expect_first(&machine, "keys/k8", &format!("{elsewhere}; {LOGIN}"));
}

/// What the user has configured or says.
#[test]
fn what_is_configured_is_not_offered_before_it() {
    let machine = machine_with(&TEN);
    let _sshd = sshd(&machine);
    let with = |more: &str| format!("jwt-ssh {more} alice@machine id -un");
    configure(
        &machine,
        "Host machine\nIdentityFile ~/keys/k1\nIdentityFile %d/keys/k2\n",
    );
    for key in [".ssh/id_ed25519", "keys/k2"] {
        bind(&machine, key);
        expect_first(&machine, key, LOGIN);
        expect_first(&machine, key, &with("-i keys/k3"));
        expect_first(&machine, key, &with("-o IdentitiesOnly=no"));
        // The agent has the wrong one of those that are configured.
        let before = with_agent("keys/k4 keys/k1", LOGIN);
        expect_first(&machine, key, &before);
        let with_word = with_agent("keys/k3 keys/k4", &with("-i keys/k3"));
        expect_first(&machine, key, &with_word);
    }
    // The agent alone has it, and none of those before it.
    bind(&machine, "keys/k10");
    for keys in [
        ALL_TEN.replace("keys/k1 keys/k2", ""),
        "keys/k10 keys/k1".to_owned(),
    ] {
        expect_first(&machine, "keys/k10", &with_agent(&keys, LOGIN));
    }
    // Where the agent that has another is to be forwarded it has to stay.
    bind(&machine, "keys/k2");
    let list = "jwt-ssh -a alice@machine 'ssh-add -L 2>/dev/null | grep -c ^ssh-'";
    let list = with_agent("keys/k3 keys/k1 keys/k5", &format!("{list} || true"));
    assert_eq!(script(&machine, &list).stdout, "0\n");
    for option in ["-A", "-o ForwardAgent=yes"] {
        let mark = machine.mark();
        let text = with_agent("keys/k3 keys/k1 keys/k5", &with(option));
        let output = script(&machine, &text);
        expect_refused(&machine, mark, &output, &["keys/k1"]);
        assert!(
            output.stderr.contains("offer carol's k1 before it"),
            "{output}"
        );
    }
    let list = "jwt-ssh -A alice@machine 'ssh-add -L | grep -c ^ssh-'";
    let list = script(&machine, &with_agent("keys/k2 keys/k1 keys/k5", list));
    assert_eq!(list.expect_success().stdout, "3\n");
}

/// No option puts one key of an agent before another that is configured.
#[test]
fn what_cannot_be_had_is_said() {
    let machine = machine_with(&["k1", "k2", "k3"]);
    let sshd = sshd(&machine);
    configure(&machine, "Host machine\nIdentityFile ~/keys/k1\n");
    bind(&machine, "keys/k2");
    let says = |output: &Output, word: &str| {
        assert_eq!(output.stderr.matches("jwt-ssh: ").count(), 1, "{output}");
        assert!(
            output.stderr.starts_with("jwt-ssh: ") && output.stderr.contains(word),
            "{output}"
        );
    };
    let mark = machine.mark();
    let output = script(&machine, &with_agent("keys/k1 keys/k2", LOGIN));
    expect_refused(&machine, mark, &output, &["keys/k1"]);
    says(
        &output,
        "of the agent, but ssh has to offer carol's k1 before it",
    );
    // Nor does anything where the user decides.
    configure(&machine, "");
    bind(&machine, ".ssh/id_ed25519");
    let mark = machine.mark();
    let own = "jwt-ssh -o IdentitiesOnly=no alice@machine id -un";
    let output = script(&machine, &with_agent("keys/k1 keys/k2", own));
    expect_refused(&machine, mark, &output, &["keys/k1"]);
    says(&output, "but ssh has to offer carol's k1 before it");
    // A key that is not carol's: hers are offered as ever.
    machine
        .run([
            "ssh-keygen",
            "-qt",
            "ed25519",
            "-N",
            "",
            "-f",
            "/home/carol/bobs",
        ])
        .expect_success();
    let token = machine.token(["alice", "--bind", "/home/carol/bobs.pub"]);
    machine.write("/home/carol/token", token, 0o644);
    let mark = machine.mark();
    let output = script(&machine, &with_agent("keys/k3 keys/k2", LOGIN));
    expect_refused(&machine, mark, &output, &["keys/k3"]);
    says(&output, "which is none of yours");
    // What binds it is not known here.
    let cnf = r#"cnf={"x5t#S256":"x"}"#;
    let token = machine.token(["alice", "--claim", cnf]);
    machine.write("/home/carol/token", token, 0o644);
    let mark = machine.mark();
    let output = script(&machine, LOGIN);
    expect_refused(&machine, mark, &output, &[".ssh/id_ed25519"]);
    says(&output, "which one cannot be told: it names no single key");
    // A token may say of its key what it likes: what is told stays short, and in text.
    let long = format!(r#"cnf={{"jkt":"\u001b[2J{}"}}"#, "x".repeat(9000));
    let token = machine.token(["alice", "--claim", &long]);
    machine.write("/home/carol/token", token, 0o644);
    let mark = machine.mark();
    let output = script(&machine, LOGIN);
    expect_refused(&machine, mark, &output, &[".ssh/id_ed25519"]);
    says(&output, "with the thumbprint \"");
    assert!(
        output.stderr.len() < 3000 && !output.stderr.contains('\u{1b}'),
        "{output}"
    );
    // Who is not asked for the token is told nothing.
    drop(sshd);
    let _sshd = machine.known_sshd(&[]);
    let output = script(&machine, LOGIN).expect_success();
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("alice\n", ""),
        "{output}"
    );
}

/// A certificate in the agent is the key that it is for.
#[test]
fn a_certificate_of_the_agents_is_offered_too() {
    let machine = machine_with(&["k1", "k2"]);
    let certify = "ssh-keygen -q -t ed25519 -N '' -f ca
        mv keys/k2* .; ssh-keygen -q -s ca -I alice -n alice k2.pub";
    let _ = script(&machine, certify).expect_success();
    machine
        .run(["cp", "/home/carol/ca.pub", "/etc/ssh/ca.pub"])
        .expect_success();
    machine
        .run([
            "sed",
            "-i",
            "/carol's k2/d",
            "/home/alice/.ssh/authorized_keys",
        ])
        .expect_success();
    let _sshd = machine.known_sshd(&[BOTH, "TrustedUserCAKeys /etc/ssh/ca.pub"]);
    bind(&machine, "k2");
    // ssh-add takes it from beside the key; the key itself is refused, and counts.
    let output = script(&machine, &with_agent("keys/k1 k2", LOGIN)).expect_success();
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("alice\n", ""),
        "{output}"
    );
}

/// A key that is locked is asked for on the terminal, by ssh.
#[test]
fn a_locked_key_is_unlocked_on_the_terminal() {
    let machine = machine_with(&["k1"]);
    let _sshd = sshd(&machine);
    let lock = "ssh-keygen -q -p -P '' -N 'correct horse' -f .ssh/id_ed25519";
    let _ = script(&machine, lock).expect_success();
    bind(&machine, ".ssh/id_ed25519");
    let mut ssh = machine
        .command(["sh", "-c", &format!("cd; {}", with_agent("keys/k1", LOGIN))])
        .user("carol")
        .env("BEARER_TOKEN_FILE", "/home/carol/token")
        .terminal();
    ssh.expect("Enter passphrase for key '/home/carol/.ssh/id_ed25519': ");
    ssh.send_line("correct horse").expect("alice\r\n");
    let output = ssh.wait();
    assert_eq!(output.code(), Some(0), "{output}");
}

/// What runs ssh runs jwt-ssh just as well.
#[test]
fn scp_sftp_rsync_and_git_offer_it_too() {
    let machine = machine_with(&TEN);
    let _sshd = sshd(&machine);
    bind(&machine, "keys/k9");
    let bare = "git init -q --bare /home/alice/repository";
    let _ = machine
        .command(["sh", "-c", bare])
        .user("alice")
        .run()
        .expect_success();
    let _ = script(
        &machine,
        "echo alice >file; git init -q repository; cd repository
        git config user.name c; git config user.email c; git commit -q --allow-empty -m alice",
    )
    .expect_success();
    for text in [
        "scp -q -S jwt-ssh file alice@machine:copy; scp -q -S jwt-ssh alice@machine:copy back
         cat back",
        "echo 'get copy got' | sftp -q -b - -S jwt-ssh alice@machine >log; cat got",
        "rsync -e jwt-ssh alice@machine:copy synced; cat synced",
        "export GIT_SSH=jwt-ssh
         git -C repository push -q alice@machine:repository HEAD:refs/heads/main
         git clone -q -b main alice@machine:repository clone; git -C clone log --format=%s",
    ] {
        expect_first(&machine, "keys/k9", &with_agent(ALL_TEN, text));
    }
}
