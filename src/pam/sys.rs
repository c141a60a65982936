//! The part of `<security/pam_appl.h>`, `<security/pam_modules.h>` and `<security/pam_ext.h>` that
//! pam-bindings does not declare. Nothing here is safe by itself, and nothing of it leaves the
//! crate.

use std::ffi::{c_char, c_int, c_uint, c_void};

use pam_bindings::module::PamHandle;

/// `pam_set_item(3)`.
pub const PAM_TTY: c_int = 3;
pub const PAM_RHOST: c_int = 4;
pub const PAM_AUTHTOK: c_int = 6;
pub const PAM_RUSER: c_int = 8;
pub const PAM_FAIL_DELAY: c_int = 10;

/// The most messages in one call of the conversation function.
pub const PAM_MAX_NUM_MSG: usize = 32;

/// `struct pam_message`.
#[repr(C)]
pub struct Message {
    pub msg_style: c_int,
    pub msg: *const c_char,
}

/// `struct pam_response`.
#[repr(C)]
pub struct Response {
    pub resp: *mut c_char,
    pub resp_retcode: c_int,
}

/// `struct pam_conv`. Linux-PAM hands over an array of pointers to messages (Solaris a pointer to
/// an array of them).
#[repr(C)]
pub struct Conv {
    pub conv: unsafe extern "C" fn(
        num_msg: c_int,
        msg: *mut *const Message,
        resp: *mut *mut Response,
        appdata_ptr: *mut c_void,
    ) -> c_int,
    pub appdata_ptr: *mut c_void,
}

/// `pam_setcred`, `pam_authenticate` and their like.
pub type Request = unsafe extern "C" fn(pamh: *mut PamHandle, flags: c_int) -> c_int;

/// The item `PAM_FAIL_DELAY`, `pam_fail_delay(3)`.
pub type FailDelay = extern "C" fn(status: c_int, microseconds: c_uint, appdata_ptr: *mut c_void);

#[link(name = "pam")]
unsafe extern "C" {
    // Both sides.
    pub fn pam_set_item(pamh: *mut PamHandle, item_type: c_int, item: *const c_void) -> c_int;

    // Modules.
    pub fn pam_set_data(
        pamh: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: Option<extern "C" fn(*mut PamHandle, *mut c_void, c_int)>,
    ) -> c_int;
    pub fn pam_putenv(pamh: *mut PamHandle, name_value: *const c_char) -> c_int;
    pub fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    pub fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    pub fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);

    // Applications.
    pub fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conv,
        confdir: *const c_char,
        pamh: *mut *mut PamHandle,
    ) -> c_int;
    pub fn pam_end(pamh: *mut PamHandle, status: c_int) -> c_int;
    pub fn pam_authenticate(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_setcred(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_acct_mgmt(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_open_session(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_close_session(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_chauthtok(pamh: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_getenvlist(pamh: *mut PamHandle) -> *mut *mut c_char;
}
