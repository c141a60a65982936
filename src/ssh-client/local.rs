//! Prompts of this machine itself: `sudo -A` with the askpass as SUDO_ASKPASS. There is
//! no run of jwt-ssh then and no agent; the token comes from where tools find it.

use crate::conversation::Answer;
use crate::environment::Environment;

/// Answers a prompt of sudo's.
#[cfg(target_os = "linux")]
pub fn answer(environment: &Environment<'_>, prompt: &[u8]) -> Answer {
    use crate::prompt::{piece, wanted};
    use zeroize::Zeroizing;

    // With SUDO_PROMPT any module's question has the user's words.
    let is_the_users = environment.get("SUDO_PROMPT").is_some();
    let Some(offset) = wanted(prompt).filter(|_| !is_the_users) else {
        return Answer::Terminal(None);
    };
    let token = asked_by_sudo(prompt).and_then(|()| token_for_this_machine(environment));
    match token.as_ref().map(|token| piece(token.as_bytes(), offset)) {
        Ok(Some(piece)) => Answer::Piece(Zeroizing::new(piece.to_vec()), None),
        Ok(None) => Answer::Terminal(None),
        Err(why) => Answer::Terminal(Some(why.clone())),
    }
}

/// There is no pam_jwt elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn answer(_: &Environment<'_>, _: &[u8]) -> Answer {
    Answer::Terminal(None)
}

/// Whoever asks without an agent has to be sudo, which acts as root and speaks for this
/// machine. An ssh client acts as its user and passes on what some server says; and what a
/// program of the user's left behind is a child of root's process 1. Root needs no sudo.
#[cfg(target_os = "linux")]
fn asked_by_sudo(prompt: &[u8]) -> Result<(), String> {
    use nix::unistd::{Uid, getppid};
    if Uid::effective().is_root() {
        return Err("root's token is not given without jwt-ssh".to_owned());
    }
    // `(user@host) ` is how ssh begins, whoever runs it.
    match crate::process::is_sudo(getppid().as_raw()) {
        Ok(true) if !prompt.starts_with(b"(") => Ok(()),
        Ok(_) => Err(
            "only sudo may ask without jwt-ssh: `jwt-ssh HOST` instead of `ssh HOST`".to_owned(),
        ),
        Err(error) => Err(format!("who asks cannot be seen: {error}")),
    }
}

#[cfg(target_os = "linux")]
fn token_for_this_machine(environment: &Environment<'_>) -> Result<crate::token::Token, String> {
    use crate::prompt::PIECE;
    use crate::source::{Origin, Recipient, Source};

    let host = nix::unistd::gethostname().map_err(|error| format!("no host name: {error}"))?;
    let host = host.to_string_lossy();
    let settings = crate::connect::settings(environment)?;
    let audiences = settings.audiences(&host);
    let whom = Recipient {
        host: Some(&host),
        audiences: &audiences,
        effort: settings.effort(&host, false),
    };
    let (token, origin) = Source::Anywhere.token(environment, &whom)?;
    let is_made = matches!(origin, Origin::GitHub | Origin::Made(_));
    if is_made && token.as_bytes().len() >= PIECE {
        // Each piece is asked for by a process of its own.
        return Err(format!(
            "from {origin} comes another token each time, and sudo asks for this one in pieces: \
             put it into a file and name that in BEARER_TOKEN_FILE"
        ));
    }
    token
        .check(&audiences, crate::clock::now(), false)
        .map_err(|unfit| format!("the token was not given to sudo: {}", unfit.without_force()))?;
    Ok(token)
}
