/* How a command of the workload is started. */
#include "init.h"
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void run_as_user(const struct settings *settings, char **command) {
  sigset_t none;
  setsid();
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  if (setgroups(0, NULL) || setgid(settings->group) || setuid(settings->user))
    say("error user-impossible %d:%d: %s", (int)settings->user, (int)settings->group, strerror(errno));
  else if (chdir(settings->folder)) say("error folder-missing %s: %s", settings->folder, strerror(errno));
  else {
    execve(command[0], command, (char **)settings->environment);
    say("error command-not-started %s: %s", command[0], strerror(errno));
  }
  _exit(127);
}
