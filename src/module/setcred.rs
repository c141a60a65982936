//! setcred: nothing to set yet, but what it returns takes part in the stack.

use crate::{TokenLogin, return_code};
use pam::{Code, Handle};

/// pam_sm_setcred(3). Wrong arguments were refused by authenticate already.
pub(crate) fn setcred(handle: &mut Handle<'_>) -> Code {
    return_code::setcred(TokenLogin::is_known(handle))
}
