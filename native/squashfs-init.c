/*
 * squashfs-init: the /init of an archive that holds the root as /root.squashfs. It mounts that file, puts a file system
 * in memory over it for what is written, makes both together the root, and hands over to the /init in there with its
 * own arguments and environment.
 *
 * The kernel needs BLK_DEV_LOOP, SQUASHFS, OVERLAY_FS, TMPFS and DEVTMPFS. What is wrong is one line on the console:
 * "reswarm: error root STEP: REASON"; the kernel then panics, and restarts the machine where its panic= says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE "/root.squashfs"
#define LOWER "/reswarm/lower"
#define MEMORY "/reswarm/memory"
#define UPPER MEMORY "/upper"
#define WORK MEMORY "/work"
#define ROOT "/reswarm/root"
#define BOOT "/boot"

static void fail(const char *step)
{
    dprintf(STDERR_FILENO, "reswarm: error root %s: %s\n", step, strerror(errno));
    /* A serial line needs a moment for it before the kernel panics. */
    sleep(1);
    _exit(1);
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        fail(path);
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    make_folder(target);
    if (mount(source, target, type, flags, data) != 0)
        fail(target);
}

/* The loop device stays for as long as the file system on it is mounted. */
static void attach_image(char *device, size_t size)
{
    int image = open(IMAGE, O_RDONLY | O_CLOEXEC);
    if (image < 0)
        fail(IMAGE);
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        fail("/dev/loop-control");
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0)
        fail("free loop device");
    snprintf(device, size, "/dev/loop%d", number);
    int loop = open(device, O_RDONLY);
    if (loop < 0)
        fail(device);
    struct loop_config config = {
        .fd = (unsigned)image,
        .info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
    };
    if (ioctl(loop, LOOP_CONFIGURE, &config) != 0)
        fail("loop device");
    mount_at(device, LOWER, "squashfs", MS_RDONLY, NULL);
    close(loop);
    close(image);
    close(control);
}

/*
 * A boot loader may have added an archive with files in /boot: a device that starts from its network gets its seed in
 * this way. What the root has there itself is hidden.
 */
static void show_boot(void)
{
    if (access(BOOT, F_OK) == 0 && access(ROOT BOOT, F_OK) == 0 && mount(BOOT, ROOT BOOT, NULL, MS_BIND, NULL) != 0)
        fail(ROOT BOOT);
}

int main(int argc, char **argv)
{
    char device[32];

    (void)argc;
    make_folder("/reswarm");
    mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
    attach_image(device, sizeof device);
    mount_at("tmpfs", MEMORY, "tmpfs", MS_NOSUID, "mode=0755");
    make_folder(UPPER);
    make_folder(WORK);
    mount_at("overlay", ROOT, "overlay", 0, "lowerdir=" LOWER ",upperdir=" UPPER ",workdir=" WORK);
    make_folder(ROOT "/dev");
    if (mount("/dev", ROOT "/dev", NULL, MS_MOVE, NULL) != 0)
        fail("moving /dev");
    show_boot();
    /* As switch_root does. The archive stays below: it holds the image itself and hardly more. */
    if (chdir(ROOT) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0)
        fail("moving the root");
    if (chroot(".") != 0 || chdir("/") != 0)
        fail("changing the root");
    execv("/init", argv);
    fail("/init");
}
