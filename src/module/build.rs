//! How the module is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // libpam unloads modules at pam_end. Rust's thread-local destructors would
    // then run unmapped code when a thread of a threaded host ends, so the
    // module stays mapped; a second login in the process saves the loading.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");

    // aws-lc reads OPENSSL_ia32cap when it is loaded, and aborts the process over
    // a value that it does not like. su and sudo run with their caller's
    // environment, so here every getenv finds nothing.
    println!("cargo:rerun-if-changed=no_environment.c");
    for object in cc::Build::new()
        .file("no_environment.c")
        .compile_intermediates()
    {
        println!("cargo:rustc-cdylib-link-arg={}", object.display());
    }
    println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap=getenv,--wrap=secure_getenv");
}
