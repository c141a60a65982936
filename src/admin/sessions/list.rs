//! Open sessions, as programs and people read them.

use crate::moment::shown;
use crate::table::table;
use policy::duration::for_people;
use policy::session::{Session, Token};
use serde_json::{Value, json};
use system::sessions::Key;

/// A session, and what tells it from others.
pub type Open = (Key, Session);

/// The order in which sessions are listed: an account's together, oldest first.
pub fn order((key, session): &Open) -> (&str, u64, &str) {
    (&session.account, session.since, &key.id)
}

/// Everything that is known.
pub fn as_json(open: &[Open]) -> Value {
    let token = |token: &Option<Token>| {
        let token = token.as_ref();
        token.map(|token| json!({ "iss": token.issuer, "jti": token.id, "exp": token.expires }))
    };
    let entry = |(key, session): &Open| {
        let file = session.issued.as_ref().map(|_| key.token_path());
        json!({
            "account": session.account,
            "uid": key.uid,
            "service": session.service,
            "pid": key.process.pid,
            "sid": key.id,
            "since": session.since,
            "opened_by": token(&session.opened_by),
            "issued": token(&session.issued),
            "token_file": file.map(|path| path.display().to_string()),
            "ends": session.end(),
        })
    };
    json!({ "sessions": open.iter().map(entry).collect::<Value>() })
}

const HEAD: [&str; 7] = [
    "ACCOUNT",
    "SERVICE",
    "OPEN FOR",
    "OPENED BY",
    "HAS TOKEN",
    "GOOD FOR",
    "SESSION ENDS",
];

/// A line for each, at the time `now` in seconds since the epoch; or that there is none, of
/// this `user` if one was asked for.
pub fn as_table(open: &[Open], user: Option<&str>, now: u64) -> String {
    if open.is_empty() {
        let whose = user.map_or(String::new(), |user| format!(" of {user}"));
        return format!("no session{whose} is open that a token opened or that has one");
    }
    let row = |(_, session): &Open| {
        [
            session.account.clone(),
            session.service.clone(),
            for_people(now.saturating_sub(session.since)),
            name(session.opened_by.as_ref()),
            name(session.issued.as_ref()),
            left(session.issued.as_ref(), now),
            session.end().map_or_else(nothing, shown),
        ]
    };
    table(HEAD, &open.iter().map(row).collect::<Vec<_>>())
}

fn nothing() -> String {
    "-".to_owned()
}

/// What a token is known by.
fn name(token: Option<&Token>) -> String {
    let named = |token: &Token| token.id.clone().unwrap_or_else(|| "no jti".to_owned());
    token.map_or_else(nothing, named)
}

fn left(token: Option<&Token>, now: u64) -> String {
    let left = |token: &Token| match token.expires.checked_sub(now) {
        Some(left @ 1..) => for_people(left),
        _ => "expired".to_owned(),
    };
    token.map_or_else(nothing, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::handoff::Process;

    const NOW: u64 = 1_801_396_800;

    fn token(id: Option<&str>, expires: u64) -> Option<Token> {
        Some(Token {
            issuer: "https://i".to_owned(),
            id: id.map(str::to_owned),
            expires,
        })
    }

    fn open(account: &str, since: u64) -> Open {
        let key = Key {
            uid: 1000,
            process: Process { pid: 7, start: 70 },
            id: "6f1c".to_owned(),
        };
        let session = Session {
            account: account.to_owned(),
            service: "sshd".to_owned(),
            since,
            opened_by: None,
            issued: None,
            ends: false,
        };
        (key, session)
    }

    #[test]
    fn people_see_times_as_how_long_they_are() {
        let mut some = [
            open("alice", NOW - 185),
            open("bob", NOW),
            open("carol", NOW + 9),
        ];
        some[0].1.opened_by = token(Some("o1"), NOW + 600);
        some[0].1.issued = token(Some("i1"), NOW + 3605);
        some[0].1.ends = true;
        some[1].1.opened_by = token(None, NOW + 600);
        some[2].1.issued = token(Some("\u{1b}[2J\n"), NOW);
        assert_eq!(
            as_table(&some, None, NOW),
            "\
ACCOUNT  SERVICE  OPEN FOR   OPENED BY  HAS TOKEN   GOOD FOR  SESSION ENDS
alice    sshd     3 min 5 s  o1         i1          1 h 5 s   2027-01-31T12:10:00Z
bob      sshd     0 s        no jti     -           -         -
carol    sshd     0 s        -          \\u{1b}[2J   expired   -"
        );
        assert_eq!(
            as_table(&[], Some("alice"), NOW),
            "no session of alice is open that a token opened or that has one"
        );
    }

    #[test]
    fn programs_see_everything() {
        let mut one = open("alice", 5);
        one.1.opened_by = token(Some("o1"), 600);
        one.1.ends = true;
        let mut other = open("bob", 6);
        other.1.issued = token(Some("i2"), 900);
        let expected = json!({ "sessions": [
            { "account": "alice", "uid": 1000, "service": "sshd", "pid": 7, "sid": "6f1c",
              "since": 5, "opened_by": { "iss": "https://i", "jti": "o1", "exp": 600 },
              "issued": null, "token_file": null, "ends": 600 },
            { "account": "bob", "uid": 1000, "service": "sshd", "pid": 7, "sid": "6f1c",
              "since": 6, "opened_by": null,
              "issued": { "iss": "https://i", "jti": "i2", "exp": 900 },
              "token_file": "/run/pam-jwt/1000/6f1c", "ends": null },
        ]});
        assert_eq!(as_json(&[one, other]), expected);
        assert_eq!(as_json(&[]), json!({ "sessions": [] }));
    }

    #[test]
    fn an_accounts_sessions_stand_together_oldest_first() {
        let mut some = [open("bob", 1), open("alice", 9), open("alice", 2)];
        some.sort_by(|one, other| order(one).cmp(&order(other)));
        let found = some.map(|(_, session)| (session.account, session.since));
        assert_eq!(
            found
                .each_ref()
                .map(|(account, since)| (&**account, *since)),
            [("alice", 2), ("alice", 9), ("bob", 1)]
        );
    }
}
