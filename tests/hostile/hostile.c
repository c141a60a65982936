/* A PAM module that asks what it is told to ask, and keeps what it is answered.
 *
 *     auth required /usr/lib/hostile.so NAME
 *
 * /etc/hostile/NAME is its messages, each a letter (p: a prompt, e: a prompt with echo,
 * i: a text), the bytes of the message, and a NUL. For each prompt
 * /run/hostile/NAME gets a Q before it is asked, since who asks may not live to see an
 * answer, and for an answer an A, its length in decimal, a colon, and its bytes. It
 * refuses nobody who hears it out. */
#include <fcntl.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep(const char *name, const char *bytes, size_t length)
{
    char path[256];
    int file;
    snprintf(path, sizeof path, "/run/hostile/%s", name);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (write(file, bytes, length) != (ssize_t)length)
        abort();
    close(file);
}

static void keep_answer(const char *name, const char *answer)
{
    size_t length = strlen(answer);
    char *entry = malloc(length + 32);
    int head;
    if (entry == NULL)
        abort();
    head = sprintf(entry, "A%zu:", length);
    memcpy(entry + head, answer, length);
    keep(name, entry, (size_t)head + length);
    free(entry);
}

static int ask(const struct pam_conv *conversation, const char *name, const char *script)
{
    struct pam_message message = {PAM_TEXT_INFO, script + 1};
    const struct pam_message *messages = &message;
    struct pam_response *response = NULL;
    int prompts = 1, status;
    switch (script[0]) {
    case 'p':
        message.msg_style = PAM_PROMPT_ECHO_OFF;
        break;
    case 'e':
        message.msg_style = PAM_PROMPT_ECHO_ON;
        break;
    default:
        prompts = 0;
    }
    if (prompts)
        keep(name, "Q", 1);
    status = conversation->conv(1, &messages, &response, conversation->appdata_ptr);
    if (status == PAM_SUCCESS && response != NULL) {
        if (response->resp != NULL)
            keep_answer(name, response->resp);
        free(response->resp);
        free(response);
    }
    return status;
}

int pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    static char script[1 << 20];
    const struct pam_conv *conversation = NULL;
    char path[256];
    size_t length;
    FILE *file;
    (void)flags;
    if (argc != 1 || pam_get_item(pam, PAM_CONV, (const void **)&conversation) != PAM_SUCCESS)
        return PAM_SERVICE_ERR;
    snprintf(path, sizeof path, "/etc/hostile/%s", argv[0]);
    file = fopen(path, "r");
    if (file == NULL)
        return PAM_SERVICE_ERR;
    length = fread(script, 1, sizeof script - 1, file);
    fclose(file);
    script[length] = '\0';
    for (char *at = script; at < script + length; at += strlen(at) + 1) {
        if (ask(conversation, argv[0], at) != PAM_SUCCESS)
            return PAM_CONV_ERR;
    }
    return PAM_SUCCESS;
}

int pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    (void)pam, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}
