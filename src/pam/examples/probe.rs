//! A module whose lines in pam.d are the steps of a test in `tests/modules.rs`: each does one thing
//! with the handle, in whichever duty it stands, and tells the user what came of it.

use std::ffi::{CStr, CString};
use std::time::Duration;

use pam::{Code, Flags, Handle, Module, PamData, Priority, Secret};

struct Probe;

pam::export!(Probe);

impl Module for Probe {
    fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        step(handle, args)
    }

    fn setcred(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
        handle.info(&format!("setcred {flags:?}"));
        step(handle, args)
    }

    fn acct_mgmt(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        step(handle, args)
    }

    fn open_session(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        step(handle, args)
    }

    fn close_session(handle: &mut Handle<'_>, args: &[&CStr], _: Flags) -> Code {
        step(handle, args)
    }

    fn chauthtok(_: &mut Handle<'_>, _: &[&CStr], _: Flags) -> Code {
        Code::Ignore
    }
}

/// Runs the line's arguments: a verb, and for some a value.
fn step(handle: &mut Handle<'_>, args: &[&CStr]) -> Code {
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match run(handle, &words) {
        Ok(()) => Code::Success,
        Err(code) => code,
    }
}

fn run(handle: &mut Handle<'_>, words: &[&str]) -> Result<(), Code> {
    match *words {
        ["items"] => {
            let user = handle.user()?;
            let (service, rhost, tty) = (handle.service(), handle.rhost(), handle.tty());
            handle.info(&format!("{user} {service:?} {rhost:?} {tty:?}"));
        }
        ["prompt"] => {
            let secret = handle.prompt("Token: ")?;
            handle.info(&format!("answer {}", show(Some(&secret))));
        }
        ["error", text] => handle.error(text),
        ["fail", milliseconds] => {
            let milliseconds = milliseconds.parse().map_err(|_| Code::ServiceErr)?;
            handle.fail_delay(Duration::from_millis(milliseconds));
            return Err(Code::AuthErr);
        }
        ["variable", name] => {
            let name = CString::new(name).map_err(|_| Code::ServiceErr)?;
            let value = handle.variable(&name);
            handle.info(&format!("{value:?}"));
        }
        ["log", text] => handle.log(Priority::Notice, text),
        ["authtok"] => {
            let secret = handle.authtok();
            handle.info(&format!("authtok {}", show(secret.as_ref())));
        }
        ["set_authtok"] => handle.set_authtok(None)?,
        ["set_authtok", text] => {
            // `\0` stands for a NUL, which an argument cannot hold.
            let secret = Secret::from(text.replace("\\0", "\0").into_bytes());
            if let Err(code) = handle.set_authtok(Some(&secret)) {
                handle.error(code.name());
            }
        }
        ["data"] => handle.info(&format!(
            "data {:?}",
            handle.data::<Note>().map(|note| &note.0)
        )),
        ["set_data", text] => handle.set_data(Note(text.to_owned()))?,
        ["clear_data"] => handle.clear_data::<Note>()?,
        ["set_bomb"] => handle.set_data(Bomb)?,
        _ => return Err(Code::ServiceErr),
    }
    Ok(())
}

fn show(secret: Option<&Secret>) -> String {
    secret.map_or("none".to_owned(), |secret| {
        secret.as_bytes().escape_ascii().to_string()
    })
}

struct Note(String);

// SAFETY: nothing else is stored under this name.
unsafe impl PamData for Note {
    const NAME: &'static CStr = c"probe.note";
}

struct Bomb;

// SAFETY: nothing else is stored under this name.
unsafe impl PamData for Bomb {
    const NAME: &'static CStr = c"probe.bomb";
}

impl Drop for Bomb {
    #[expect(clippy::panic, reason = "it is what a test of drop needs")]
    fn drop(&mut self) {
        panic!("as libpam drops it");
    }
}
