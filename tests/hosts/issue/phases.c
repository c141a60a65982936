/* A PAM module that tells the log in which phase of which process it is called, and what
 * there is of the session's token just then: a line of JSON each time. Its argument says
 * where in the stack it stands. */
#include <security/pam_modules.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* Text that grows, up to what a line of the log may have. */
struct text {
    char at[8000];
    size_t length;
};

static void add(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    size_t room = sizeof text->at - text->length;
    int more = vsnprintf(text->at + text->length, room, format, list);
    va_end(list);
    if (more < 0 || (size_t)more >= room)
        abort();
    text->length += more;
}

static void add_text(struct text *text, const char *name, const char *value)
{
    /* None of what is shown has a character that JSON would escape. */
    add(text, value ? ",\"%s\":\"%s\"" : ",\"%s\":null", name, value);
}

/* The files in a directory: null where it cannot be read, and none where there is none. */
static void add_files(struct text *text, const char *name, const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *files = directory < 0 ? NULL : fdopendir(directory);
    struct stat status;
    struct dirent *file;
    add(text, ",\"%s\":", name);
    if (!files && access(path, F_OK) == 0) {
        add(text, "null");
        return;
    }
    add(text, "{");
    for (const char *comma = ""; files && (file = readdir(files));) {
        if (file->d_name[0] == '.' || fstatat(directory, file->d_name, &status, 0) != 0)
            continue;
        add(text, "%s\"%s\":\"%o %d %lu\"", comma, file->d_name, status.st_mode & 07777,
            (int)status.st_uid, (unsigned long)status.st_ino);
        comma = ",";
    }
    add(text, "}");
    if (files)
        closedir(files);
}

static const char *flag(int flags)
{
    return flags & PAM_ESTABLISH_CRED      ? "establish"
           : flags & PAM_REINITIALIZE_CRED ? "reinitialize"
           : flags & PAM_REFRESH_CRED      ? "refresh"
           : flags & PAM_DELETE_CRED       ? "delete"
                                           : "";
}

static void tell(pam_handle_t *pamh, const char *where, const char *phase, const char *flag)
{
    static struct text text;
    const char *user = NULL, *service = NULL;
    char path[64];
    text.length = 0;
    pam_get_item(pamh, PAM_USER, (const void **)&user);
    pam_get_item(pamh, PAM_SERVICE, (const void **)&service);
    add(&text, "{\"phase\":\"%s\",\"pid\":%d,\"euid\":%d", phase, (int)getpid(),
        (int)geteuid());
    add_text(&text, "where", where);
    add_text(&text, "flag", flag);
    add_text(&text, "service", service);
    add_text(&text, "user", user);
    add_text(&text, "token_file", pam_getenv(pamh, "BEARER_TOKEN_FILE"));
    add_text(&text, "handoff", pam_getenv(pamh, "PAM_JWT_HANDOFF"));
    struct passwd *account = user ? getpwnam(user) : NULL;
    snprintf(path, sizeof path, "/run/pam-jwt/%d", account ? (int)account->pw_uid : -1);
    add_files(&text, "tokens", path);
    add_files(&text, "sessions", "/run/pam-jwt/sessions");
    add_files(&text, "handoffs", "/run/pam-jwt/handoff");
    syslog(LOG_AUTHPRIV | LOG_INFO, "phase %s}", text.at);
}

/* The end of the transaction, in each process that ends it. */
static void ended(pam_handle_t *pamh, void *data, int status)
{
    /* This is not PAM_REPLACED_DATA: nothing is set twice. */
    (void)data;
    tell(pamh, "", "end", status & PAM_DATA_SILENT ? "silent" : "");
}

static int called(pam_handle_t *pamh, const char *phase, const char *flag, int argc,
                  const char **argv)
{
    static char kept;
    const void *data;
    if (pam_get_data(pamh, "phases", &data) != PAM_SUCCESS &&
        pam_set_data(pamh, "phases", &kept, ended) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    tell(pamh, argc ? argv[0] : "", phase, flag);
    return PAM_IGNORE;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return called(pamh, "authenticate", "", argc, argv);
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return called(pamh, "setcred", flag(flags), argc, argv);
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return called(pamh, "acct_mgmt", "", argc, argv);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return called(pamh, "open_session", "", argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return called(pamh, "close_session", "", argc, argv);
}
