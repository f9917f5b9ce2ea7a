/*
 * efi-disc: EFI/BOOT/BOOTX64.EFI of a disc. It reads EFI/BOOT/disc.cfg from the FAT that it was started from, looks for
 * the ISO 9660 disc that has the named mark, reads kernel and archive from it, and starts the kernel, which is a program
 * for UEFI itself (its EFI stub). GRUB does the same in 258 KB.
 *
 * disc.cfg: four lines: the names of mark, kernel and archive in the disc's folder BOOT, as ISO 9660 has them without
 * Rock Ridge, and the kernel's command line.
 *
 * UEFI specification 2.10; ECMA-119; for the archive Documentation/arch/x86/boot.rst and the EFI stub's
 * LINUX_EFI_INITRD_MEDIA_GUID. Errors are one line on the firmware's console, and the firmware goes on to its next entry.
 */
#include <stddef.h>
#include <stdint.h>

#define EFIAPI __attribute__((ms_abi))
#define SECTOR 2048u

typedef uint64_t Status;
typedef void *Handle;
typedef uint16_t Char16;

#define ERROR_BIT (1ULL << 63)
#define INVALID_PARAMETER (ERROR_BIT | 2)
#define BUFFER_TOO_SMALL (ERROR_BIT | 5)
#define NOT_FOUND (ERROR_BIT | 14)

typedef struct {
    uint32_t a;
    uint16_t b, c;
    uint8_t d[8];
} Guid;

/* Only what is called has its type; the rest keeps its place. */
typedef struct TextOutput {
    void *reset;
    Status(EFIAPI *output)(struct TextOutput *self, const Char16 *text);
} TextOutput;

typedef struct {
    uint8_t header[24];
    void *raise_tpl, *restore_tpl;
    Status(EFIAPI *allocate_pages)(int type, int memory, size_t pages, uint64_t *address);
    Status(EFIAPI *free_pages)(uint64_t address, size_t pages);
    void *get_memory_map, *allocate_pool;
    Status(EFIAPI *free_pool)(void *buffer);
    void *events[6];
    void *install_protocol, *reinstall_protocol, *uninstall_protocol;
    Status(EFIAPI *handle_protocol)(Handle handle, const Guid *protocol, void **interface);
    void *reserved, *register_notify, *locate_handle, *locate_device_path, *install_table;
    Status(EFIAPI *load_image)(uint8_t policy, Handle parent, void *path, void *source, size_t size, Handle *image);
    Status(EFIAPI *start_image)(Handle image, size_t *exit_size, Char16 **exit_data);
    void *exit, *unload_image, *exit_boot_services, *count, *stall, *watchdog, *connect, *disconnect;
    void *open_protocol, *close_protocol, *open_information, *protocols_per_handle;
    Status(EFIAPI *locate_handle_buffer)(int search, const Guid *protocol, void *key, size_t *count, Handle **handles);
    void *locate_protocol;
    Status(EFIAPI *install_protocols)(Handle *handle, ...);
} BootServices;

typedef struct {
    uint8_t header[24];
    Char16 *vendor;
    uint32_t revision;
    Handle in_handle;
    void *in;
    Handle out_handle;
    TextOutput *out;
    Handle error_handle;
    void *error, *runtime;
    BootServices *boot;
} SystemTable;

typedef struct {
    uint32_t revision;
    Handle parent;
    SystemTable *system;
    Handle device;
    void *path, *reserved;
    uint32_t options_size;
    void *options;
} LoadedImage;

typedef struct File {
    uint64_t revision;
    Status(EFIAPI *open)(struct File *self, struct File **file, const Char16 *name, uint64_t mode, uint64_t attributes);
    void *close, *remove;
    Status(EFIAPI *read)(struct File *self, size_t *size, void *buffer);
} File;

typedef struct FileSystem {
    uint64_t revision;
    Status(EFIAPI *open_volume)(struct FileSystem *self, File **root);
} FileSystem;

typedef struct {
    uint32_t id;
    uint8_t removable, present, partition, read_only, caching;
    uint32_t block_size;
} Media;

typedef struct {
    uint64_t revision;
    Media *media;
} BlockIo;

typedef struct DiskIo {
    uint64_t revision;
    Status(EFIAPI *read)(struct DiskIo *self, uint32_t media, uint64_t offset, size_t size, void *buffer);
} DiskIo;

typedef struct LoadFile {
    Status(EFIAPI *load)(struct LoadFile *self, void *path, uint8_t policy, size_t *size, void *buffer);
} LoadFile;

