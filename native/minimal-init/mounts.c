/* File systems and folders that a workload may expect. */
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SAFE (MS_NOSUID | MS_NODEV)

/* Lays memory over a root that is read only: what is written is gone at the next start. */
static void lay_memory_over_root(void) {
  struct statvfs root;
  if (statvfs("/", &root) || !(root.f_flag & ST_RDONLY)) return;
  if (mount("tmpfs", "/tmp", "tmpfs", SAFE, "mode=755")) return;
  mkdir("/tmp/upper", 0755);
  mkdir("/tmp/work", 0755);
  mkdir("/tmp/root", 0755);
  if (mount("overlay", "/tmp/root", "overlay", 0, "lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work")) return;
  if (chdir("/tmp/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/")) return;
}

static void mount_at(const char *type, const char *target, mode_t mode, unsigned long flags, const char *options) {
  mkdir(target, mode);
  mount(type, target, type, flags, options);
}

void mount_all(void) {
  umask(0);
  lay_memory_over_root();
  mount_at("proc", "/proc", 0755, SAFE | MS_NOEXEC, "");
  mount_at("sysfs", "/sys", 0755, SAFE | MS_NOEXEC, "");
  mount_at("devtmpfs", "/dev", 0755, MS_NOSUID, "");
  mount_at("tmpfs", "/run", 0755, SAFE, "mode=755");
  mount_at("tmpfs", "/tmp", 01777, SAFE, "mode=1777");
  mount_at("tmpfs", "/dev/shm", 01777, SAFE, "mode=1777");
  mount_at("devpts", "/dev/pts", 0755, MS_NOSUID | MS_NOEXEC, "mode=620");
  symlink("/proc/self/fd", "/dev/fd");
  symlink("/proc/self/fd/0", "/dev/stdin");
  symlink("/proc/self/fd/1", "/dev/stdout");
  symlink("/proc/self/fd/2", "/dev/stderr");
  int fd = open("/dev/console", O_RDWR | O_NOCTTY);
  for (int number = 0; fd >= 0 && number < 3; number++) dup2(fd, number);
  if (fd > 2) close(fd);
  umask(022);
}

void make_writable(const struct settings *settings) {
  char path[4096];
  for (char *const *folder = settings->writable; *folder; folder++) {
    if (strlen(*folder) >= sizeof path) continue;
    strcpy(path, *folder);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
      *slash = 0;
      mkdir(path, 0755);
    }
    if ((mkdir(path, 0755) && errno != EEXIST) || chown(path, settings->user, settings->group))
      say("error folder-not-writable %s: %s", path, strerror(errno));
  }
}
