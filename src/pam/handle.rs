//! What a module may ask of libpam during a call: the items of the transaction, data of its own
//! that lasts until `pam_end(3)`, the delay after a failure and the log. What it says to the user
//! is in `conversation`.

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::ptr;
use std::time::Duration;

use pam_bindings::items::{AuthTok, Item, RHost, RUser, Service, Tty};
use pam_bindings::module::PamHandle;
use zeroize::Zeroizing;

use crate::{Code, Secret, sys};

/// The transaction that a module was called in.
///
/// Functions that may run the application's code take `&mut self`, so that nothing borrowed from
/// the handle is held meanwhile.
pub struct Handle<'a> {
    pub(crate) raw: &'a mut PamHandle,
}

/// A type that a module keeps in the transaction (`pam_set_data(3)`). It is dropped when replaced
/// or cleared, and by `pam_end(3)`, in whichever thread the host calls that; a panic of its `drop`
/// is contained. Some hosts drop it twice, once in a forked child, so `drop` must free memory and
/// nothing else.
///
/// # Safety
///
/// No other type is stored under `NAME`, neither by this module nor by another in the same
/// transaction; or what reads it there reads it rightly. Names are one space for all modules, so
/// begin with the module's own.
pub unsafe trait PamData: Send + 'static {
    /// The name of the data, in UTF-8.
    const NAME: &'static CStr;
}

/// How much a log line matters: the priorities of `syslog(3)` that a module has use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A bug.
    Critical = 2,
    /// Something that keeps the module from its work.
    Error = 3,
    /// Something that will.
    Warning = 4,
    /// A decision.
    Notice = 5,
    /// What happens in the ordinary course.
    Info = 6,
    /// For whoever looks for a fault.
    Debug = 7,
}

impl<'a> Handle<'a> {
    pub(crate) fn new(raw: &'a mut PamHandle) -> Self {
        Self { raw }
    }

    /// The account that is asked for; `pam_get_user(3)`. Asks the user where the application did
    /// not say.
    ///
    /// # Errors
    ///
    /// What `pam_get_user` returns, among it `PAM_CONV_ERR`; `PAM_SYSTEM_ERR` for a name that is
    /// not UTF-8.
    pub fn user(&mut self) -> Result<String, Code> {
        Ok(self.raw.get_user(None)?)
    }

    /// The name of the service, under which its file in pam.d is found (`PAM_SERVICE`,
    /// `pam_get_item(3)`). `None` where it is not set or not UTF-8.
    #[must_use]
    pub fn service(&self) -> Option<String> {
        self.item(|Service(text)| text)
    }

    /// The host the user comes from, in the application's words (`PAM_RHOST`, `pam_get_item(3)`).
    /// `None` where it is not set or not UTF-8.
    #[must_use]
    pub fn rhost(&self) -> Option<String> {
        self.item(|RHost(text)| text)
    }

    /// Who asks, in the application's words: under su and sudo the caller (`PAM_RUSER`,
    /// `pam_get_item(3)`). `None` where it is not set or not UTF-8.
    #[must_use]
    pub fn ruser(&self) -> Option<String> {
        self.item(|RUser(text)| text)
    }

    /// The terminal the user is at (`PAM_TTY`, `pam_get_item(3)`). `None` where it is not set or
    /// not UTF-8.
    #[must_use]
    pub fn tty(&self) -> Option<String> {
        self.item(|Tty(text)| text)
    }

    fn item<'s, T: Item<'s>>(&'s self, text: impl FnOnce(T) -> &'s CStr) -> Option<String> {
        let item = self.raw.get_item::<T>().ok()??;
        text(item).to_str().ok().map(str::to_owned)
    }

