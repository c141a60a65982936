//! The application's side of PAM (`pam(3)`): start a transaction, run the stack's duties, answer
//! what its modules ask. The tests run modules through it, in a real libpam and without root.

mod converse;

use std::ffi::{CStr, CString, OsStr, OsString, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use pam_bindings::items::User;
use pam_bindings::module::PamHandle;

pub use converse::{Answer, Conversation, Style};

use crate::{Code, Flags, sys};

/// A PAM transaction, from `pam_start(3)` to `pam_end(3)`. Drop ends it, with the code that the
/// last of the six duties returned.
pub struct Transaction {
    handle: *mut PamHandle,
    conversation: *mut Box<dyn Conversation>,
    status: c_int,
}

impl Transaction {
    /// Begins a transaction for the service; `pam_start_confdir(3)`, which is `pam_start(3)` where
    /// `confdir` is `None`. Otherwise the service's file is looked for in `confdir` alone, but a
    /// relative `include` in it still reads /etc/pam.d.
    ///
    /// # Errors
    ///
    /// What libpam returns, such as `PAM_ABORT` where the service has no file; `PAM_BUF_ERR` for an
    /// argument that holds a NUL.
    pub fn start(
        service: &str,
        user: Option<&str>,
        confdir: Option<&Path>,
        conversation: Box<dyn Conversation>,
    ) -> Result<Self, Code> {
        let service = c_string(service)?;
        let user = user.map(c_string).transpose()?;
        let confdir = confdir.map(|path| c_string(path.as_os_str())).transpose()?;
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |c| c.as_ptr());

        // Made first, so that its drop cleans up whatever comes of the start.
        let mut transaction = Self {
            handle: ptr::null_mut(),
            conversation: Box::into_raw(Box::new(conversation)),
            status: Code::Success.raw(),
        };
        let conv = sys::Conv {
            conv: converse::converse,
            appdata_ptr: transaction.conversation.cast(),
        };
        // SAFETY: all strings are C strings or NULL where that is allowed; libpam copies them and
        // `conv`. What `conv` points to lives until after pam_end.
        Code::check(unsafe {
            sys::pam_start_confdir(
                service.as_ptr(),
                pointer(&user),
                &raw const conv,
                pointer(&confdir),
                &raw mut transaction.handle,
            )
        })?;
        Ok(transaction)
    }

    /// Says which host the user comes from (`PAM_RHOST`, `pam_set_item(3)`).
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` for a NUL in it or where memory is short.
    pub fn set_rhost(&mut self, rhost: &str) -> Result<(), Code> {
        self.set_item(sys::PAM_RHOST, rhost)
    }

    /// Says which terminal the user is at (`PAM_TTY`, `pam_set_item(3)`).
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` for a NUL in it or where memory is short.
    pub fn set_tty(&mut self, tty: &str) -> Result<(), Code> {
        self.set_item(sys::PAM_TTY, tty)
    }

    /// Says which user asks, where that is not the one asked for (`PAM_RUSER`, `pam_set_item(3)`).
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` for a NUL in it or where memory is short.
    pub fn set_ruser(&mut self, ruser: &str) -> Result<(), Code> {
        self.set_item(sys::PAM_RUSER, ruser)
    }

    /// Whom the modules hold the user to be, which they may have changed (`PAM_USER`,
    /// `pam_get_item(3)`). `None` where it is not set or not UTF-8.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        // SAFETY: the handle is live for as long as this transaction.
        let handle = unsafe { self.handle.as_ref() }?;
        let User(user) = handle.get_item::<User<'_>>().ok()??;
        user.to_str().ok().map(str::to_owned)
    }

    fn set_item(&mut self, item: c_int, text: &str) -> Result<(), Code> {
        let text = c_string(text)?;
        // SAFETY: the handle is live, and libpam copies the C string that these items are.
        Code::check(unsafe { sys::pam_set_item(self.handle, item, text.as_ptr().cast()) })
    }

    /// Has a failure returned at once, whatever delay the modules ask for (`PAM_FAIL_DELAY`,
    /// `pam_fail_delay(3)`). For tests, and for applications that delay by themselves.
    ///
    /// # Errors
    ///
    /// None that libpam documents.
    pub fn without_fail_delay(&mut self) -> Result<(), Code> {
        extern "C" fn none(_: c_int, _: c_uint, _: *mut c_void) {}

        let function: sys::FailDelay = none;
        // SAFETY: the handle is live, and this item is a function of that type, which stays.
        Code::check(unsafe {
            sys::pam_set_item(self.handle, sys::PAM_FAIL_DELAY, function as *const c_void)
        })
    }

    /// Establishes who the user is; `pam_authenticate(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn authenticate(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_authenticate, flags)
    }

    /// Sets or deletes the user's credentials; `pam_setcred(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn setcred(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_setcred, flags)
    }

    /// Asks whether the user may log in here and now; `pam_acct_mgmt(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn acct_mgmt(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_acct_mgmt, flags)
    }

    /// Begins a session; `pam_open_session(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn open_session(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_open_session, flags)
    }

    /// Ends a session; `pam_close_session(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn close_session(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_close_session, flags)
    }

    /// Changes the user's authentication token; `pam_chauthtok(3)`.
    ///
    /// # Errors
    ///
    /// What the stack returns, unless `PAM_SUCCESS`.
    pub fn chauthtok(&mut self, flags: Flags) -> Result<(), Code> {
        self.request(sys::pam_chauthtok, flags)
    }

    fn request(&mut self, function: sys::Request, flags: Flags) -> Result<(), Code> {
        // SAFETY: the handle is live, and `function` is one of the six above.
        self.status = unsafe { function(self.handle, flags.raw()) };
        Code::check(self.status)
    }

    /// Sets a variable of the transaction's environment, `NAME=VALUE`, or with `NAME` alone takes
    /// it out; `pam_putenv(3)`.
    ///
    /// # Errors
    ///
    /// What `pam_putenv` returns; `PAM_BUF_ERR` for a NUL in it.
    pub fn put_environment(&mut self, assignment: &OsStr) -> Result<(), Code> {
        let assignment = c_string(assignment)?;
        // SAFETY: the handle is live, and libpam copies the C string.
        Code::check(unsafe { sys::pam_putenv(self.handle, assignment.as_ptr()) })
    }

    /// The environment that the modules made for the session; `pam_getenvlist(3)`.
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` where memory is short.
    pub fn environment(&self) -> Result<Vec<(OsString, OsString)>, Code> {
        // SAFETY: the handle is live.
        let list = unsafe { sys::pam_getenvlist(self.handle) };
        if list.is_null() {
            return Err(Code::BufErr);
        }
        let mut environment = Vec::new();
        let mut next = list;
        // SAFETY: the list is an array of C strings that ends in NULL, and all of it is ours, from
        // malloc. `next` goes no further than that NULL.
        unsafe {
            while !(*next).is_null() {
                let entry = CStr::from_ptr(*next).to_bytes();
                // libpam takes no entry without `=`, nor one that begins with it.
                let mut parts = entry.splitn(2, |byte| *byte == b'=').map(OsStr::from_bytes);
                if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    environment.push((name.to_owned(), value.to_owned()));
                }
                libc::free((*next).cast());
                next = next.add(1);
            }
            libc::free(list.cast());
        }
        Ok(environment)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: the handle is live, or NULL if the start failed, and not used again. The
        // conversation came from a Box and is freed after pam_end, which may still use it.
        unsafe {
            if !self.handle.is_null() {
                sys::pam_end(self.handle, self.status);
            }
            drop(Box::from_raw(self.conversation));
        }
    }
}

fn c_string<T: AsRef<OsStr> + ?Sized>(text: &T) -> Result<CString, Code> {
    CString::new(text.as_ref().as_bytes()).map_err(|_| Code::BufErr)
}
