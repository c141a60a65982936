//! A person at the pages of pam-jwt-authserver, with Chromium.

use crate::Machine;

impl Machine {
    /// Opens the address of a device login in a browser that knows nobody yet, logs in with the
    /// account's password, enters the code where it is asked for, and confirms. What the last
    /// page shows.
    ///
    /// # Panics
    ///
    /// If `make foreign` has not installed what drives Chromium.
    #[track_caller]
    #[must_use]
    pub fn confirm_device(
        &self,
        address: &str,
        code: &str,
        account: &str,
        password: &str,
    ) -> String {
        let person = self.node(&["person.mjs", address, account, password, code]);
        person.run().expect_success().stdout
    }
}
