import { expect, it } from 'vitest';
import { ownerIds } from '../../../src/formats/owner-ids.js';

const ACCOUNTS = {
  passwd: 'root:x:0:0::/root:/bin/bash\nagent:x:987:65534::/:/usr/sbin/nologin\n',
  group: 'root:x:0:\nvideo:x:44:agent\n',
};

it.each([
  ['root', { user: 0, group: 0 }],
  ['agent', { user: 987, group: 65_534 }],
  ['agent:video', { user: 987, group: 44 }],
  ['1000', { user: 1000, group: 1000 }],
  ['987', { user: 987, group: 65_534 }],
  ['1000:video', { user: 1000, group: 44 }],
  ['0:1001', { user: 0, group: 1001 }],
  ['nobody', undefined],
  ['agent:nogroup', undefined],
])('%s is known by the accounts of the image', (owner, ids) => {
  expect(ownerIds(owner, ACCOUNTS)).toEqual(ids);
});