    /// A variable of the transaction's environment, which the application and earlier modules
    /// have set; `pam_getenv(3)`. The process's own environment, which may be the user's, has no
    /// part in it. `None` where it is not set or not UTF-8.
    #[must_use]
    pub fn variable(&mut self, name: &CStr) -> Option<String> {
        // SAFETY: the handle is live and the name a C string, which libpam reads.
        let value = unsafe { sys::pam_getenv(self.raw, name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: what libpam returns is a C string of its own, which it keeps until the variable
        // changes; it is copied before anything else is called.
        let value = unsafe { CStr::from_ptr(value) };
        value.to_str().ok().map(str::to_owned)
    }

    /// Sets a variable of the transaction's environment, which the session's programs get;
    /// `pam_putenv(3)`.
    ///
    /// # Errors
    ///
    /// `PAM_BAD_ITEM` for a name or a value that holds a NUL; what `pam_putenv` returns.
    pub fn set_variable(&mut self, name: &CStr, value: &str) -> Result<(), Code> {
        let assignment = [name.to_bytes(), b"=", value.as_bytes()].concat();
        self.put_environment(assignment)
    }

    /// Takes a variable out of the transaction's environment, if it is there; `pam_putenv(3)`.
    ///
    /// # Errors
    ///
    /// What `pam_putenv` returns.
    pub fn remove_variable(&mut self, name: &CStr) -> Result<(), Code> {
        // libpam logs an error where there is none.
        if !self.has_variable(name) {
            return Ok(());
        }
        self.put_environment(name.to_bytes().to_vec())
    }

    /// Whether a variable is set in the transaction's environment, whatever to.
    #[must_use]
    pub fn has_variable(&mut self, name: &CStr) -> bool {
        // SAFETY: the handle is live and the name a C string, which libpam reads.
        !unsafe { sys::pam_getenv(self.raw, name.as_ptr()) }.is_null()
    }

    fn put_environment(&mut self, text: Vec<u8>) -> Result<(), Code> {
        let text = CString::new(text).map_err(|_| Code::BadItem)?;
        // SAFETY: the handle is live and the text a C string, which libpam copies.
        Code::check(unsafe { sys::pam_putenv(self.raw, text.as_ptr()) })
    }

    /// The secret that an earlier module asked for (`PAM_AUTHTOK`, `pam_get_item(3)`). Never asks
    /// the user.
    #[must_use]
    pub fn authtok(&self) -> Option<Secret> {
        let item = self.raw.get_item::<AuthTok>().ok()??;
        Some(Secret::from(item.as_bytes().to_vec()))
    }

    /// Leaves a secret for later modules, or with `None` takes it from them (`PAM_AUTHTOK`,
    /// `pam_set_item(3)`). libpam wipes the one before.
    ///
    /// # Errors
    ///
    /// `PAM_AUTHTOK_ERR` for a secret that holds a NUL; `PAM_BUF_ERR` where memory is short.
    pub fn set_authtok(&mut self, secret: Option<&Secret>) -> Result<(), Code> {
        let terminated = match secret.map(Secret::as_bytes) {
            Some(bytes) if bytes.contains(&0) => return Err(Code::AuthtokErr),
            Some(bytes) => Some(Zeroizing::new([bytes, &[0]].concat())),
            None => None,
        };
        let item = terminated
            .as_ref()
            .map_or(ptr::null(), |bytes| bytes.as_ptr());
        // SAFETY: the handle is live, `item` is NULL or ends in the NUL appended above, and libpam
        // copies it.
        Code::check(unsafe { sys::pam_set_item(self.raw, sys::PAM_AUTHTOK, item.cast()) })
    }

    /// Asks for a delay of about this long, should the authentication fail; `pam_fail_delay(3)`.
    /// The longest that any module asked for counts.
    pub fn fail_delay(&mut self, delay: Duration) {
        let microseconds = c_uint::try_from(delay.as_micros()).unwrap_or(c_uint::MAX);
        // SAFETY: the handle is live. Its only error is a handle that is NULL.
        unsafe { sys::pam_fail_delay(self.raw, microseconds) };
    }

    /// Writes one line to the log, under the names of module, service and duty; `pam_syslog(3)`,
    /// which leaves the host's `openlog(3)` as it is. The text ends at a NUL.
    pub fn log(&self, priority: Priority, text: &str) {
        let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
        // SAFETY: the handle is live, and the format takes an int and a string of which it reads no
        // more bytes than that int says.
        unsafe {
            sys::pam_syslog(
                self.raw,
                priority as c_int,
                c"%.*s".as_ptr(),
                length,
                text.as_ptr(),
            );
        }
    }

    /// The data that [`set_data`](Self::set_data) left in this transaction; `pam_get_data(3)`.
    #[must_use]
    pub fn data<T: PamData>(&self) -> Option<&T> {
        let name = T::NAME.to_str().ok()?;
        // SAFETY: by `PamData`'s contract what is stored under this name is a `T`. It cannot be
        // replaced while the handle is borrowed.
        unsafe { self.raw.get_data(name) }.ok()
    }

    /// Keeps data in the transaction, in place of any before; `pam_set_data(3)`.
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` where memory is short; `PAM_SYSTEM_ERR` for a name that is not UTF-8.
    pub fn set_data<T: PamData>(&mut self, data: T) -> Result<(), Code> {
        let name = T::NAME.to_str().map_err(|_| Code::SystemErr)?;
        Ok(self.raw.set_data(name, Box::new(data))?)
    }

    /// Drops the data of this type; `pam_set_data(3)` with NULL, as libpam has no other way.
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` where memory is short.
    pub fn clear_data<T: PamData>(&mut self) -> Result<(), Code> {
        // SAFETY: the handle is live and the name a C string, which libpam copies. What was stored
        // is handed to the cleanup function it came with; the NULL needs none.
        Code::check(unsafe { sys::pam_set_data(self.raw, T::NAME.as_ptr(), ptr::null_mut(), None) })
    }

    /// Keeps a C string in the transaction under a name that another module reads it by, as
    /// pam_systemd(8) does with `systemd.runtime_max_sec`; `pam_set_data(3)`.
    ///
    /// # Errors
    ///
    /// `PAM_BUF_ERR` where memory is short.
    pub fn set_text_for_others(&mut self, name: &CStr, text: CString) -> Result<(), Code> {
        let text = text.into_raw();
        // SAFETY: the handle is live and the name a C string, which libpam copies. It keeps the
        // text until it hands it to `free_text`.
        let code =
            unsafe { sys::pam_set_data(self.raw, name.as_ptr(), text.cast(), Some(free_text)) };
        let kept = Code::check(code);
        if kept.is_err() {
            // SAFETY: it came from `into_raw` above, and libpam did not take it.
            drop(unsafe { CString::from_raw(text) });
        }
        kept
    }
}

/// What `pam_set_data(3)` calls for a text of [`Handle::set_text_for_others`].
extern "C" fn free_text(_: *mut PamHandle, text: *mut c_void, _: c_int) {
    if !text.is_null() {
        // SAFETY: libpam hands over what it was given there, which came from `into_raw`, once.
        drop(unsafe { CString::from_raw(text.cast()) });
    }
}
