/* What somebody would try who has taken over the network process, from within: at SIGUSR1 it says of
   each thing what came of it, and at SIGUSR2 it runs another program. Every program of the machine
   has this loaded (/etc/ld.so.preload), and in the others it does nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void tell(const char *what, int outcome) {
    dprintf(2, "tried: %s: %s\n", what, outcome < 0 ? strerrorname_np(errno) : "done");
}

static void opened(const char *what, const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    tell(what, file);
    if (file >= 0)
        close(file);
}

static void connected(const char *what) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, "\0elsewhere", 10);
    int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tell(what, connect(end, (void *)&address, offsetof(struct sockaddr_un, sun_path) + 10));
    close(end);
}

/* A process of the same user, which is none of the server's. */
static pid_t another(void) {
    char text[16] = "";
    int file = open("/etc/another.pid", O_RDONLY | O_CLOEXEC);
    read(file, text, sizeof text - 1);
    close(file);
    return atoi(text);
}

static void try_all(int number) {
    (void)number;
    opened("read what everybody reads", "/etc/passwd", O_RDONLY);
    opened("read elsewhere", "/srv/everybodys", O_RDONLY);
    opened("list elsewhere", "/srv", O_RDONLY | O_DIRECTORY);
    opened("list the root", "/", O_RDONLY | O_DIRECTORY);
    opened("write elsewhere", "/srv/everybodys", O_WRONLY);
    opened("write what everybody reads", "/etc/everybodys", O_WRONLY);
    opened("make a file in /tmp", "/tmp/new", O_WRONLY | O_CREAT);
    opened("make a file beside the store", "/var/lib/pam-jwt-authserver/new", O_WRONLY | O_CREAT);
    tell("make a pipe beside the store", mkfifo("/var/lib/pam-jwt-authserver/pipe", 0600));
    tell("become itself", setuid(getuid()));
    tell("have a socket of another family", socket(AF_VSOCK, SOCK_STREAM, 0));
    connected("connect to an abstract socket");
    tell("signal another of the user", kill(another(), 0));
    dprintf(2, "tried: all\n");
}

static void run_another(int number) {
    (void)number;
    execl("/bin/true", "true", NULL);
    tell("run another program", -1);
}

__attribute__((constructor)) static void begin(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "network-process") == 0) {
        signal(SIGUSR1, try_all);
        signal(SIGUSR2, run_another);
    }
}
