//! The panic fence: a module's six entry points, from which no panic reaches the host.
//!
//! A panic that crosses `extern "C"` aborts the host, so a bug in the module would lock everybody
//! out, and the default panic hook prints to fd 2, which under su and sudo is the user's terminal.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::CStr;
use std::io::{Cursor, Write};
use std::marker::PhantomData;
use std::mem;
use std::panic::{self, AssertUnwindSafe, Location, PanicHookInfo};
use std::sync::Once;

use pam_bindings::constants::{PamFlag, PamResultCode};
use pam_bindings::module::{PamHandle, PamHooks};

use crate::{Code, Flags, Handle, Priority};

/// A PAM module: its six duties (`pam(3)`), each with the arguments of the line in pam.d. None has
/// a default, since which code is harmless depends on the module and its place in the stack.
///
/// A panic in one of them is contained: the host gets the code that is named below, nothing is
/// printed, and the log says where it was, but not the panic's message, which may hold a secret.
/// Not contained is what Rust itself makes an abort: a panic in a `drop` while another unwinds, a
/// stack overflow, memory that ran out, and `panic = "abort"`.
pub trait Module {
    /// Establishes who the user is; `pam_sm_authenticate(3)`. On a panic `PAM_ABORT`.
    fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;

    /// Sets or deletes the user's credentials; `pam_sm_setcred(3)`. On a panic `PAM_ABORT`.
    fn setcred(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;

    /// Decides whether the user may log in here and now; `pam_sm_acct_mgmt(3)`. On a panic
    /// `PAM_PERM_DENIED`.
    fn acct_mgmt(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;

    /// Begins a session; `pam_sm_open_session(3)`. On a panic `PAM_PERM_DENIED`,
    /// since `PAM_SESSION_ERR` is no error to sudo.
    fn open_session(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;

    /// Ends a session; `pam_sm_close_session(3)`. On a panic `PAM_SESSION_ERR`.
    fn close_session(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;

    /// Changes the user's authentication token; `pam_sm_chauthtok(3)`. On a panic `PAM_ABORT`.
    fn chauthtok(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code;
}

/// Exports a [`Module`] from a cdylib as the six functions `pam_sm_*` that libpam looks for. Once
/// in a crate.
///
/// The first call of one of them sets the panic hook of the Rust runtime it is linked to. A cdylib
/// has one of its own, so that of a host or of another module written in Rust is not touched.
#[macro_export]
macro_rules! export {
    ($module:ident) => {
        mod pam_exports {
            type Exported = $crate::Contained<super::$module>;
            $crate::pam_bindings::pam_hooks!(Exported);
        }
    };
}

/// A module inside the fence.
#[doc(hidden)]
pub struct Contained<M>(PhantomData<M>);

impl<M: Module> PamHooks for Contained<M> {
    fn sm_authenticate(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::authenticate, Code::Abort, raw, &args, flags)
    }

    fn sm_setcred(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::setcred, Code::Abort, raw, &args, flags)
    }

    fn acct_mgmt(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::acct_mgmt, Code::PermDenied, raw, &args, flags)
    }

    fn sm_open_session(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::open_session, Code::PermDenied, raw, &args, flags)
    }

    fn sm_close_session(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::close_session, Code::SessionErr, raw, &args, flags)
    }

    fn sm_chauthtok(raw: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        contain(M::chauthtok, Code::Abort, raw, &args, flags)
    }
}

fn contain(
    duty: fn(&mut Handle<'_>, &[&CStr], Flags) -> Code,
    on_panic: Code,
    raw: &mut PamHandle,
    args: &[&CStr],
    flags: PamFlag,
) -> PamResultCode {
    static SILENT: Once = Once::new();

    let mut handle = Handle::new(raw);
    let code = catch(|| {
        SILENT.call_once(|| panic::set_hook(Box::new(remember_place)));
        duty(&mut handle, args, Flags::from_raw(flags))
    });
    let code = code.unwrap_or_else(|place| {
        let _ = catch(|| {
            let line = format!("result=refused reason=internal_error at={place}");
            handle.log(Priority::Critical, &line);
        });
        on_panic
    });
    code.into()
}

/// `catch_unwind` for a caller that looks at nothing the work may have left half done; the error is
/// the place of the panic, where the hook is set. What was thrown it keeps to itself, since that
/// may panic as it is dropped.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|thrown| {
        let place = PLACE.replace(Place::UNKNOWN).text().into_owned();
        // What is thrown then may be another such, so it is leaked.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(thrown))).map_err(mem::forget);
        place
    })
}

thread_local! {
    /// Where this thread panicked last.
    static PLACE: Cell<Place> = const { Cell::new(Place::UNKNOWN) };
}

fn remember_place(panic: &PanicHookInfo<'_>) {
    PLACE.set(panic.location().map_or(Place::UNKNOWN, Place::new));
}

/// FILE:LINE, cut to the length of a value in the log. On no heap, as a thread-local that owns
/// memory has a destructor, which may run after the host unloaded the module.
struct Place(Cursor<[u8; 256]>);

impl Place {
    const UNKNOWN: Self = Self(Cursor::new([0; 256]));

    fn new(location: &Location<'_>) -> Self {
        let mut place = Self::UNKNOWN;
        // Its only error is that the rest does not fit.
        let _ = write!(place.0, "{}:{}", location.file(), location.line());
        place
    }

    fn text(&self) -> Cow<'_, str> {
        // Zeros are what was not written to.
        let written = self.0.get_ref().split(|byte| *byte == 0).next();
        String::from_utf8_lossy(written.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics as it is dropped, and throws another like itself.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic::panic_any(Self);
        }
    }

    #[test]
    fn catch_returns_what_the_work_returns() {
        assert_eq!(catch(|| 7).ok(), Some(7));
    }

    #[test]
    fn place_is_file_and_line() {
        let location = Location::caller();
        let expected = format!("src/pam/contain.rs:{}", location.line());
        assert_eq!(Place::new(location).text(), expected);
        assert_eq!(Place::UNKNOWN.text(), "");
    }

    #[test]
    fn catch_outlives_what_was_thrown() {
        assert!(catch(|| panic!("ordinary")).is_err());
        assert!(catch(|| panic::panic_any(Bomb)).is_err());
    }
}
