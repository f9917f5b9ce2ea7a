import { describe, expect, it } from 'vitest';
import { expectationsOf, sshFingerprint } from '../../../src/seeds/seed-expectations.js';

/** Made with ssh-keygen -t ed25519; `ssh-keygen -l` printed the fingerprint. */
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDxdBNAoOccA2iOJg/ND0BTWddvSoX+GocdPqDXVW59V';
const FINGERPRINT = 'SHA256:wkkMoMrGJqhydsNIe+MzKCl8ruZGRcF+CmfEbu5zDVI';

describe('expectationsOf', () => {
  it.each([
    ['#cloud-config\nhostname: garden\n', '', 'garden'],
    ['#cloud-config\nhostname: garden.example.org\n', '', 'garden'],
    ['#cloud-config\nfqdn: shed.example.org\n', '', 'shed'],
    ['#cloud-config\nfqdn: shed.example.org\nhostname: garden\n', 'local-hostname: meta\n', 'garden'],
    ['#cloud-config\n', 'instance-id: i-1\nlocal-hostname: meta.example.org\n', 'meta'],
    ['#cloud-config\n{}\n', '', undefined],
    ['', '', undefined],
    ['#cloud-config\nhostname: garden\npreserve_hostname: true\n', '', undefined],
    ['## template: jinja\n#cloud-config\nhostname: "pi-{{ v1.instance_id }}"\n', '', undefined],
    ['Content-Type: multipart/mixed; boundary="x"\n\n--x\n', '', undefined],
    ['#cloud-config\nhostname: [broken\n', '', undefined],
  ])('of %j and %j is the host name %s', (userData, metaData, hostname) => {
    expect(expectationsOf(userData, metaData).hostname).toBe(hostname);
  });

  it('names users and the fingerprints of their keys', () => {
    const userData = `#cloud-config
users:
  - default
  - name: ada
    ssh_authorized_keys:
      - ${KEY} ada@example.org
      - no-pty,from="10.0.0.0/8" ${KEY}
  - bob
  - gecos: nobody
`;
    expect(expectationsOf(userData, '').users).toEqual([
      { name: 'ada', keys: [FINGERPRINT, FINGERPRINT] },
      { name: 'bob', keys: [] },
    ]);
  });

  it('keeps the keys that go to the default user apart', () => {
    const found = expectationsOf(`#cloud-config\nssh_authorized_keys:\n  - ${KEY}\n`, '');
    expect(found).toEqual({ users: [], defaultUserKeys: [FINGERPRINT] });
  });
});

describe('sshFingerprint', () => {
  it.each([
    [`${KEY} comment`, FINGERPRINT],
    [KEY, FINGERPRINT],
    ['not a key', undefined],
    ['', undefined],
  ])('of %j is %s', (line, expected) => {
    expect(sshFingerprint(line)).toBe(expected);
  });
});
