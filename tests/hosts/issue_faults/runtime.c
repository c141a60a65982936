/* A session line that logs what ours has told pam_systemd: how long the session may last. */
#define PAM_SM_SESSION
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stddef.h>
#include <syslog.h>

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const void *seconds = NULL;
    (void)flags, (void)argc, (void)argv;
    if (pam_get_data(pamh, "systemd.runtime_max_sec", &seconds) != PAM_SUCCESS)
        seconds = "infinity";
    pam_syslog(pamh, LOG_NOTICE, "runtime_max_sec=%s.", (const char *)seconds);
    return PAM_IGNORE;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_IGNORE;
}
