//! Hosts that ask for what they must not have: real sshds with hostile.c in their PAM
//! stacks, which asks whatever it is told to and keeps what it is answered.

use machine::{Machine, Sshd};
use std::fmt;

/// What a hostile host says to whoever logs in.
#[derive(Clone)]
pub struct Say {
    /// As hostile.c knows it.
    kind: u8,
    text: Vec<u8>,
}

/// A prompt.
pub fn ask(prompt: impl AsRef<[u8]>) -> Say {
    Say::new(b'p', prompt.as_ref())
}

/// A prompt whose answer is shown as it is typed.
pub fn ask_openly(prompt: impl AsRef<[u8]>) -> Say {
    Say::new(b'e', prompt.as_ref())
}

/// A text.
pub fn tell(text: impl AsRef<[u8]>) -> Say {
    Say::new(b'i', text.as_ref())
}

/// How many of these are prompts.
pub fn prompts(script: &[Say]) -> usize {
    script.iter().filter(|say| say.kind != b'i').count()
}

impl Say {
    fn new(kind: u8, text: &[u8]) -> Self {
        let text = text.to_vec();
        Self { kind, text }
    }
}

impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", char::from(self.kind), self.text.escape_ascii())
    }
}

/// A hostile host.
pub struct Hostile<'m> {
    machine: &'m Machine,
    name: &'static str,
    _sshd: Sshd<'m>,
}

impl<'m> Hostile<'m> {
    /// One that lets everybody in who has heard it out: a jump host.
    pub fn open(machine: &'m Machine, name: &'static str) -> Self {
        Self::start(machine, name, "", &[])
    }

    /// The same, with lines of sshd_config.
    pub fn open_with(machine: &'m Machine, name: &'static str, config: &[&str]) -> Self {
        Self::start(machine, name, "", config)
    }

    /// One that lets nobody in.
    pub fn closed(machine: &'m Machine, name: &'static str) -> Self {
        Self::start(machine, name, "auth required pam_deny.so\n", &[])
    }

    fn start(machine: &'m Machine, name: &'static str, end: &str, config: &[&str]) -> Self {
        // Whose stack libpam adds to that of every service.
        assert_ne!(name, "other");
        let module = "/usr/lib/hostile.so";
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hostile/hostile.c");
        let cc = ["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o"];
        let cc = machine.command(cc).args([module, source, "-lpam"]);
        let _ = cc.run().expect_success();
        let stack = format!(
            "auth required {module} {name}\n{end}account required pam_permit.so\n\
             session required pam_permit.so\n"
        );
        machine.write(&format!("/etc/pam.d/{name}"), stack, 0o644);
        let hostile = Self {
            machine,
            name,
            _sshd: machine.sshd_of(name, name, config),
        };
        hostile.says(&[]);
        hostile
    }

    /// What it says from now on; what it heard before is forgotten.
    pub fn says(&self, script: &[Say]) {
        let mut bytes = Vec::new();
        for say in script {
            bytes.push(say.kind);
            bytes.extend(&say.text);
            bytes.push(0);
        }
        let (script, heard) = (self.script(), self.heard_file());
        self.machine.write(&script, bytes, 0o600);
        self.machine.write(&heard, "", 0o600);
    }

    /// For each prompt that it asked, in their order, what it heard: nothing where ssh
    /// went away instead.
    pub fn heard(&self) -> Vec<Option<Vec<u8>>> {
        let file = self.heard_file();
        let bytes = self.machine.inside(|| std::fs::read(file));
        let bytes = bytes.expect("what it heard");
        let (mut heard, mut rest) = (Vec::new(), bytes.as_slice());
        while let [entry, after @ ..] = rest {
            rest = after;
            if *entry == b'Q' {
                heard.push(None);
                continue;
            }
            let colon = after.iter().position(|byte| *byte == b':');
            let (length, after) = after.split_at(colon.expect("a length"));
            let length = String::from_utf8_lossy(length).parse().expect("a length");
            let (answer, after) = after[1..].split_at(length);
            *heard.last_mut().expect("a prompt before") = Some(answer.to_vec());
            rest = after;
        }
        heard
    }

    /// Whether what it heard has a part of what is the token's own: of its header, which
    /// many tokens share, nothing counts.
    pub fn learned_of(&self, token: &str) -> bool {
        let (_, own) = token.split_once('.').expect("a token");
        let heard = self.heard().into_iter().flatten().collect::<Vec<_>>();
        let heard = [heard.concat(), heard.join(&b' ')].concat();
        own.as_bytes()
            .windows(8)
            .any(|part| heard.windows(8).any(|window| window == part))
    }

    fn script(&self) -> String {
        format!("/etc/hostile/{}", self.name)
    }

    fn heard_file(&self) -> String {
        format!("/run/hostile/{}", self.name)
    }
}
