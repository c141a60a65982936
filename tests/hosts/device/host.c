/* A host program that has its own ways with signals, children and descriptors, and says
 * whether they are as they were after a login.
 *
 *     host CONFDIR USER REPORT [ignore|nocldwait|reap|closed|threads|limit=N] [ANSWER]
 *
 * Each prompt is answered with nothing, or with ANSWER. What is said goes to REPORT. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *report;
static const char *answer = "";
static volatile sig_atomic_t children, pipes;

static int converse(int count, const struct pam_message **messages,
                    struct pam_response **responses, void *data)
{
    struct pam_response *all = calloc((size_t)count, sizeof *all);
    (void)data;
    if (all == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            all[i].resp = strdup(answer);
        else if (messages[i]->msg_style == PAM_TEXT_INFO)
            fprintf(report, "info %s\n", messages[i]->msg);
    }
    *responses = all;
    return PAM_SUCCESS;
}

static void no_delay(int status, unsigned microseconds, void *data)
{
    (void)status, (void)microseconds, (void)data;
}

static void reap(int signal)
{
    int saved = errno;
    (void)signal;
    children++;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved;
}

static void on_pipe(int signal)
{
    (void)signal;
    pipes++;
}

static void *idle(void *data)
{
    while (pause() < 0)
        ;
    return data;
}

/* What a login must leave as it is: dispositions, the mask, and which descriptors are open. */
static void state(char *text, size_t size)
{
    sigset_t mask;
    size_t used = 0;
    text[0] = '\0';
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int signal = 1; signal < 65; signal++) {
        struct sigaction action = {0};
        if (sigaction(signal, NULL, &action) != 0)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%d:%p:%x:%d ", signal,
                                 (void *)action.sa_handler, (unsigned)action.sa_flags,
                                 sigismember(&mask, signal));
    }
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            used += (size_t)snprintf(text + used, size - used, "fd%d ", fd);
}

int main(int argc, char **argv)
{
    static const struct pam_conv conversation = {converse, NULL};
    static char before[8192], after[8192];
    struct sigaction action = {0};
    pam_handle_t *pam = NULL;
    int status;
    const char *how = argc > 4 ? argv[4] : "";
    if (argc < 4)
        return 2;
    if (argc > 5)
        answer = argv[5];
    report = fopen(argv[3], "w");
    if (report == NULL)
        return 2;
    setvbuf(report, NULL, _IOLBF, 0);
    action.sa_handler = on_pipe;
    sigaction(SIGPIPE, &action, NULL);
    action.sa_handler = SIG_DFL;
    if (strcmp(how, "ignore") == 0)
        action.sa_handler = SIG_IGN;
    if (strcmp(how, "nocldwait") == 0)
        action.sa_flags = SA_NOCLDWAIT;
    if (strcmp(how, "reap") == 0)
        action.sa_handler = reap;
    sigaction(SIGCHLD, &action, NULL);
    if (strcmp(how, "closed") == 0)
        for (int fd = 0; fd < 3; fd++)
            close(fd);
    if (strcmp(how, "threads") == 0)
        for (int i = 0; i < 8; i++) {
            pthread_t thread;
            pthread_create(&thread, NULL, idle, NULL);
        }
    if (strncmp(how, "limit=", 6) == 0) {
        struct rlimit limit = {(rlim_t)atoi(how + 6), (rlim_t)atoi(how + 6)};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* What NSS and the log open stays open; it is open before. */
    for (int round = 0; round < 2; round++) {
        state(before, sizeof before);
        status = pam_start_confdir("su", argv[2], &conversation, argv[1], &pam);
        if (status != PAM_SUCCESS) {
            fprintf(report, "pam_start %d\n", status);
            continue;
        }
        pam_set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);
        status = pam_authenticate(pam, 0);
        fprintf(report, "authenticate %d\n", status);
        pam_end(pam, status);
    }
    state(after, sizeof after);
    fprintf(report, strcmp(before, after) == 0 ? "unchanged\n" : "%s\n%s\n", before, after);
    status = (int)waitpid(-1, NULL, WNOHANG);
    fprintf(report, "children %s\n", status < 0 && errno == ECHILD ? "none" : "left");
    fprintf(report, "SIGPIPE %d\n", (int)pipes);
    return 0;
}
