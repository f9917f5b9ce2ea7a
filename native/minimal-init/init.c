/* PID 1 of a minimal system: mounts, network, then one command that is started again or ends the machine. */
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS "/etc/reswarm/workload"
/* How long a command has to end after SIGTERM, in seconds, and the longest pause before it is started again. */
#define PATIENCE 10
#define LONGEST_PAUSE 32

static char words[4096];

void say(const char *format, ...) {
  char line[8192] = "reswarm: ", names[256] = "console", device[64];
  va_list list;
  va_start(list, format);
  size_t used = strlen(line), length = used + (size_t)vsnprintf(line + used, sizeof line - used - 2, format, list);
  va_end(list);
  if (length > sizeof line - 3) length = sizeof line - 3;
  memcpy(line + length, "\r\n", 2);
  int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? 0 : read(fd, names, sizeof names - 1);
  if (count > 0) names[count] = 0;
  if (fd >= 0) close(fd);
  char *rest = names;
  for (char *name; (name = strsep(&rest, " \n"));) {
    if (!*name) continue;
    snprintf(device, sizeof device, "/dev/%s", name);
    if ((fd = open(device, O_WRONLY | O_NOCTTY | O_CLOEXEC)) < 0) continue;
    (void)!write(fd, line, length + 2);
    close(fd);
  }
}

const char *kernel_word(const char *word) {
  if (!*words) {
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? 0 : read(fd, words + 1, sizeof words - 3);
    *words = ' ';
    strcpy(words + 1 + (count > 0 ? count : 0), " ");
    for (char *at = words; *at; at++)
      if (*at == '\n') *at = ' ';
    if (fd >= 0) close(fd);
  }
  static char value[256];
  char wanted[64];
  size_t length = (size_t)snprintf(wanted, sizeof wanted, " %s", word);
  for (const char *at = words; (at = strstr(at, wanted)); at++) {
    if (at[length] == ' ') return "";
    if (at[length] != '=') continue;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at + length + 1, " "), at + length + 1);
    return value;
  }
  return NULL;
}

static void add(char **list, char *value) {
  for (int index = 0; index < MOST_WORDS - 1; index++)
    if (!list[index]) {
      list[index] = value;
      return;
    }
}

static int read_settings(struct settings *settings) {
  static char text[65536];
  int fd = open(SETTINGS, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (count < 0) return -1;
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n"));) {
    char *key = strsep(&line, " ");
    if (!line) continue;
    if (!strcmp(key, "arg")) add(settings->command, line);
    if (!strcmp(key, "check")) add(settings->check, line);
    if (!strcmp(key, "env")) add(settings->environment, line);
    if (!strcmp(key, "writable")) add(settings->writable, line);
    if (!strcmp(key, "port")) add(settings->ports, line);
    if (!strcmp(key, "folder")) settings->folder = line;
    if (!strcmp(key, "hostname")) settings->hostname = line;
    if (!strcmp(key, "user")) settings->user = (uid_t)strtoul(line, NULL, 10);
    if (!strcmp(key, "group")) settings->group = (gid_t)strtoul(line, NULL, 10);
    if (!strcmp(key, "restart")) settings->restarts = !strcmp(line, "always");
  }
  return settings->command[0] ? 0 : -1;
}

static void power_off(void) {
  say("power-off");
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

static pid_t start(const struct settings *settings) {
  int traces = kernel_word("reswarm.trace") != NULL, debugs = kernel_word("reswarm.debug") != NULL;
  pid_t child = fork();
  if (child) return child;
  if (!traces && !debugs) run_as_user(settings, (char **)settings->command);
  int status = watch_paths(settings, traces ? collect_path : report_left_out);
  if (WIFSIGNALED(status)) kill(getpid(), SIGKILL);
  _exit(WEXITSTATUS(status));
}

/* Tells when every port has a listener, and runs the check where one is asked for. */
static void watch_readiness(const struct settings *settings) {
  if (fork()) return;
  for (char *const *port = settings->ports; *port; port++) {
    while (!is_listening(atoi(*port))) usleep(50000);
    say("listening %s", *port);
  }
  say("ready");
  while (kernel_word("reswarm.check") && settings->check[0]) {
    int status = -1;
    pid_t child = fork();
    if (!child) run_as_user(settings, (char **)settings->check);
    if (waitpid(child, &status, 0) == child && status == 0) break;
    say("check failed %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    sleep(1);
  }
  if (kernel_word("reswarm.check") && settings->check[0]) say("check passed");
  _exit(0);
}

static volatile sig_atomic_t ends;
static void on_end(int number) {
  (void)number;
  ends = 1;
}

/* Waits until the command is gone, reaps what nobody else waits for, and passes the wish to end on. */
static int wait_for(pid_t child) {
  int status = 0, told = 0;
  for (;;) {
    pid_t gone = waitpid(-1, &status, 0);
    if (gone == child) return status;
    if (gone < 0 && errno == ECHILD) return status;
    if (ends && !told) {
      told = 1;
      kill(child, SIGTERM);
      alarm(PATIENCE);
    } else if (ends > 1) kill(child, SIGKILL);
  }
}
static void on_alarm(int number) {
  (void)number;
  ends = 2;
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigaction(number, &action, NULL);
}

int main(void) {
  static struct settings settings = {.restarts = 1, .user = 65534, .group = 65534, .folder = "/"};
  mount_all();
  say("init");
  if (read_settings(&settings)) {
    say("error settings-missing %s names no command", SETTINGS);
    power_off();
  }
  if (settings.hostname) sethostname(settings.hostname, strlen(settings.hostname));
  reboot(RB_DISABLE_CAD);
  handle(SIGTERM, on_end);
  handle(SIGINT, on_end);
  handle(SIGALRM, on_alarm);
  start_network();
  make_writable(&settings);
  if (kernel_word("reswarm.trace") && start_collector()) say("error trace-impossible %s", strerror(errno));
  int is_watched = 0;
  for (unsigned rest = 1;;) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    say("start %s", settings.command[0]);
    pid_t child = start(&settings);
    if (!is_watched++) watch_readiness(&settings);
    int status = wait_for(child);
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (WIFSIGNALED(status)) say("ended by signal %d", WTERMSIG(status));
    else say("ended with %d", WEXITSTATUS(status));
    /* What was read so far is still to be fetched. */
    if (kernel_word("reswarm.trace")) for (;;) pause();
    if (ends || !settings.restarts) power_off();
    if (after.tv_sec - before.tv_sec > 60) rest = 1;
    for (unsigned left = rest; left > 0 && !ends;) left = sleep(left);
    if (ends) power_off();
    if (rest < LONGEST_PAUSE) rest *= 2;
  }
}
