/* The init of minimal systems: what its parts share. Paths and words are limited, so that nothing is allocated. */
#ifndef MINIMAL_INIT_H
#define MINIMAL_INIT_H
#define _GNU_SOURCE
#include <sys/types.h>

#define MOST_WORDS 256

/* What /etc/reswarm/workload says: lines of "key value", a key may occur more than once. */
struct settings {
  char *command[MOST_WORDS], *check[MOST_WORDS], *environment[MOST_WORDS], *writable[MOST_WORDS], *ports[MOST_WORDS];
  char *folder, *hostname;
  uid_t user;
  gid_t group;
  int restarts;
};

/* Writes one line "reswarm: …" to every console. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether the kernel's command line has a word; its value if it is "word=value", else "". NULL: it is not there. */
const char *kernel_word(const char *word);

/* mounts.c: the root that can be written to, kernel file systems, consoles, writable folders. */
void mount_all(void);
void make_writable(const struct settings *);

/* network.c: loopback, an address of the kernel's command line, resolv.conf; and whether a TCP port has a listener. */
void start_network(void);
int is_listening(int port);

/* process.c: runs a command as the workload's user and never returns, but for _exit. */
void run_as_user(const struct settings *, char **command) __attribute__((noreturn));

/* watch.c: runs the command under ptrace; returns its wait status. `found` gets each path that was asked for, and
   whether it was there. */
int watch_paths(const struct settings *, void (*found)(pid_t, const char *path, int is_there));
/* debug.c: tells of paths that the image's list left out. trace.c: collects what is read, for whoever connects. */
void report_left_out(pid_t, const char *path, int is_there);
int start_collector(void);
void collect_path(pid_t, const char *path, int is_there);
#endif
