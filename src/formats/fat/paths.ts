import { UserError } from '../../errors.js';

const LONGEST_NAME = 255;

/** Folder ('' for the root) and name. Throws UserError `boot-path-invalid` for what FAT cannot hold. */
export function splitPath(path: string): readonly [string, string] {
  const names = path.split('/');
  const bad = names.find(
    (name) => name === '' || name.length > LONGEST_NAME || /[\p{Cc}"*:<>?\\|]|^\.{1,2}$|[ .]$/u.test(name),
  );
  if (bad !== undefined) throw badPath(path, `"${bad}" cannot be a name on a FAT partition`);
  return [names.slice(0, -1).join('/'), names.at(-1) ?? ''];
}

export function badPath(path: string, reason: string): UserError {
  return new UserError('boot-path-invalid', `${path} cannot be written to the boot partition: ${reason}`, {
    hints: ['Write the path from the root of the partition, like overlays/my.dtbo.'],
  });
}
