import * as z from 'zod';

const text = z.string().min(1, { error: 'must not be empty' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256: 64 hex digits in small letters' });
const url = z.string().regex(/^https?:\/\/\S+$/, { error: 'must begin with https:// or http://' });
/** YAML reads 0755 as the number 755, so its digits are taken as what they look like. */
const mode = z.union([z.string(), z.int()]).refine((value) => /^0?[0-7]{3,4}$/.test(String(value)), {
  error: 'must be permission bits in octal digits, for example 0755',
});
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'must be small letters, digits, . _ -' });
const owner = z.string().regex(/^[a-z0-9_][a-z0-9_-]*(:[a-z0-9_][a-z0-9_-]*)?$/, {
  error: 'must be a user, or user:group',
});

const file = z.strictObject({
  url: url.optional().describe('Where it is fetched from; needs sha256.'),
  file: text.optional().describe('Instead of url: a file on this machine, its path from this file.'),
  sha256: sha256.optional().describe('What its bytes must hash to. Of a file on this machine it may be left out.'),
  to: text.describe('Absolute path on the device; with unpack the folder, which is made where it is missing.'),
  mode: mode.default('0644').describe('Permission bits: "0755" for a program.'),
  owner: owner.default('root').describe('user or user:group, as the device knows them.'),
  unpack: z.boolean().default(false).describe('It is a tar archive (plain, gzip, xz, zstd), to be unpacked into `to`.'),
  strip: z.int().min(0).max(9).default(0).describe('With unpack: how many leading folders are dropped.'),
});

const unit = z.strictObject({
  name: text.describe('agent.service, agent.timer, …'),
  text: text.optional().describe('The unit itself.'),
  file: text.optional().describe('Instead of text: a file on this machine.'),
  enable: z.boolean().default(true).describe('Started at boot, by what its [Install] says.'),
});

/** One piece of software in a board or in a file of `build --software`. */
export const softwareSchema = z.strictObject({
  name: name.describe('What messages call it.'),
  files: z.array(file).default([]).describe('Pinned files that go into the root file system.'),
  units: z.array(unit).default([]).describe('systemd units, in /usr/lib/systemd/system.'),
});

export type SoftwareDefinition = z.output<typeof softwareSchema>;

/** A file of `build --software`: the key of a board, alone. */
export const softwareFileSchema = z.strictObject({
  software: z.array(softwareSchema).min(1).describe('As in a board.'),
});
