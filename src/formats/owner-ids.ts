/** Numbers of `user` or `user:group` by a system's /etc/passwd and /etc/group; undefined for whom it does not have. */
export function ownerIds(
  owner: string,
  { passwd, group }: { readonly passwd: string; readonly group: string },
): { readonly user: number; readonly group: number } | undefined {
  const [userName = '', groupName] = owner.split(':');
  const account = row(passwd, userName);
  const user = numberOf(userName) ?? field(account, 2);
  // Without a group, the user's own; of a number that no account has, the same number.
  const groupId =
    groupName === undefined
      ? (field(account, 3) ?? numberOf(userName))
      : (numberOf(groupName) ?? field(row(group, groupName), 2));
  return user === undefined || groupId === undefined ? undefined : { user, group: groupId };
}

function row(database: string, name: string): readonly string[] | undefined {
  const rows = database.split('\n').map((line) => line.split(':'));
  return rows.find(([entry, , id]) => entry === name || (/^\d+$/.test(name) && id === name));
}

function field(entry: readonly string[] | undefined, index: number): number | undefined {
  return numberOf(entry?.[index] ?? '');
}

function numberOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
