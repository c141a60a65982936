/* What the linker puts in place of getenv(3) and secure_getenv(3) (build.rs). In C
 * because Rust cannot define a symbol that the linker sees and libpam does not. */

__attribute__((visibility("hidden"))) char *__wrap_getenv(const char *name)
{
    (void)name;
    return 0;
}

__attribute__((visibility("hidden"))) char *__wrap_secure_getenv(const char *name)
{
    (void)name;
    return 0;
}