static const Guid LOADED_IMAGE = {0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid FILE_SYSTEM = {0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid BLOCK_IO = {0x964e5b21, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid DISK_IO = {0xce345171, 0xba0b, 0x11d2, {0x8e, 0x4f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid DEVICE_PATH = {0x09576e91, 0x6d3f, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid LOAD_FILE2 = {0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};

/* Where the kernel looks for its archive: a device path of one node with LINUX_EFI_INITRD_MEDIA_GUID. */
static struct {
    uint8_t type, sub_type;
    uint16_t size;
    Guid vendor;
    uint8_t end[4];
} __attribute__((packed)) archive_path = {
    4, 3, 20, {0x5568e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}}, {0x7f, 0xff, 4, 0}};

/* Where the kernel was read from, as UEFI wants to be told: memory. */
static struct {
    uint8_t type, sub_type;
    uint16_t size;
    uint32_t memory;
    uint64_t start, end_address;
    uint8_t end[4];
} __attribute__((packed)) kernel_path = {1, 3, 24, 2, 0, 0, {0x7f, 0xff, 4, 0}};

static SystemTable *system;
static BootServices *boot;

static struct {
    char text[4096];
    char *mark, *kernel, *archive, *options;
} config;

static struct {
    uint8_t *bytes;
    size_t size;
} kernel, archive;

/* gcc makes calls of it out of loops. */
void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    while (size--)
        *target++ = *source++;
    return to;
}

static void say(const char *text)
{
    Char16 wide[128];
    size_t length = 0;
    while (*text && length < 127)
        wide[length++] = (uint8_t)*text++;
    wide[length] = 0;
    system->out->output(system->out, wide);
}

static Status failed(const char *what, Status status)
{
    say("reswarm: error disc ");
    say(what);
    say("\r\n");
    return status ? status : NOT_FOUND;
}

/* Splits the text of disc.cfg into its four lines. */
static int split_config(void)
{
    char **const parts[] = {&config.mark, &config.kernel, &config.archive, &config.options};
    char *at = config.text;
    for (int index = 0; index < 4; index++) {
        *parts[index] = at;
        while (*at && *at != '\n')
            at++;
        if (!*at)
            return 0;
        *at++ = 0;
    }
    return 1;
}

static Status read_config(Handle device)
{
    FileSystem *files;
    File *root, *file;
    size_t size = sizeof config.text - 1;
    Status status = boot->handle_protocol(device, &FILE_SYSTEM, (void **)&files);
    if (!status)
        status = files->open_volume(files, &root);
    if (!status)
        status = root->open(root, &file, u"\\EFI\\BOOT\\disc.cfg", 1, 0);
    if (!status)
        status = file->read(file, &size, config.text);
    if (status || !split_config())
        return failed("EFI/BOOT/disc.cfg cannot be read", status);
    return 0;
}

static uint32_t little(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

typedef struct {
    DiskIo *io;
    uint32_t media;
} Disc;

static int read_disc(Disc disc, uint32_t sector, size_t size, void *buffer)
{
    return !disc.io->read(disc.io, disc.media, (uint64_t)sector * SECTOR, size, buffer);
}

/* "VMLINUZ.;1" is called VMLINUZ, and "A.IMG;1" A.IMG. */
static int is_called(const uint8_t *record, const char *name)
{
    const uint8_t *at = record + 33, *end = at + record[32];
    while (*name && at < end && *at == (uint8_t)*name)
        at++, name++;
    if (*name)
        return 0;
    if (at < end && *at == '.')
        at++;
    return at == end || *at == ';';
}

typedef struct {
    uint32_t sector, size;
} Extent;

/* Finds a name in a folder, which is read sector by sector: no record goes across two. */
static int find(Disc disc, Extent folder, const char *name, Extent *found)
{
    static uint8_t sector[SECTOR];
    for (uint32_t done = 0; done < folder.size; done += SECTOR) {
        if (!read_disc(disc, folder.sector + done / SECTOR, SECTOR, sector))
            return 0;
        for (uint32_t at = 0; at + 33 < SECTOR && sector[at]; at += sector[at]) {
            const uint8_t *record = sector + at;
            if (at + record[0] > SECTOR || 33u + record[32] > record[0])
                return 0;
            if (!is_called(record, name))
                continue;
            *found = (Extent){little(record + 2), little(record + 10)};
            return 1;
        }
    }
    return 0;
}

/* Folder BOOT of a drive that holds our disc. */
static int find_boot(Disc disc, Extent *folder)
{
    static uint8_t sector[SECTOR];
    static const char id[] = "\1CD001";
    Extent mark, root;
    if (!read_disc(disc, 16, SECTOR, sector))
        return 0;
    for (int at = 0; at < 6; at++)
        if (sector[at] != (uint8_t)id[at])
            return 0;
    root = (Extent){little(sector + 156 + 2), little(sector + 156 + 10)};
    return find(disc, root, "BOOT", folder) && find(disc, *folder, config.mark, &mark);
}

static Status find_disc(Disc *disc, Extent *folder)
{
    Handle *handles;
    size_t count;
    BlockIo *blocks;
    Status status = boot->locate_handle_buffer(2, &BLOCK_IO, NULL, &count, &handles);
    if (status)
        return failed("there is no drive", status);
    for (size_t index = 0; index < count; index++) {
        if (boot->handle_protocol(handles[index], &BLOCK_IO, (void **)&blocks))
            continue;
        if (!blocks->media->present || boot->handle_protocol(handles[index], &DISK_IO, (void **)&disc->io))
            continue;
        disc->media = blocks->media->id;
        if (find_boot(*disc, folder))
            return 0;
    }
    return failed("no drive holds the disc that this program belongs to", NOT_FOUND);
}

/* Reads a file of the disc into pages of its own. */
static Status load(Disc disc, Extent folder, const char *name, uint8_t **bytes, size_t *size)
{
    Extent file;
    uint64_t address;
    Status status;
    if (!find(disc, folder, name, &file))
        return failed("kernel or archive is not on the disc", NOT_FOUND);
    status = boot->allocate_pages(0, 2, (file.size + 4095) / 4096, &address);
    if (status)
        return failed("not enough memory for kernel and archive", status);
    *bytes = (uint8_t *)address;
    *size = file.size;
    if (!read_disc(disc, file.sector, file.size, *bytes))
        return failed("kernel or archive cannot be read", NOT_FOUND);
    return 0;
}

/* EFI_LOAD_FILE2_PROTOCOL.LoadFile: asked for the size first. */
static Status EFIAPI give_archive(LoadFile *self, void *path, uint8_t policy, size_t *size, void *buffer)
{
    (void)self;
    (void)path;
    if (policy || !size)
        return INVALID_PARAMETER;
    if (!buffer || *size < archive.size) {
        *size = archive.size;
        return BUFFER_TOO_SMALL;
    }
    memcpy(buffer, archive.bytes, archive.size);
    *size = archive.size;
    return 0;
}

static Status start_kernel(Handle self)
{
    static Char16 options[sizeof config.text];
    static LoadFile giver;
    Handle image, device = NULL;
    LoadedImage *loaded;
    uint32_t length = 0;
    giver.load = give_archive;
    Status status = boot->install_protocols(&device, &DEVICE_PATH, &archive_path, &LOAD_FILE2, &giver, NULL);
    if (status)
        return failed("the archive cannot be handed over", status);
    kernel_path.start = (uint64_t)kernel.bytes;
    kernel_path.end_address = kernel_path.start + kernel.size;
    status = boot->load_image(0, self, &kernel_path, kernel.bytes, kernel.size, &image);
    if (status)
        return failed("the firmware does not take the kernel (Secure Boot must be off)", status);
    boot->free_pages((uint64_t)kernel.bytes, (kernel.size + 4095) / 4096);
    status = boot->handle_protocol(image, &LOADED_IMAGE, (void **)&loaded);
    if (status)
        return failed("the kernel cannot be given its command line", status);
    for (const char *at = config.options; *at; at++)
        options[length++] = (uint8_t)*at;
    options[length++] = 0;
    loaded->options = options;
    loaded->options_size = length * sizeof options[0];
    status = boot->start_image(image, NULL, NULL);
    return failed("the kernel came back", status);
}

Status EFIAPI efi_main(Handle self, SystemTable *table)
{
    LoadedImage *image;
    Disc disc;
    Extent folder;
    system = table;
    boot = table->boot;
    Status status = boot->handle_protocol(self, &LOADED_IMAGE, (void **)&image);
    if (!status)
        status = read_config(image->device);
    if (!status)
        status = find_disc(&disc, &folder);
    if (!status)
        status = load(disc, folder, config.kernel, &kernel.bytes, &kernel.size);
    if (!status)
        status = load(disc, folder, config.archive, &archive.bytes, &archive.size);
    return status ? status : start_kernel(self);
}
