use super::*;
use crate::status::Age;
use policy::config::{Config, Source};
use policy::trust::KeysOfIssuer;
use system::fetched::State;

const RULE: &str = "[[allow]]\naccount='{sub}'\nservices=['sshd']\n";
const DEVICE: &str = "[device]\nclient_id='c'\n";

fn trust(issuers: &[String]) -> Trust {
    let files: Vec<String> = (0..issuers.len()).map(|at| format!("{at}.toml")).collect();
    let files = files.iter().zip(issuers);
    let sources: Vec<Source<'_>> = files.map(|(file, text)| Source { file, text }).collect();
    let global = Source {
        file: "pam-jwt.toml",
        text: "",
    };
    let config = Config::parse(global, &sources).whole().unwrap();
    let keys = vec![KeysOfIssuer::default(); issuers.len()];
    Trust::new(config, keys, "h").unwrap()
}

fn issuer(name: &str, rest: &str) -> String {
    format!("issuer='https://{name}'\naudience=['x']\ndiscover=true\n{rest}")
}

fn codes(issuers: &[String]) -> Vec<(&'static str, String)> {
    let trust = trust(issuers);
    let mut findings: Vec<Finding> = trust.issuers.iter().flat_map(of_issuer).collect();
    findings.extend(devices(&trust.issuers));
    let of = |found: Finding| (found.code, found.place);
    findings.into_iter().map(of).collect()
}

#[test]
fn a_login_with_a_browser_has_a_rule_and_one_issuer_for_each_service() {
    let with_device = |rules: &str| format!("{DEVICE}{rules}");
    let none = codes(&[issuer("a", DEVICE)]);
    assert_eq!(none, [("device_no_rule", "0.toml".to_owned())]);
    let two_rules = with_device(&RULE.repeat(2));
    assert_eq!(codes(&[issuer("a", &two_rules)]), []);
    let elsewhere = with_device(&RULE.replace("sshd", "su"));
    assert_eq!(
        codes(&[issuer("a", &two_rules), issuer("b", &elsewhere)]),
        []
    );
    assert_eq!(codes(&[issuer("a", &two_rules), issuer("b", RULE)]), []);
    let twice = codes(&[issuer("a", &two_rules), issuer("b", &two_rules)]);
    assert_eq!(twice, [("device_twice", "1.toml".to_owned())]);
}

#[test]
fn a_rule_for_root_that_never_holds_is_told() {
    let rule = |account: &str, service: &str, more: &str| {
        let rule =
            format!("[[allow]]\naccount='{account}'\nservices=['sshd','{service}']\n{more}\n");
        codes(&[issuer("a", &rule)])
    };
    let told = [("key_fetched", "0.toml:4".to_owned())];
    assert_eq!(rule("root", "su", ""), told);
    assert_eq!(rule("{sub}", "sudo", ""), told);
    assert_eq!(rule("root", "su", "fetched_keys=true"), []);
    assert_eq!(rule("{sub}", "sudo", "fetched_keys=true"), []);
    assert_eq!(rule("daemon", "su", ""), []);
}

#[test]
fn a_clients_secret_is_there_and_nobody_elses() {
    let device = "[device]\nclient_id='c'\nclient_secret_file='/nowhere/s'\n";
    let introspection = "[introspection]\nclient_id='c'\nprefix='abcd'\n\
         client_secret_file='/etc/passwd'\n";
    for text in [device, introspection] {
        let found = codes(&[issuer("a", &format!("{text}{RULE}"))]);
        assert_eq!(found, [("client_secret", "0.toml".to_owned())]);
    }
}

#[test]
fn keys_are_told_of_before_they_are_too_old_and_clocks_that_differ_too() {
    let report = |standing, clock_wrong| Report {
        issuer: "https://i".into(),
        file: "i.toml".into(),
        keys: Vec::new(),
        standing,
        max_key_age: Some(100),
        state: Ok(Some(State {
            error: Some("it is down".into()),
            ..State::default()
        })),
        clock_wrong,
        now: 1000,
    };
    let age = Age { age: 80, left: 20 };
    for (standing, clock, expected) in [
        (Standing::Fresh(age), None, &[][..]),
        (Standing::Fresh(age), Some(-31), &["clock_differs"]),
        (Standing::Ageing(age), None, &["keys_ageing"]),
        (Standing::TooOld("for 5 s".into()), None, &["keys_too_old"]),
        (
            Standing::Missing("never".into()),
            None,
            &["keys_not_fetched"],
        ),
    ] {
        let found = of_report(&report(standing, clock));
        let codes: Vec<&str> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, expected);
        let is_told = |found: &Finding| found.text.ends_with("; the last try: it is down");
        let of_keys = found.iter().filter(|found| found.code != "clock_differs");
        assert!(of_keys.into_iter().all(is_told));
    }
}

#[test]
fn a_timer_counts_where_systemd_runs() {
    let [there, nowhere] = ["/", "/nowhere"].map(Path::new);
    assert_eq!(timer(there, nowhere).unwrap().code, "timer_off");
    assert!(timer(there, there).is_none());
    assert!(timer(nowhere, nowhere).is_none());
}
