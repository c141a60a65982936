//! Keys that an issuer has changed since they were fetched: a login whose token opens nothing
//! may have them fetched anew, once a minute and no more.
//!
//! It takes a while that can be measured, and for an account that does not exist sshd passes
//! on junk of the length of what was typed. So who does not get in may have caused it by that
//! length and by nothing else: what looked at the token would tell which accounts exist.

use crate::fetched::Fetched;
use crate::helper::{Answer, Errand, Request};
use crate::remote::Remote;
use policy::decision::Decision;
use policy::explain::Observer;
use policy::reason::Reason;
use policy::trust::Trust;
use std::path::Path;
use std::time::Duration;

/// For how long somebody waits, in all.
const PATIENCE: Duration = Duration::from_secs(3);

/// No token whose signature is by a public key has fewer bytes: the shortest signature has 86
/// and both other parts say something. No password has as many.
pub(crate) const LEAST_BYTES: usize = 128;

/// Whether other keys might let in whom `decision` does not.
pub(crate) fn would_help(decision: &Decision, trust: &Trust) -> bool {
    let iss = decision.facts.issuer.as_deref();
    let issuer = iss.and_then(|iss| trust.issuer(iss));
    matches!(
        decision.reason(),
        Reason::KeyUnknown | Reason::KeysNotFetched
    ) && issuer
        .and_then(|issuer| issuer.fetched.as_ref())
        .is_some_and(|fetched| fetched.on_unknown_kid)
}

