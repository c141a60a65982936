//! What a profile allows, as `apparmor_parser --preprocess` prints it: with all that it includes,
//! and with variables.

use super::glob::matches;
use std::collections::BTreeMap;

/// A profile, with those of the programs that it starts.
#[derive(Debug, Default)]
pub struct Profile {
    pub name: String,
    /// The programs to which it is attached.
    attachment: Vec<String>,
    files: Vec<File>,
    /// The other rules, each as its words: `capability`, `network`.
    others: Vec<Vec<String>>,
    pub children: Vec<Profile>,
}

#[derive(Debug)]
struct File {
    denies: bool,
    patterns: Vec<String>,
    /// Letters of apparmor.d(5), with the `->` of a transition left out.
    modes: String,
    target: Option<String>,
}

type Variables = BTreeMap<String, Vec<String>>;

impl Profile {
    /// Reads the one profile of a file.
    pub fn parse(text: &str) -> Profile {
        let mut variables = Variables::new();
        let mut open = vec![Profile::default()];
        let mut rule = String::new();
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, values)) = variable(line) {
                variables.entry(name).or_default().extend(values);
            } else if let Some(head) = line.strip_suffix(" {") {
                open.push(Profile::begun(head, &variables));
            } else if line == "}" {
                let child = open.pop().expect("it was opened");
                open.last_mut().expect("one is around").children.push(child);
            } else {
                rule.push(' ');
                rule.push_str(line);
                if let Some(whole) = rule.strip_suffix(',') {
                    let last = open.last_mut().expect("one is open");
                    last.add(whole.trim(), &variables);
                    rule.clear();
                }
            }
        }
        let [file] = &mut open[..] else {
            panic!("a profile does not end");
        };
        assert_eq!((rule.as_str(), file.children.len()), ("", 1));
        file.children.pop().expect("it has one")
    }

    fn begun(head: &str, variables: &Variables) -> Profile {
        let words: Vec<&str> = head.split_whitespace().collect();
        let ["profile", name, attachment] = words[..] else {
            panic!("not known: {head}");
        };
        Profile {
            name: name.to_owned(),
            attachment: expanded(attachment, variables),
            ..Profile::default()
        }
    }

    fn add(&mut self, rule: &str, variables: &Variables) {
        let (rule, target) = match rule.split_once(" -> ") {
            Some((rule, target)) => (rule, Some(target.to_owned())),
            None => (rule, None),
        };
        let mut words: Vec<String> = rule.split_whitespace().map(str::to_owned).collect();
        let denies = words[0] == "deny";
        // What is for the owner of a file alone is not counted as allowed.
        if words[0] == "owner" {
            return;
        }
        if denies {
            words.remove(0);
        }
        match &words[..] {
            [path, modes] if path.starts_with(['/', '@']) => self.files.push(File {
                denies,
                patterns: expanded(path, variables),
                modes: modes.clone(),
                target,
            }),
            _ => self.others.push(words),
        }
    }

    /// Whether it is the one of a program.
    pub fn is_of(&self, program: &str) -> bool {
        self.attachment.iter().any(|one| matches(one, program))
    }

    fn modes(&self, path: &str, denies: bool) -> String {
        let files = self.files.iter().filter(|file| file.denies == denies);
        let files = files.filter(|file| file.patterns.iter().any(|one| matches(one, path)));
        files.map(|file| file.modes.as_str()).collect()
    }

    /// The letters of `wanted` that it does not allow for a path.
    pub fn lacks(&self, path: &str, wanted: &str) -> String {
        let allowed = self.modes(path, false);
        let denied = self.modes(path, true);
        let is_allowed = |c: &char| {
            let has = |c| allowed.contains(c) && !denied.contains(c);
            has(*c) || *c == 'a' && has('w')
        };
        wanted.chars().filter(|c| !is_allowed(c)).collect()
    }

    /// Which profile a program has that is started from here; none, if it may not be.
    pub fn after(&self, program: &str) -> Option<&Profile> {
        let rule = self.files.iter().find(|file| {
            file.modes.contains('x') && file.patterns.iter().any(|one| matches(one, program))
        })?;
        if rule.modes.contains("ix") {
            return Some(self);
        }
        let name = rule.target.as_deref();
        let child = |child: &&Profile| {
            Some(child.name.as_str()) == name || name.is_none() && child.is_of(program)
        };
        self.children.iter().find(child)
    }

    /// Whether it has a rule of these words, of which the rule may leave the last ones out.
    pub fn has(&self, wanted: &[&str]) -> bool {
        let allows = |rule: &&Vec<String>| {
            !rule.is_empty() && rule.iter().zip(wanted).all(|(one, wanted)| one == wanted)
        };
        self.others.iter().any(|rule| allows(&rule))
    }
}

