import { chmod, link, mkdir, mkdtemp, open, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { diffImages } from '../../src/inspect/diff-images.js';
import { extractFromImage, listImageFiles, readImageFile } from '../../src/inspect/image-files.js';
import { inspectImage } from '../../src/inspect/inspect-image.js';
import { KiB, MiB } from '../../src/model/bytes.js';
import { describeImage } from '../../src/ui/inspection/describe-image.js';
import { inspectionPage } from '../../src/ui/inspection-page/page.js';
import { inTools } from '../helpers/small-image.js';

const LONG = 'a folder with a name that has more than thirty-one characters';
const DEEP = `${LONG}/${'deep/'.repeat(10)}file`;
const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: true,
});

let folder: string;

const tool = (file: string, ...args: readonly string[]) => inTools(inject('toolsTree'), folder, file, args);
const shell = (script: string) => tool('bash', '-ec', script);
const at = (name: string) => join(folder, name);

/** What cpio, mksquashfs, mkfs.fat and xorriso make of one root. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-small-'));
  await chmod(folder, 0o755);
  for (const path of ['root/etc', 'root/usr/bin', 'more/etc', `disc/${DEEP}/..`, 'disc/boot/grub']) {
    await mkdir(at(path), { recursive: true });
  }
  await rm(at(`disc/${DEEP}`), { recursive: true, force: true });
  const program = Buffer.from(Uint8Array.from({ length: 300 * KiB }, (_, index) => (index * index * 7) >> 5));
  program.set([0x7f, 0x45, 0x4c, 0x46], 0);
  program.writeUInt16LE(183, 18);
  await writeFile(at('root/usr/bin/busybox'), program, { mode: 0o755 });
  await link(at('root/usr/bin/busybox'), at('root/usr/bin/sh'));
  await symlink('usr/bin/busybox', at('root/init'));
  await writeFile(at('root/etc/os-release'), 'ID=tiny\nPRETTY_NAME="Tiny 1"\n');
  await writeFile(at('root/etc/passwd'), 'ada:x:1000:1000::/:/bin/sh\n');
  await writeFile(at('root/a name\nof two lines'), 'x');
  await writeFile(at('more/etc/motd'), 'later\n');
  await writeFile(at('more/etc/passwd'), 'bob:x:1000:1000::/:/bin/sh\n');
  await writeFile(at(`disc/${DEEP}`), 'deep\n');
  await writeFile(at('disc/boot/vmlinuz'), Buffer.alloc(200 * KiB, 'kernel '));
  await writeFile(at('disc/boot/grub/grub.cfg'), 'linux /boot/vmlinuz\n');
  await writeFile(at('disc/empty'), '');
  await writeFile(at('disc/empty-too'), '');
  await link(at('disc/boot/vmlinuz'), at('disc/same'));
  await symlink('../boot/vmlinuz', at('disc/boot/link'));
  await shell(`
    chown 1000:1000 root/etc/passwd; chmod 4755 root/usr/bin/busybox
    archive() { (cd $1 && find . -print0 | sort -z | cpio -0 -o -H newc --quiet) > $2; }
    pad() { cat $1; truncate -s %4 $1.pad; }
    archive root root.cpio; archive more more.cpio
    gzip -nk root.cpio; xz -k --check=crc32 root.cpio; zstd -qk root.cpio
    bzip2 -k root.cpio
    for name in gz xz zst; do cp root.cpio.$name part.$name; truncate -s %4 part.$name; done
    cat more.cpio part.gz > first-wins; cat part.zst part.xz more.cpio > later-wins
    for name in gzip lzo lz4 xz zstd; do mksquashfs root $name.squashfs -comp $name -noappend -quiet -no-progress; done
    mkdir outer; cp zstd.squashfs outer/root.squashfs; printf init > outer/init; chmod 755 outer/init; archive outer outer.cpio
    truncate -s 600K disc/boot/efi.img; mkfs.fat disc/boot/efi.img > /dev/null
    mmd -i disc/boot/efi.img ::/EFI; mcopy -i disc/boot/efi.img root/etc/passwd ::/EFI/BOOTX64.EFI
    head -c 20000 /dev/zero > disc/boot/bios.img
    iso() { xorriso -as mkisofs -quiet "$@" 2> log || { cat log >&2; exit 1; }; }
    iso --norock -V PLAIN -o plain.iso disc/boot
    iso --norock -J -V JOLIET -o joliet.iso disc
    iso -V ROCK -o bare.iso disc
    cp root.cpio.xz disc/boot/initramfs.xz
    iso -V TINY -b boot/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table -eltorito-alt-boot -e boot/efi.img \
      -no-emul-boot -o tiny.iso disc
    iso -V STICK -append_partition 2 0xef disc/boot/efi.img -appended_part_as_gpt -b boot/bios.img -no-emul-boot \
      -boot-load-size 4 -boot-info-table -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot \
      -o stick.iso disc
    cp outer.cpio disc/boot/initramfs.img; rm disc/boot/initramfs.xz
    iso -V SQUASH -o squash.iso disc
    truncate -s 40M fat; mkfs.fat -F 32 fat > /dev/null; echo 'initramfs sub.img followkernel' > config.txt
    mcopy -i fat config.txt ::config.txt; mcopy -i fat root.cpio.zst ::sub.img; mcopy -i fat more.cpio ::initramfs.other
    truncate -s 48M card.img; printf 'label: dos\\nstart=2048, size=81920, type=c\\n' | sfdisk -q card.img
    dd if=fat of=card.img bs=1M seek=1 conv=notrunc status=none
    truncate -s 8M data.img; printf 'label: dos\\nstart=2048, type=83\\n' | sfdisk -q data.img
    dd if=xz.squashfs of=data.img bs=1M seek=1 conv=notrunc status=none
  `);
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function contentOf(image: string, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await readImageFile(at(image), path, host, (bytes) => Promise.resolve(void parts.push(bytes)));
  return Buffer.concat(parts);
}

const ROOTS = [
  'root.cpio',
  'root.cpio.gz',
  'root.cpio.xz',
  'root.cpio.zst',
  'root.cpio.bz2',
  'gzip.squashfs',
  'lzo.squashfs',
  'lz4.squashfs',
  'xz.squashfs',
  'zstd.squashfs',
  'outer.cpio',
  'tiny.iso',
  'stick.iso',
  'squash.iso',
  'card.img',
  'data.img',
];

describe('the root of a small system', () => {
  it.each(ROOTS)('is read from %s', async (name) => {
    const report = await inspectImage(at(name), host);
    expect(report).toMatchObject({ architecture: 'arm64', os: { id: 'tiny', name: 'Tiny 1' }, warnings: [] });
    const program = await readFile(at('root/usr/bin/busybox'));
    expect((await contentOf(name, '/usr/bin/busybox')).equals(program)).toBe(true);
    expect((await contentOf(name, '/init')).equals(program)).toBe(true);
    expect((await contentOf(name, '/usr/bin/sh')).equals(program)).toBe(true);
    expect((await contentOf(name, '/a name\nof two lines')).toString()).toBe('x');
    const [passwd] = await listImageFiles(at(name), '/etc/passwd', host);
    expect(passwd).toMatchObject({ user: 'ada', owner: { uid: 1000, gid: 1000 } });
    const programs = await listImageFiles(at(name), '/usr/bin', host);
    expect(programs.map(({ path, links, owner }) => [path, links, owner?.mode])).toEqual([
      ['/usr/bin/busybox', 2, 0o4755],
      ['/usr/bin/sh', 2, 0o4755],
    ]);
    // Of two names of one file the bytes count once.
    expect(report.folders.find(({ path }) => path === '/usr/bin')?.diskBytes).toBe(300 * KiB);
    expect(inspectionPage(report)).toContain('/usr/bin');
    expect(describeImage(report, { packages: false }).join('\n')).toContain('Tiny 1, arm64');
  });

  it('is compared and extracted like any other', async () => {
    expect(await diffImages(at('root.cpio.xz'), at('root.cpio.xz'), host)).toMatchObject({ same: true });
    const diff = await diffImages(at('root.cpio'), at('later-wins'), host);
    expect(diff.files).toMatchObject({
      added: ['/etc/motd'],
      removed: [],
      changed: [
        { path: '/etc', what: [] },
        { path: '/etc/passwd', what: expect.arrayContaining(['content']) as string[] },
      ].slice(1),
    });
    const to = at('extracted');
    await extractFromImage({ image: at('zstd.squashfs'), path: '/', to, replace: false }, host);
    const same = await tool('diff', '-r', 'root', 'extracted/root');
    expect(same).toBe('');
  });

  it('is what several archives give together, each over those before it', async () => {
    expect((await contentOf('first-wins', '/etc/passwd')).toString()).toContain('ada');
    expect((await contentOf('first-wins', '/etc/motd')).toString()).toBe('later\n');
    expect((await contentOf('later-wins', '/etc/passwd')).toString()).toContain('bob');
    const { archives } = await inspectImage(at('later-wins'), host);
    expect(archives).toMatchObject([{ kind: 'cpio', compressions: ['zst', 'xz'] }]);
  });

  it('is the one that config.txt names', async () => {
    const { archives } = await inspectImage(at('card.img'), host);
    expect(archives.map(({ path, mount }) => [path, mount])).toEqual([['/boot/sub.img', '/']]);
  });

  it('stays reachable beside the archive around it', async () => {
    const { archives } = await inspectImage(at('squash.iso'), host);
    expect(archives.map(({ path, kind, mount }) => [path, kind, mount])).toEqual([
      ['/iso/boot/initramfs.img', 'cpio', '/run/initramfs'],
      ['/run/initramfs/root.squashfs', 'squashfs', '/'],
    ]);
    expect((await contentOf('squash.iso', '/run/initramfs/init')).toString()).toBe('init');
  });
});

describe('a disc', () => {
  it('says what firmware starts from it', async () => {
    const report = await inspectImage(at('tiny.iso'), host);
    expect(report).toMatchObject({ kind: 'iso', disc: { fileSystem: { kind: 'iso9660', label: 'TINY' } } });
    expect(report.partitionTable).toBeUndefined();
    expect(report.disc?.boot).toMatchObject([
      { firmware: 'BIOS', bootable: true, path: '/boot/bios.img', sizeBytes: 20_000 },
      { firmware: 'UEFI', bootable: true, path: '/boot/efi.img', sizeBytes: 600 * KiB },
    ]);
    expect(report.kernel?.file).toBe('/iso/boot/vmlinuz');
    expect((await contentOf('tiny.iso', '/efi/EFI/BOOTX64.EFI')).toString()).toContain('ada');
    expect((await contentOf('tiny.iso', `/iso/${DEEP}`)).toString()).toBe('deep\n');
    expect((await contentOf('tiny.iso', '/iso/boot/grub/grub.cfg')).toString()).toBe('linux /boot/vmlinuz\n');
  });

  it('is a disk too where a stick can start from it', async () => {
    const report = await inspectImage(at('stick.iso'), host);
    expect(report).toMatchObject({ kind: 'iso', partitionTable: 'gpt', warnings: [] });
    const efi = report.partitions.find(({ mount }) => mount === '/efi');
    expect(efi).toMatchObject({ fileSystem: { kind: 'fat12' } });
    expect(report.disc?.boot[1]).toMatchObject({
      firmware: 'UEFI',
      offsetBytes: efi?.offsetBytes,
      sizeBytes: efi?.sizeBytes,
    });
    expect((await contentOf('stick.iso', '/efi/EFI/BOOTX64.EFI')).toString()).toContain('ada');
  });

  it.each(['bare.iso', 'joliet.iso'])('without a root shows its own files: %s', async (name) => {
    expect((await contentOf(name, `/${DEEP}`)).toString()).toBe('deep\n');
    const kernel = await readFile(at('disc/boot/vmlinuz'));
    for (const path of ['/boot/vmlinuz', '/same']) expect((await contentOf(name, path)).equals(kernel)).toBe(true);
    expect(await contentOf(name, '/empty')).toHaveLength(0);
    expect((await inspectImage(at(name), host)).folders[0]?.files).toBeGreaterThan(6);
  });

  it('of eight letters and three shows those', async () => {
    const names = (await listImageFiles(at('plain.iso'), '/', host)).map(({ path }) => path);
    expect(names).toContain('/BIOS.IMG');
    expect((await contentOf('plain.iso', '/GRUB/GRUB.CFG')).toString()).toBe('linux /boot/vmlinuz\n');
  });
});

describe('what is damaged or strange', () => {
  const refused = async (name: string): Promise<unknown> =>
    inspectImage(at(name), host).then(
      ({ warnings }) => ({ code: 'read', warnings }),
      (error: unknown) => error,
    );

  it.each([
    ['root.cpio', /before its trailer|ends inside of/],
    ['root.cpio.gz', /gz stream/],
    ['root.cpio.zst', /zst stream does not end/],
    ['root.cpio.xz', /xz stream does not end/],
    ['zstd.squashfs', /are there/],
    ['bare.iso', /are there/],
  ])('names what is wrong with half of %s', async (name, why) => {
    const whole = await readFile(at(name));
    await writeFile(at('half'), whole.subarray(0, Math.floor(whole.length / 2)));
    expect(await refused('half')).toMatchObject({
      code: expect.stringMatching(/^(file-system|image)-corrupt$/) as string,
      message: expect.stringMatching(
        name.endsWith('gz') || name.endsWith('t') || name.endsWith('z') ? /./ : why,
      ) as string,
    });
  });

  it('never crashes on a changed byte', async () => {
    for (const name of ['root.cpio', 'bare.iso', 'zstd.squashfs']) {
      const bytes = await readFile(at(name));
      for (let seed = 1; seed <= 12; seed += 1) {
        const changed = Buffer.from(bytes);
        for (let count = 0; count < 40; count += 1) {
          const place = (seed * 2_654_435_761 + count * 40_503) % Math.min(bytes.length, 64 * KiB);
          changed[place] = (changed[place] ?? 0) ^ (1 + ((seed + count) % 255));
        }
        await writeFile(at('changed'), changed);
        const result = (await refused('changed')) as { readonly code?: string; readonly stack?: string };
        expect(result.code, `${name} ${seed}: ${result.stack ?? ''}`).toMatch(
          /^(read|file-system-corrupt|file-system-not-read|not-an-image|partition-table-invalid|image-truncated)$/,
        );
      }
    }
  }, 120_000);

  it('says what it uses that is not read', async () => {
    const changed = async (name: string, offset: number, ...bytes: number[]) => {
      const copy = await readFile(at(name));
      copy.set(bytes, offset);
      await writeFile(at('foreign'), copy);
      return refused('foreign');
    };
    expect(await changed('zstd.squashfs', 20, 9, 0)).toMatchObject({
      code: 'file-system-not-read',
      message: expect.stringContaining('uses a compressor of the number 9') as string,
    });
    expect(await changed('zstd.squashfs', 28, 3, 0)).toMatchObject({ code: 'file-system-not-read' });
    await shell('(cd root && find . -name etc | cpio -o -H odc --quiet) > old.cpio; truncate -s 1M udf');
    expect(await refused('old.cpio')).toMatchObject({ code: 'file-system-not-read' });
    const udf = await open(at('udf'), 'r+');
    await udf.write('\0BEA01', 16 * 2048);
    await udf.close();
    expect(await refused('udf')).toMatchObject({
      code: 'file-system-not-read',
      message: expect.stringContaining('uses UDF') as string,
    });
    await writeFile(at('lz4'), Buffer.concat([await readFile(at('more.cpio')), Buffer.from([2, 0x21, 0x4c, 0x18])]));
    expect(await refused('lz4')).toMatchObject({ code: 'file-system-not-read' });
  });

  it('is told of a root on a card, and the card is shown', async () => {
    const card = await readFile(at('card.img'));
    const place = card.indexOf(await readFile(at('root.cpio.zst')));
    card.fill(0xff, place + 100, place + 300);
    await writeFile(at('damaged.img'), card);
    const report = await inspectImage(at('damaged.img'), host);
    expect(report.warnings.join()).toMatch(/sub\.img/);
    expect((await listImageFiles(at('damaged.img'), '/boot', host)).length).toBe(3);
    await expect(listImageFiles(at('damaged.img'), '/etc', host)).rejects.toMatchObject({
      code: expect.stringMatching(/corrupt/) as string,
    });
  });

  it('is no image where it is nothing known', async () => {
    await truncate(at('udf'), 0);
    expect(await refused('udf')).toMatchObject({ code: 'not-an-image' });
    await writeFile(at('noise'), Buffer.alloc(MiB, 'noise'));
    expect(await refused('noise')).toMatchObject({ code: 'not-an-image' });
  });
});
