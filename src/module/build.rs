//! How the module is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // libpam unloads modules at pam_end. Rust's thread-local destructors would
    // then run unmapped code when a thread of a threaded host ends, so the
    // module stays mapped; a second login in the process saves the loading.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
