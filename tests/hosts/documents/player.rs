//! Plays a document: types its commands where it says, and holds what is printed against what
//! it shows.

use super::document::{Step, Turn, prompt, shows, steps};
use machine::{Machine, Terminal};

/// Whatever a prompt of ours looks like: that of Debian's bash. Nobody edits a line here.
const BASHRC: &str = "export NO_COLOR=1; set +o emacs +o vi; PS1='\\u@\\h:\\w\\$ '\n";

/// What somebody types when they are asked.
pub enum Answer {
    /// This.
    Text(&'static str),
    /// The token that was printed last, which they have copied.
    Token,
    /// The secret of the client that was added last.
    Secret,
}

/// What somebody does at a page whose address is shown.
type AtPage<'m> = Box<dyn Fn(&str) + 'm>;

/// A terminal, with the shells in it: each was reached from the one below.
struct Window {
    terminal: Terminal,
    shells: Vec<String>,
    /// A command runs there that waits for what is done elsewhere.
    waits: bool,
}

/// Who plays a document.
pub struct Player<'m> {
    machines: Vec<&'m Machine>,
    answers: Vec<(&'static str, Answer)>,
    page: Option<(&'static str, AtPage<'m>)>,
    windows: Vec<Window>,
    /// The token and the secret that were printed last.
    token: String,
    secret: String,
}

impl<'m> Player<'m> {
    /// On these machines. Their accounts are there already.
    pub fn new(machines: &[&'m Machine]) -> Self {
        for machine in machines {
            let homes = "for home in /root $(ls -d /home/* 2>/dev/null); do printf %s \"$0\" >$home/.bashrc; \
                echo '. ~/.bashrc' >$home/.bash_profile; done";
            machine.run(["sh", "-c", homes, BASHRC]).expect_success();
        }
        Player {
            machines: machines.to_vec(),
            answers: Vec::new(),
            page: None,
            windows: Vec::new(),
            token: String::new(),
            secret: String::new(),
        }
    }

    /// What is typed when a line ends in `question`.
    pub fn answer(mut self, question: &'static str, answer: Answer) -> Self {
        self.answers.push((question, answer));
        self
    }

    /// What is done when an address that begins so is shown.
    pub fn at_page(mut self, begins: &'static str, act: impl Fn(&str) + 'm) -> Self {
        self.page = Some((begins, Box::new(act)));
        self
    }

    /// Plays a document. `written` hears of each file, with its text.
    #[track_caller]
    pub fn play(&mut self, document: &str, mut written: impl FnMut(&str, &str)) {
        let steps = steps(document).unwrap_or_else(|reason| panic!("{reason}"));
        for step in steps {
            match step {
                Step::Typed(turn) => self.turn(&turn),
                Step::File { host, path, text } => {
                    if let Some(host) = host {
                        self.machine(&host).write(&path, &text, 0o644);
                    }
                    written(&path, &text);
                }
            }
        }
        for window in &mut self.windows {
            window.comes_to_its_end();
        }
    }

    fn machine(&self, host: &str) -> &'m Machine {
        let machine = self.machines.iter().find(|machine| machine.name() == host);
        machine.unwrap_or_else(|| panic!("there is no {host}"))
    }

    fn turn(&mut self, turn: &Turn) {
        let is_open = |windows: &[Window], shell: &str| {
            let mut shells = windows.iter().flat_map(|window| &window.shells);
            shells.any(|open| open == shell)
        };
        if !is_open(&self.windows, &turn.shell) {
            let window = self.open(&turn.shell);
            self.windows.push(window);
        }
        if turn.typed.is_empty() {
            return;
        }
        let leads = turn.next.as_ref().filter(|_| is_login(&turn.typed));
        let leads = leads.filter(|next| !is_open(&self.windows, next));
        let in_front = |window: &Window| window.shells.last() == Some(&turn.shell);
        let at = self.windows.iter().position(in_front);
        let at = at.unwrap_or_else(|| panic!("line {}: not in front", turn.line));
        let window = &mut self.windows[at];

        window.comes_to_its_end();
        // A token that was printed is copied from there.
        let typed = turn.typed.replace("eyJ…", &self.token);
        window.terminal.send_line(&typed);
        if turn.typed.contains(" --try ") {
            let shown = turn.shown.iter().flat_map(|line| line.split('…'));
            for text in shown.filter(|text| !text.is_empty()) {
                window.terminal.expect(text);
            }
            window.waits = true;
            return;
        }
        let mut printed = self.answer_questions(at, turn);
        let window = &mut self.windows[at];
        if turn.typed == "exit" {
            window.shells.pop();
        }
        window.shells.extend(leads.cloned());
        let Some(shell) = window.shells.last() else {
            self.windows.retain(|window| !window.shells.is_empty());
            return;
        };
        printed += &window.terminal.until(&prompt_of(shell));
        let status = window.status();

        // What was typed is on the terminal too.
        let (_, output) = printed.split_once('\n').unwrap_or_default();
        let place = format!(
            "status {status}, line {}: {}\n{output}",
            turn.line, turn.typed
        );
        let fails = turn.shown.iter().any(|line| line.starts_with("REFUSED"));
        assert_eq!(status != "0", fails, "{place}");
        if let Err(line) = shows(&turn.shown, output) {
            panic!("lacks `{line}`, {place}");
        }
        self.remember(output);
    }

