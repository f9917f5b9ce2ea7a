/* Debug mode: names files that the workload asked for and that the image's list left out. */
#include "init.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sorted paths of the packages that are not in the image, one a line; a folder ends in "/", a link in "@". */
#define LEFT_OUT "/etc/reswarm/left-out"

static const char *list;
static size_t list_size;

static void read_list(void) {
  struct stat status;
  int fd = open(LEFT_OUT, O_RDONLY | O_CLOEXEC);
  list = "";
  if (fd < 0 || fstat(fd, &status) || status.st_size == 0) return;
  const char *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return;
  list = mapped;
  list_size = (size_t)status.st_size;
}

static int has_line(const char *path, const char *ending) {
  char line[4200];
  size_t length = (size_t)snprintf(line, sizeof line, "\n%s%s\n", path, ending);
  if (list_size >= length - 1 && !memcmp(list, line + 1, length - 1)) return 1;
  return memmem(list, list_size, line, length) != NULL;
}

/* The path with the links that are there followed, as far as its folders exist. */
static int canonical(const char *path, char *result) {
  char head[4096], real[4096];
  size_t length = strlen(path);
  if (length >= sizeof head) return -1;
  memcpy(head, path, length + 1);
  for (char *cut = head + length; cut > head;) {
    while (cut > head && *cut != '/') cut--;
    *cut = 0;
    if (realpath(*head ? head : "/", real)) break;
  }
  if (!*head) strcpy(real, "/");
  const char *rest = path + strlen(head);
  while (*rest == '/') rest++;
  return snprintf(result, 4096, "%s/%s", strcmp(real, "/") ? real : "", rest) >= 4096 ? -1 : 0;
}

/* The left-out entry that a path leads to: itself, or a link on the way. */
static int find_left_out(char *path) {
  if (has_line(path, "") || has_line(path, "/") || has_line(path, "@")) return 1;
  for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
    *slash = 0;
    if (has_line(path, "@")) return 1;
  }
  return 0;
}

void report_left_out(pid_t thread, const char *path, int is_there) {
  static char told[65536];
  static size_t used = 1;
  char real[4096], line[4200], name[64] = "?", comm[64];
  if (!list) read_list();
  if (is_there || canonical(path, real) || !find_left_out(real)) return;
  told[0] = '\n';
  size_t length = (size_t)snprintf(line, sizeof line, "\n%s\n", real);
  if (memmem(told, used, line, length)) return;
  if (used + length < sizeof told) {
    memcpy(told + used, line + 1, length - 1);
    used += length - 1;
  }
  snprintf(comm, sizeof comm, "/proc/%d/comm", (int)thread);
  int fd = open(comm, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
  if (fd >= 0) close(fd);
  if (count > 0) name[count - 1] = 0;
  say("error file-left-out %s asked for %s, which the file list leaves out", name, real);
}
