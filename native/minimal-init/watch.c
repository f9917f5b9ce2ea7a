/* Runs the workload under ptrace and looks at its calls that name a path. A seccomp filter stops at those alone; on a
   kernel without it every call stops, which is slower and finds the same. */
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Calls with a path, and which argument it is; the folder that it begins at is the one before, except for 0. */
static const struct { long number; int path; } CALLS[] = {
#ifdef SYS_open
  {SYS_open, 0}, {SYS_stat, 0}, {SYS_lstat, 0}, {SYS_access, 0}, {SYS_readlink, 0},
#endif
  {SYS_execve, 0}, {SYS_chdir, 0}, {SYS_statfs, 0}, {SYS_openat, 1}, {SYS_newfstatat, 1}, {SYS_faccessat, 1},
  {SYS_readlinkat, 1}, {SYS_statx, 1}, {SYS_execveat, 1},
#ifdef SYS_openat2
  {SYS_openat2, 1},
#endif
#ifdef SYS_faccessat2
  {SYS_faccessat2, 1},
#endif
};
#define CALL_COUNT (int)(sizeof CALLS / sizeof CALLS[0])

/* The call that each thread is in. */
static struct { pid_t thread; char path[4096]; } pending[512];

static int path_argument(unsigned long long number) {
  for (int index = 0; index < CALL_COUNT; index++)
    if (CALLS[index].number == (long)number) return CALLS[index].path;
  return -1;
}

static int filter_calls(void) {
  struct sock_filter program[CALL_COUNT + 3];
  int at = 0;
  program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int index = 0; index < CALL_COUNT; index++)
    program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[index].number,
                                                 (unsigned char)(CALL_COUNT - index), 0);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog filter = {.len = (unsigned short)at, .filter = program};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static int read_text(pid_t thread, unsigned long long address, char *text, size_t size) {
  for (size_t at = 0; at + sizeof(long) <= size; at += sizeof(long)) {
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, thread, (void *)(address + at), NULL);
    if (errno) return -1;
    memcpy(text + at, &word, sizeof word);
    if (memchr(&word, 0, sizeof word)) return 0;
  }
  return -1;
}

static void note_call(pid_t thread, unsigned long long number, const unsigned long long *arguments) {
  int path = path_argument(number), slot = -1;
  for (int index = 0; index < 512 && slot < 0; index++)
    if (pending[index].thread == thread || !pending[index].thread) slot = index;
  if (path < 0 || slot < 0) return;
  char *text = pending[slot].path, name[4096], link[64];
  if (read_text(thread, arguments[path], name, sizeof name) || !*name) return;
  if (*name == '/') strcpy(text, name);
  else {
    int folder = path == 0 ? AT_FDCWD : (int)arguments[path - 1];
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", (int)thread);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)thread, folder);
    ssize_t length = readlink(link, text, sizeof pending[slot].path - 1);
    if (length <= 0 || (size_t)length + 1 + strlen(name) >= sizeof pending[slot].path) return;
    text[length] = '/';
    strcpy(text + length + 1, name);
  }
  pending[slot].thread = thread;
}

static void end_call(pid_t thread, long long value, void (*found)(pid_t, const char *, int)) {
  for (int index = 0; index < 512; index++) {
    if (pending[index].thread != thread) continue;
    pending[index].thread = 0;
    if (value >= 0 || value == -EINVAL) found(thread, pending[index].path, 1);
    if (value == -ENOENT || value == -ENOTDIR) found(thread, pending[index].path, 0);
    return;
  }
}

static volatile pid_t watched;
static void pass_on(int number) { kill(watched, number); }

int watch_paths(const struct settings *settings, void (*found)(pid_t, const char *, int)) {
  int gate[2], has_filter[2], last = 0;
  char filtered = 0;
  if (pipe2(gate, O_CLOEXEC) || pipe2(has_filter, O_CLOEXEC)) return 127 << 8;
  pid_t child = watched = fork();
  if (!child) {
    char byte = 0;
    close(gate[1]);
    (void)!read(gate[0], &byte, 1);
    byte = filter_calls() == 0;
    (void)!write(has_filter[1], &byte, 1);
    run_as_user(settings, (char **)settings->command);
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, child, NULL, options)) say("error watch-impossible %s", strerror(errno));
  close(gate[0]);
  close(gate[1]);
  (void)!read(has_filter[0], &filtered, 1);
  long onward = filtered ? PTRACE_CONT : PTRACE_SYSCALL;
  if (!filtered) ptrace(PTRACE_INTERRUPT, child, NULL, NULL);
  signal(SIGTERM, pass_on);
  for (int status;;) {
    pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) return last;
    if (!WIFSTOPPED(status)) {
      if (thread == child) last = status;
      continue;
    }
    struct __ptrace_syscall_info info = {0};
    int number = WSTOPSIG(status), event = status >> 16;
    long request = onward, signal_number = 0;
    if (number == (SIGTRAP | 0x80) || event == PTRACE_EVENT_SECCOMP)
      ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) note_call(thread, info.entry.nr, (void *)info.entry.args);
    else if (info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
      note_call(thread, info.seccomp.nr, (void *)info.seccomp.args);
      request = PTRACE_SYSCALL;
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) end_call(thread, info.exit.rval, found);
    else if (event == PTRACE_EVENT_STOP && number != SIGTRAP) request = PTRACE_LISTEN;
    else if (!event && number != (SIGTRAP | 0x80)) signal_number = number;
    ptrace(request, thread, NULL, signal_number);
  }
}