/// `@{NAME} = VALUES` or `+=`.
fn variable(line: &str) -> Option<(String, Vec<String>)> {
    let (name, values) = line.strip_prefix("@{")?.split_once('}')?;
    let values = values.trim_start().trim_start_matches('+');
    let values = values.strip_prefix('=')?.split_whitespace();
    let values = values.map(|value| value.trim_matches('"').to_owned());
    Some((name.to_owned(), values.collect()))
}

/// A pattern for each of the values that its variables have.
fn expanded(pattern: &str, variables: &Variables) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once("@{") else {
        // Values end in slashes as they like.
        let mut path = pattern.to_owned();
        while path.contains("//") {
            path = path.replace("//", "/");
        }
        return vec![path];
    };
    let (name, after) = rest.split_once('}').expect("the name of a variable ends");
    let values = variables.get(name).into_iter().flatten();
    let values = values.map(|value| format!("{before}{value}{after}"));
    values
        .flat_map(|pattern| expanded(&pattern, variables))
        .collect()
}

#[test]
fn a_rule_allows_what_it_says_and_a_denial_takes_it_away() {
    let profile = Profile::parse(
        "@{PROC}=/proc/
        @{x}=[1-9] self
        @{run}=/run/ /var/run/ # a remark
        profile a /usr/sbin/a {
          /etc/** r,
          deny /etc/private/* r,
          @{PROC}/@{x}/stat r,
          @{run}/b w,
          owner /home/** r,
          capability setuid,
          network inet  stream,
          /usr/sbin/a mrix,
          /usr/bin/c Cx -> c,
          /usr/bin/d Px,
          profile c /usr/bin/c {
            /dev/null r,
          }
        }
        ",
    );
    assert!(profile.is_of("/usr/sbin/a") && !profile.is_of("/usr/sbin/b"));
    for (path, wanted, lacking) in [
        ("/etc/passwd", "r", ""),
        ("/etc/passwd", "rw", "w"),
        ("/etc/private/key", "r", "r"),
        ("/proc/1/stat", "r", ""),
        ("/proc/self/stat", "r", ""),
        ("/var/run/b", "w", ""),
        ("/run/b", "a", ""),
        ("/run/c", "w", "w"),
        ("/home/alice/x", "r", "r"),
        ("/usr/sbin/a", "mrx", ""),
    ] {
        assert_eq!(profile.lacks(path, wanted), lacking, "{path} {wanted}");
    }
    assert!(profile.has(&["capability", "setuid"]) && !profile.has(&["capability", "kill"]));
    assert!(profile.has(&["network", "inet", "stream"]));
    assert!(!profile.has(&["network", "inet", "dgram"]));
    let after = |program| profile.after(program).map(|profile| profile.name.as_str());
    assert_eq!(after("/usr/sbin/a"), Some("a"));
    assert_eq!(after("/usr/bin/c"), Some("c"));
    assert_eq!((after("/usr/bin/d"), after("/usr/bin/e")), (None, None));
}
