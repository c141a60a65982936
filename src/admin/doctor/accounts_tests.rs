use super::super::finding::Verdict;
use super::*;
use policy::config::{Config, Source};

fn alice() -> Facts {
    Facts {
        name: "alice".to_owned(),
        entry: Entry::Found {
            uid: 1000,
            shell: Shell {
                path: "/bin/sh".to_owned(),
                runs: true,
                is_listed: true,
            },
            home: ("/home/alice".to_owned(), true),
        },
        standing: Some(Standing::Locked),
    }
}

fn with(change: impl FnOnce(&mut u32, &mut Shell, &mut (String, bool))) -> Facts {
    let mut facts = alice();
    if let Entry::Found { uid, shell, home } = &mut facts.entry {
        change(uid, shell, home);
    }
    facts
}

#[track_caller]
fn wrong(facts: &Facts, machine: &Machine<'_>, says: &str) {
    let found = judge(facts, machine, true);
    let is_it = matches!(&found[..], [one] if one.verdict == Verdict::Wrong
        && one.says.contains(says) && !one.mend.is_empty());
    assert!(is_it, "{says}: {found:#?}");
}

#[track_caller]
fn fine(facts: &Facts, machine: &Machine<'_>) {
    let found = judge(facts, machine, true);
    assert!(
        matches!(&found[..], [one] if one.verdict == Verdict::Fine),
        "{found:#?}"
    );
}

#[test]
fn an_account_that_is_there_is_fine_and_what_keeps_it_out_is_told() {
    let machine = Machine::default();
    fine(&alice(), &machine);
    let entry = |entry| Facts { entry, ..alice() };
    wrong(&entry(Entry::Missing), &machine, "no such account");
    wrong(
        &entry(Entry::Other("Alice".to_owned())),
        &machine,
        "writes it Alice",
    );
    wrong(&entry(Entry::Failed("gone".to_owned())), &machine, "gone");
    for (standing, says) in [
        (Standing::Ended, "has expired"),
        (Standing::MustChange, "to be changed"),
        (Standing::TooOld, "so long ago"),
    ] {
        let facts = Facts {
            standing: Some(standing),
            ..alice()
        };
        wrong(&facts, &machine, says);
    }
    wrong(
        &with(|_, shell, _| shell.runs = false),
        &machine,
        "is not there",
    );
    let nologin = |path: &str| with(|_, shell, _| shell.path = path.to_owned());
    wrong(&nologin("/usr/sbin/nologin"), &machine, "ends every login");
    wrong(&nologin("/bin/false"), &machine, "ends every login");
    let homeless = judge(&with(|_, _, home| home.1 = false), &machine, true);
    assert!(matches!(&homeless[..], [one] if one.verdict == Verdict::Doubtful));
    let closed = Machine {
        nologin: Some("/etc/nologin"),
        ..Machine::default()
    };
    wrong(&alice(), &closed, "/etc/nologin is there");
    fine(&with(|uid, _, _| *uid = 0), &closed);
}

#[test]
fn a_shell_is_to_be_listed_where_pam_shells_asks() {
    let unlisted = with(|_, shell, _| shell.is_listed = false);
    fine(&unlisted, &Machine::default());
    let line = ["sshd", "pam_shells.so", "sshd:3"].map(str::to_owned);
    let machine = Machine {
        others: vec![&line],
        ..Machine::default()
    };
    wrong(&unlisted, &machine, "pam_shells.so (sshd:3)");
    fine(&alice(), &machine);
    assert_eq!(gates(&machine.others), []);
    let access = ["sshd", "pam_access.so", "sshd:4"].map(str::to_owned);
    let told = gates(&[&access, &access]);
    assert!(matches!(&told[..], [one] if one.says == "pam_access.so decides too at sshd."));
}

#[test]
fn rules_are_to_lead_to_the_account() {
    let trust = |rule: &str| {
        let text = format!(
            "issuer='i'\naudience=['x']\nkeys=['/k']\n[[allow]]\nservices=['sshd']\n{rule}\n"
        );
        let source = |file, text| Source { file, text };
        let config = Config::parse(source("pam-jwt.toml", ""), &[source("i.toml", &text)]);
        Trust::new(config.whole().unwrap(), vec![Default::default()], "h").unwrap()
    };
    let of = |trust, service| Machine {
        trust: Some(trust),
        service,
        ..Machine::default()
    };
    let (claim, named) = (trust("account='{sub}'"), trust("account='alice'"));
    let other = trust("account='bob'");
    for known in [&claim, &named] {
        fine(&alice(), &of(known, None));
        fine(&alice(), &of(known, Some("sshd")));
    }
    wrong(&alice(), &of(&other, Some("sshd")), "no rule leads");
    let found = judge(&alice(), &of(&other, None), false);
    assert_eq!(found[0].verdict, Verdict::Fine);
    for uid in [0, 999, NOBODY] {
        let facts = with(|own, _, _| *own = uid);
        wrong(&facts, &of(&claim, None), "placeholder");
        fine(&facts, &of(&named, None));
    }
}
