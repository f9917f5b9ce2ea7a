import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { ImageDiff } from '../inspect/image-diff.js';
import type { ImageReport } from '../inspect/image-report.js';
import { diffImages } from '../inspect/diff-images.js';
import { extractFromImage, listImageFiles, readImageFile } from '../inspect/image-files.js';
import { UserError } from '../errors.js';
import { isFolder } from '../images/network-folder.js';
import type { FolderReport } from '../inspect/inspect-folder.js';
import { inspectFolder } from '../inspect/inspect-folder.js';
import { inspectImage } from '../inspect/inspect-image.js';
import { replaceTextFile } from '../host/replace-file.js';
import { describeDiff } from '../ui/inspection/describe-diff.js';
import { describeFiles } from '../ui/inspection/describe-files.js';
import { describeFolder } from '../ui/inspection/describe-folder.js';
import { describeImage } from '../ui/inspection/describe-image.js';
import { inspectionPage } from '../ui/inspection-page/page.js';
import { BaseCommand } from './base-command.js';

const ONE_OF = ['ls', 'cat', 'extract', 'diff', 'html'];

export default class Inspect extends BaseCommand {
  static override summary = 'Look into an image: partitions, packages, seed, files';
  static override description = `Reads an image file (a disk, a disc, an initramfs or a squashfs; packed or not) or a card's device. Nothing is mounted or
written, and no root is needed beyond the right to read it. Paths are those of the running device: what its fstab
mounts from the FAT partition (/boot) comes from there, everything else from the root file system. Secrets of the
seed are never shown, only whether they are set; --cat and --extract give files as they are.`;

  static override examples = [
    { description: 'What is in it', command: '<%= config.bin %> inspect reswarm-os-rpi4.img' },
    {
      description: 'A page with treemaps',
      command: '<%= config.bin %> inspect reswarm-os-rpi4.img --html report.html',
    },
    { description: 'A folder', command: '<%= config.bin %> inspect reswarm-os-rpi4.img.xz --ls /boot' },
    { description: 'A file', command: '<%= config.bin %> inspect reswarm-os-rpi4.img --cat /etc/fstab' },
    {
      description: 'Files to look at',
      command: '<%= config.bin %> inspect reswarm-os-rpi4.img --extract /etc --to looked-at',
    },
    { description: 'What changed', command: '<%= config.bin %> inspect old.img --diff new.img' },
    { description: 'Which models start from a folder for network boot', command: '<%= config.bin %> inspect netboot' },
    { description: 'A card in its reader', command: '<%= config.bin %> inspect /dev/sdX' },
  ];

  static override args = {
    image: Args.string({ required: true, description: 'image file, block device, or folder for network boot' }),
  };

  static override flags = {
    packages: Flags.boolean({ description: 'list all packages' }),
    ls: Flags.string({ description: 'list a folder of the image', helpValue: 'PATH', exclusive: others('ls') }),
    cat: Flags.string({ description: 'print a file of the image', helpValue: 'PATH', exclusive: others('cat') }),
    extract: Flags.string({
      description: 'copy a file or a folder out of the image, into the folder of --to',
      helpValue: 'PATH',
      exclusive: others('extract'),
      dependsOn: ['to'],
    }),
    to: Flags.string({ description: 'folder to extract into', helpValue: 'DIR', dependsOn: ['extract'] }),
    force: Flags.boolean({ description: 'extracted files may replace what is there', dependsOn: ['extract'] }),
    diff: Flags.string({
      description: 'compare with another image: packages, files, sizes, settings',
      helpValue: 'OTHER',
      exclusive: others('diff'),
    }),
    html: Flags.string({
      description: 'write all of it as one page into this file',
      helpValue: 'FILE',
      exclusive: others('html'),
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Inspect);
    const image = args.image;
    if (await isFolder(image)) return this.folder(image, flags);
    if (flags.ls !== undefined) return this.list(image, flags.ls);
    if (flags.cat !== undefined) return this.print(image, flags.cat);
    if (flags.extract !== undefined) {
      return this.extract({ image, path: flags.extract, to: flags.to ?? '.', replace: flags.force });
    }
    if (flags.diff !== undefined) return this.compare(image, flags.diff);
    return this.report(image, flags);
  }

  private async folder(folder: string, flags: Readonly<Record<string, unknown>>): Promise<FolderReport> {
    const given = [...ONE_OF, 'packages'].filter((name) => flags[name] !== undefined && flags[name] !== false);
    if (given.length > 0) {
      const names = given.map((name) => `--${name}`).join(' and ');
      throw new UserError('not-for-network-folder', `${folder} is a folder: ${names} is for images`, {
        hints: ['Leave it out, or look at the files of the folder themselves.'],
      });
    }
    const report = await inspectFolder(folder, this.config.root);
    for (const line of describeFolder(report)) this.log(line);
    if (report.problems.length > 0 || !report.models.some(({ starts }) => starts)) process.exitCode = 1;
    return report;
  }

  private async report(image: string, flags: { packages: boolean; html?: string }): Promise<ImageReport> {
    const report = await inspectImage(image, this.host);
    // All else is shown; a script still has to notice.
    if (report.partitions.some(({ notRead }) => notRead?.code === 'file-system-corrupt')) process.exitCode = 1;
    if (flags.html === undefined) {
      for (const line of describeImage(report, { packages: flags.packages })) this.log(line);
      return report;
    }
    await replaceTextFile(resolve(flags.html), inspectionPage(report));
    this.log(`Written to ${flags.html}`);
    return report;
  }

  private async list(image: string, path: string): Promise<unknown> {
    const files = await listImageFiles(image, path, this.host);
    for (const line of describeFiles(files)) this.log(line);
    return { image, path, files };
  }

  private async print(image: string, path: string): Promise<unknown> {
    if (!this.jsonEnabled()) {
      await readImageFile(image, path, this.host, (bytes) => written(process.stdout, bytes));
      return undefined;
    }
    const parts: Uint8Array[] = [];
    const entry = await readImageFile(image, path, this.host, (bytes) => {
      parts.push(bytes);
      return Promise.resolve();
    });
    const content = Buffer.concat(parts);
    const text = content.toString('utf8');
    const isText = Buffer.from(text, 'utf8').equals(content);
    return {
      image,
      path: entry.path,
      sizeBytes: content.length,
      ...(isText ? { text } : { base64: content.toString('base64') }),
    };
  }

  private async extract(options: Parameters<typeof extractFromImage>[0]): Promise<unknown> {
    const summary = await extractFromImage(options, this.host);
    const { files, folders, links, bytes, skipped } = summary;
    this.log(`${summary.path}: ${files} files (${bytes} bytes), ${folders} folders, ${links} links`);
    if (skipped.length > 0) this.log(`Left out, no files: ${skipped.join(' ')}`);
    return { image: options.image, ...summary };
  }

  private async compare(first: string, second: string): Promise<ImageDiff> {
    const diff = await diffImages(first, second, this.host);
    for (const line of describeDiff(diff)) this.log(line);
    return diff;
  }
}

/** What cannot be asked for together with `name`. */
function others(name: string): string[] {
  return [...ONE_OF.filter((other) => other !== name), 'packages'];
}

/** Waits for a slow reader. That nothing can be written any more is said by watchOutput. */
async function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((done) => {
    stream.write(bytes, () => {
      done();
    });
  });
}