/// Has the keys in `fetched` fetched anew of all issuers whose files allow it and of whom that
/// was not tried just now, and says whether there are new ones. `config` is the
/// configuration's directory, `now` in seconds since the epoch.
pub(crate) fn refresh(
    trust: &Trust,
    fetched: &Path,
    config: &Path,
    now: u64,
    remote: &dyn Remote,
    observer: &mut dyn Observer,
) -> bool {
    let mut said = |passed, words: &str| {
        observer.check(format_args!("refresh"), passed, format_args!("{words}"));
    };
    let fetched = match Fetched::open(fetched) {
        Ok(fetched) => fetched,
        Err(error) => {
            said(false, &error.to_string());
            return false;
        }
    };
    let names = trust.issuers.iter().filter(|issuer| {
        let fetched = issuer.fetched.as_ref();
        fetched.is_some_and(|fetched| fetched.on_unknown_kid)
    });
    let mut due = Vec::new();
    for issuer in names.map(|issuer| issuer.issuer.as_str()) {
        // Before any process is started, which strangers could have by the thousand.
        match fetched.state(issuer) {
            Ok(Some(state)) if state.pause(now).is_some() => {
                said(
                    false,
                    &format!("{issuer}: its keys were asked for just now"),
                );
            }
            Ok(_) => due.push(issuer),
            Err(why) => said(false, &why),
        }
    }
    let request = |issuer: &&str| Request {
        config: config.to_owned(),
        issuer: (*issuer).to_owned(),
        errand: Errand::Refresh,
    };
    let requests: Vec<Request> = due.iter().map(request).collect();
    let mut refreshed = false;
    for (issuer, answer) in due.into_iter().zip(remote.ask_all(&requests, PATIENCE)) {
        let failure = match answer {
            Ok(Answer::Refreshed) => {
                said(true, &format!("the keys of {issuer} were fetched"));
                refreshed = true;
                continue;
            }
            Ok(Answer::Failed(why)) | Err(why) => why,
            Ok(_) => "the helper gave another answer than that".to_owned(),
        };
        said(false, &format!("{issuer}: {failure}"));
    }
    refreshed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetched::{State, state_name};
    use policy::config::{Config, Source};
    use policy::explain::{Silent, Steps};
    use policy::trust::KeysOfIssuer;
    use std::cell::RefCell;
    use std::fs;
    use std::path::PathBuf;

    const NOW: u64 = 2_000_000_000;

    /// Answers as it is told, and keeps who was asked about whom, and for how long.
    struct Fetcher {
        answer: Result<Answer, String>,
        asked: RefCell<Vec<(String, u128)>>,
    }

    impl Remote for Fetcher {
        fn ask_all(&self, requests: &[Request], patience: Duration) -> Vec<Result<Answer, String>> {
            let mut asked = self.asked.borrow_mut();
            for request in requests {
                assert_eq!(request.errand, Errand::Refresh);
                assert_eq!(request.config, Path::new("/etc/pam-jwt"));
                asked.push((request.issuer.clone(), patience.as_millis()));
            }
            vec![self.answer.clone(); requests.len()]
        }
    }

    /// A directory of fetched keys.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = PathBuf::from(format!(
                "/run/pam-jwt-fetched.{}.{name}",
                std::process::id()
            ));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn attempted(&self, issuer: &str, attempted_at: u64) {
            let state = State {
                issuer: issuer.to_owned(),
                attempted_at,
                ended_at: Some(attempted_at),
                ..State::default()
            };
            let path = self.0.join(state_name(issuer));
            fs::write(path, state.to_json().to_string()).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Issuers a and b, whose files allow it, and c, whose file does not.
    fn trust() -> Trust {
        let text = |name: &str, more: &str| {
            format!("issuer='https://{name}'\naudience=['x']\ndiscover=true\n{more}")
        };
        let refreshed = "refresh_on_unknown_kid=true";
        let texts = [text("a", refreshed), text("b", refreshed), text("c", "")];
        let source = |text| Source { file: "i", text };
        let issuers: Vec<Source<'_>> = texts.iter().map(|text| source(text)).collect();
        let config = Config::parse(source(""), &issuers).whole().unwrap();
        let keys = vec![KeysOfIssuer::default(); texts.len()];
        Trust::new(config, keys, "h").unwrap()
    }

    fn asked(place: &Path, answer: Result<Answer, String>) -> (bool, Vec<(String, u128)>) {
        let fetcher = Fetcher {
            answer,
            asked: RefCell::default(),
        };
        let config = Path::new("/etc/pam-jwt");
        let done = refresh(&trust(), place, config, NOW, &fetcher, &mut Silent);
        (done, fetcher.asked.into_inner())
    }

    #[test]
    fn nobody_is_asked_twice_in_a_minute_and_nobody_waits_longer_for_several() {
        let place = Place::new("minute");
        let [a, b] = ["https://a", "https://b"].map(str::to_owned);
        let both = vec![(a.clone(), 3000), (b.clone(), 3000)];
        assert_eq!(asked(&place.0, Ok(Answer::Refreshed)), (true, both));
        // A clock that was set back says nothing of how long ago that was.
        for (attempted_at, is_due) in [
            (NOW, false),
            (NOW - 59, false),
            (NOW - 60, true),
            (NOW + 59, false),
            (NOW + 60, true),
        ] {
            place.attempted("https://b", attempted_at);
            place.attempted("https://a", NOW);
            let expected = if is_due {
                vec![(b.clone(), 3000)]
            } else {
                vec![]
            };
            let found = asked(&place.0, Ok(Answer::Refreshed));
            assert_eq!(found, (is_due, expected), "{attempted_at}");
        }
        // Notes that cannot be read could be of a moment ago.
        place.attempted("https://b", NOW - 100);
        let path = place.0.join(state_name("https://a"));
        fs::write(path, "{").unwrap();
        let one = vec![(b, 3000)];
        assert_eq!(asked(&place.0, Ok(Answer::Refreshed)), (true, one));
        let nowhere = place.0.join("none");
        assert_eq!(asked(&nowhere, Ok(Answer::Refreshed)), (false, vec![]));
    }

    #[test]
    fn what_is_no_success_is_none_and_is_told() {
        let place = Place::new("failure");
        for answer in [
            Err("hung".to_owned()),
            Ok(Answer::Failed("down".to_owned())),
            Ok(Answer::Denied),
        ] {
            let (done, all) = asked(&place.0, answer.clone());
            assert!(!done && all.len() == 2, "{answer:?}");
        }
        place.attempted("https://a", NOW);
        let fetcher = Fetcher {
            answer: Err("hung".to_owned()),
            asked: RefCell::default(),
        };
        let mut steps = Steps::default();
        let config = Path::new("/etc/pam-jwt");
        assert!(!refresh(
            &trust(),
            &place.0,
            config,
            NOW,
            &fetcher,
            &mut steps
        ));
        let told: Vec<&str> = steps.0.iter().map(|step| step.detail.as_str()).collect();
        let expected = [
            "https://a: its keys were asked for just now",
            "https://b: hung",
        ];
        assert_eq!(told, expected);
    }
}
