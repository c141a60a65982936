//! /etc/shadow: what pam_unix says of an account in its account phase, which a login by token
//! goes through as well.

/// What keeps an account from logging in (shadow(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing does.
    Fine,
    /// Its password is locked, as accounts that log in by token alone may have it.
    Locked,
    /// The account has ended.
    Ended,
    /// The password is to be changed before anything else.
    MustChange,
    /// The password is so old that the account is not let in any more.
    TooOld,
}

/// How the account `name` stands on a day, counted since the epoch; none where the text has no
/// line of it.
pub fn standing(text: &str, name: &str, today: i64) -> Option<Standing> {
    let mut lines = text.lines().map(|line| line.split(':'));
    let mut fields =
        lines.find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let password = fields.next().unwrap_or_default();
    // What is empty or no number says nothing.
    let mut number = || fields.next().and_then(|field| field.parse::<i64>().ok());
    let (changed, _min, most, _warn, inactive, end) =
        (number(), number(), number(), number(), number(), number());
    if end.is_some_and(|end| end >= 0 && today >= end) {
        return Some(Standing::Ended);
    }
    if changed == Some(0) {
        return Some(Standing::MustChange);
    }
    if let (Some(changed), Some(most)) = (changed, most.filter(|most| *most >= 0)) {
        let due = changed.saturating_add(most);
        let inactive = inactive.filter(|days| *days >= 0);
        if inactive.is_some_and(|days| today > due.saturating_add(days)) {
            return Some(Standing::TooOld);
        }
        if today > due {
            return Some(Standing::MustChange);
        }
    }
    Some(if password.starts_with('!') {
        Standing::Locked
    } else {
        Standing::Fine
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_stands_as_pam_unix_has_it() {
        for (fields, expected) in [
            ("*:20000:0:99999:7:::", Standing::Fine),
            ("$y$j9T$x$y:20000:0:99999:7:::", Standing::Fine),
            ("!:20000:0:99999:7:::", Standing::Locked),
            ("!$y$x:20000::::::", Standing::Locked),
            (":20000::::::", Standing::Fine),
            ("*:20000:0:99999:7::20100:", Standing::Ended),
            ("*:20000:0:99999:7::20101:", Standing::Fine),
            ("!:20000:0:99999:7::1:", Standing::Ended),
            ("*:0:0:99999:7:::", Standing::MustChange),
            ("*:20000:0:100:7:::", Standing::Fine),
            ("*:20000:0:99:7:::", Standing::MustChange),
            ("*:20000:0:90:7:10::", Standing::MustChange),
            ("*:20000:0:90:7:9::", Standing::TooOld),
            ("*:20000:0:-1:7:9:-1:", Standing::Fine),
            ("*:x:y", Standing::Fine),
            ("*", Standing::Fine),
        ] {
            let text = format!("root:*:1:0:99999:7:::\nalice:{fields}\nalice2:*:0::::::\n");
            let found = standing(&text, "alice", 20_100);
            assert_eq!(found, Some(expected), "{fields}");
        }
        assert_eq!(standing("alice:*:::::::\n", "ali", 1), None);
    }
}