    /// Answers what a document shows to be asked; what was printed up to there.
    fn answer_questions(&mut self, at: usize, turn: &Turn) -> String {
        let terminal = &mut self.windows[at].terminal;
        let mut printed = String::new();
        for line in turn.shown.iter().map(|line| line.trim()) {
            if let Some((begins, act)) = self
                .page
                .as_ref()
                .filter(|(page, _)| line.starts_with(page))
            {
                printed += &terminal.until(begins);
                let address = format!("{begins}{}", terminal.until("\r\n"));
                act(&address);
                printed += &format!("{address}\r\n");
            }
            let asked = self
                .answers
                .iter()
                .find(|(question, _)| line.ends_with(question));
            let Some((question, answer)) = asked else {
                continue;
            };
            match answer {
                Answer::Text(text) => {
                    printed += &terminal.until(question);
                    terminal.send_line(text);
                }
                Answer::Secret => {
                    printed += &terminal.until(question);
                    terminal.send_line(&self.secret);
                }
                Answer::Token => {
                    printed += "\n";
                    terminal.send_in_pieces(&self.token);
                }
            }
            printed += &format!("{line}\r\n");
        }
        printed
    }

    /// Keeps what somebody would copy.
    fn remember(&mut self, output: &str) {
        for line in output.lines().map(str::trim) {
            if let Some(secret) = line.strip_prefix("client_secret") {
                self.secret = secret.trim().to_owned();
            } else if line.starts_with("ey") && line.len() > 100 {
                self.token = line.to_owned();
            }
        }
    }

    /// A shell of somebody who sits at the host.
    fn open(&self, shell: &str) -> Window {
        let (account, host) = shell.split_once('@').expect("a shell has both");
        let home = match account {
            "root" => "/root".to_owned(),
            _ => format!("/home/{account}"),
        };
        let bash = ["env", "-C", &home, "bash", "--noediting", "-i"];
        let command = self.machine(host).command(bash);
        let command = if account == "root" {
            command
        } else {
            command.user(account)
        };
        let mut terminal = command.terminal();
        terminal.expect(&prompt_of(shell));
        // Wide enough that no line is broken.
        terminal
            .send_line("stty columns 1000")
            .expect(&prompt_of(shell));
        Window {
            terminal,
            shells: vec![shell.to_owned()],
            waits: false,
        }
    }
}

impl Window {
    /// Waits for the end of the command that waits for others. It has to be a good one.
    fn comes_to_its_end(&mut self) {
        if std::mem::take(&mut self.waits) {
            let shell = self.shells.last().expect("one is in front");
            let printed = self.terminal.until(&prompt_of(shell));
            assert_eq!(self.status(), "0", "{printed}");
        }
    }

    /// How the last command ended.
    fn status(&mut self) -> String {
        self.terminal.send_line("echo \"status=$?\"");
        let status = self.terminal.expect("\r\nstatus=").until("\r\n");
        let shell = self.shells.last().expect("one is in front");
        self.terminal.expect(&prompt_of(shell));
        status
    }
}

/// Whether a command may lead to another shell.
fn is_login(command: &str) -> bool {
    let program = command.split(' ').next().unwrap_or_default();
    ["ssh", "jwt-ssh", "su", "sudo"].contains(&program)
}

/// What a shell prints before it reads.
fn prompt_of(shell: &str) -> String {
    let sign = if shell.starts_with("root@") { '#' } else { '$' };
    let text = format!("{shell}:~{sign} ");
    assert!(prompt(&text).is_some(), "{text}");
    text
}
