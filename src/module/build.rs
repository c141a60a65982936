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

    if packs_relocations() {
        // A twentieth of the file, which every login maps.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether linker and C library know packed relocations (DT_RELR): GNU ld from 2.38 on, glibc
/// from 2.36. An older glibc than the one here would not load the module, but seldom loads
/// what was linked against a newer one anyway.
fn packs_relocations() -> bool {
    let says = |command: &str, argument: &str| {
        let output = std::process::Command::new(command).arg(argument).output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let target = std::env::var("TARGET").unwrap_or_default();
    let is_native = std::env::var("HOST").is_ok_and(|host| host == target);
    let libc = says("getconf", "GNU_LIBC_VERSION");
    let version = libc
        .trim()
        .strip_prefix("glibc 2.")
        .and_then(|minor| minor.parse().ok());
    is_native
        && version.is_some_and(|minor: u32| minor >= 36)
        && says("ld", "--help").contains("pack-relative-relocs")
}
