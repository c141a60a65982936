/* A host program that looks for a secret in its own memory after the login.
 *
 *     memory SERVICE USER CONFDIR LENGTH [pieces|give-up|nothing] [session] [keep] < masked
 *
 * The first LENGTH bytes are the secret, the rest other forms of it to look for. They
 * come masked and are unmasked only into the answer, which the module frees, so that
 * what is found was left there by somebody else. With "pieces" it answers token[N] with
 * at most 500 bytes from there on, with "give-up" too, but the last of them not at all.
 * With "nothing" it answers nothing: the secret comes to the module in another way.
 * With "session" it opens one and closes it, and looks for the other forms alone: what the
 * session's token begins with, the secret may begin with too.
 * With "keep" the program leaves a copy of its own, to show that the search finds one.
 * In C, where no copy is made that one does not see. */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MASK = 0x55, MOST = 16384, WINDOW = 16, PIECE = 500 };

static unsigned char masked[MOST];
static size_t length, answer_length;
static char *kept;
static int in_pieces, give_up, nothing, session, keep;

static int answer(int count, const struct pam_message **messages,
                  struct pam_response **responses, void *data)
{
    struct pam_response *all = calloc((size_t)count, sizeof *all);
    (void)data;
    if (all == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        if (messages[i]->msg_style != PAM_PROMPT_ECHO_OFF)
            continue;
        unsigned long from = 0;
        size_t left = answer_length;
        if (in_pieces) {
            sscanf(messages[i]->msg, "token[%lu]", &from);
            left = from < answer_length ? answer_length - from : 0;
            if (give_up && left < PIECE)
                return PAM_CONV_ERR;
            if (left > PIECE)
                left = PIECE;
        }
        if (nothing)
            left = 0;
        char *text = malloc(left + 1);
        if (text == NULL)
            return PAM_BUF_ERR;
        for (size_t j = 0; j < left; j++)
            text[j] = (char)(masked[from + j] ^ MASK);
        text[left] = '\0';
        if (keep && !session && !nothing)
            kept = strdup(text);
        all[i].resp = text;
    }
    *responses = all;
    return PAM_SUCCESS;
}

/* Has a refusal returned at once. */
static void no_delay(int status, unsigned microseconds, void *data)
{
    (void)status, (void)microseconds, (void)data;
}

/* Whether the WINDOW bytes of the secret from there on are all the same, as zeros are that
 * became AAAA in base64url: such a run says nothing, and code has constants like it. */
static int is_run(size_t from)
{
    for (size_t at = 1; at < WINDOW; at++)
        if (masked[from + at] != masked[from])
            return 0;
    return 1;
}

/* Whether the memory at `here` is some WINDOW bytes of the secret, and which. */
static long window_at(const unsigned char *here)
{
    for (size_t from = session ? answer_length : 0; from + WINDOW <= length; from += WINDOW / 2) {
        size_t same = 0;
        while (same < WINDOW && (here[same] ^ MASK) == masked[from + same])
            same++;
        if (same == WINDOW && !is_run(from))
            return (long)from;
    }
    return -1;
}

static int search(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        char mode[5], name[256] = "";
        sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &start, &end, mode, name);
        if (mode[0] != 'r' || mode[1] != 'w')
            continue;
        for (unsigned long at = start; at + WINDOW <= end; at++) {
            long from = window_at((const unsigned char *)at);
            if (from >= 0) {
                printf("byte %ld is left in %s\n", from, name[0] ? name : "memory");
                found++;
            }
        }
    }
    return found;
}

int main(int argc, char **argv)
{
    static const struct pam_conv conversation = {answer, NULL};
    pam_handle_t *pam = NULL;
    int status;
    if (argc < 5)
        return 2;
    length = (size_t)read(0, masked, sizeof masked);
    answer_length = (size_t)atoi(argv[4]);
    if (answer_length > length)
        return 2;
    for (int i = 5; i < argc; i++) {
        give_up |= strcmp(argv[i], "give-up") == 0;
        in_pieces |= give_up || strcmp(argv[i], "pieces") == 0;
        nothing |= strcmp(argv[i], "nothing") == 0;
        session |= strcmp(argv[i], "session") == 0;
        keep |= strcmp(argv[i], "keep") == 0;
    }
    status = pam_start_confdir(argv[1], argv[2], &conversation, argv[3], &pam);
    if (status != PAM_SUCCESS)
        return 2;
    pam_set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);
    status = pam_authenticate(pam, 0);
    printf("authenticate %d\n", status);
    if (session) {
        status = pam_open_session(pam, 0);
        printf("open_session %d\n", status);
        printf("%s\n", pam_getenv(pam, "BEARER_TOKEN_FILE") ? "has a token" : "has no token");
        status = pam_close_session(pam, 0);
    }
    if ((session || nothing) && keep && (kept = malloc(length)) != NULL)
        for (size_t j = 0; j < length; j++)
            kept[j] = (char)(masked[j] ^ MASK);
    pam_end(pam, status);
    printf("found %d\n", search());
    free(kept);
    return 0;
}
