import { describe, expect, it } from 'vitest';
import { summariseSeed } from '../../../src/seeds/seed-summary.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada@desk';

function summary(userData: string, metaData = '', networkConfig = '') {
  return summariseSeed({ userData, metaData, networkConfig });
}

describe('summariseSeed', () => {
  it.each([
    ['passwd: $6$x$hash', 'set'],
    ['hashed_passwd: $6$x$hash', 'set'],
    ['plain_text_passwd: hunter2', 'set'],
    ['passwd: "!"', 'none'],
    ['passwd: "*"', 'none'],
    ['lock_passwd: true', 'none'],
  ])('says of a user with %s that the password is %s, and no more', (line, password) => {
    const said = summary(`#cloud-config\nusers:\n  - name: ada\n    ${line}\n`);
    expect(said.users).toMatchObject([{ name: 'ada', password }]);
    expect(JSON.stringify(said)).not.toMatch(/hash|hunter2/);
  });

  it('finds passwords that chpasswd sets', () => {
    const users =
      '#cloud-config\nusers: [{name: ada}, {name: bob}]\nchpasswd:\n  users:\n    - {name: ada, password: hunter2}\n';
    expect(summary(users).users.map(({ password }) => password)).toEqual(['set', 'none']);
    const list = '#cloud-config\nusers: [{name: ada}, {name: bob}]\nchpasswd:\n  list: |\n    bob:hunter2\n';
    expect(summary(list).users.map(({ password }) => password)).toEqual(['none', 'set']);
  });

  it('gives shared keys to the default user, whom a seed without users has', () => {
    const said = summary(`#cloud-config\nssh_authorized_keys: ["${KEY}"]\n`);
    expect(said.users).toMatchObject([{ name: 'default', sshKeys: [{ type: 'ssh-ed25519', comment: 'ada@desk' }] }]);
  });

  it('lists networks with the names of access points only', () => {
    const network =
      'version: 2\nethernets: {eth0: {addresses: [10.0.0.2/24]}}\nwifis: {wlan0: {dhcp4: true, access-points: {shed: {password: hunter2}, open: {}}}}\n';
    const said = summary('#cloud-config\n', '', network);
    expect(said.network.interfaces).toEqual([
      { kind: 'ethernet', name: 'eth0', addresses: ['10.0.0.2/24'], accessPoints: [] },
      {
        kind: 'wifi',
        name: 'wlan0',
        addresses: ['dhcp'],
        accessPoints: [
          { ssid: 'shed', password: 'set' },
          { ssid: 'open', password: 'none' },
        ],
      },
    ]);
    expect(JSON.stringify(said)).not.toContain('hunter2');
  });

  it('counts commands and names files, without what is in them', () => {
    const said = summary(
      '#cloud-config\nruncmd: [[echo, hunter2], ls]\nwrite_files: [{path: /etc/x, content: hunter2}]\n',
    );
    expect(said).toMatchObject({ commands: 2, writesFiles: ['/etc/x'] });
    expect(JSON.stringify(said)).not.toContain('hunter2');
  });

  it.each([
    ['#!/bin/sh\necho hunter2\n', 'script'],
    ['## template: jinja\n#cloud-config\nhostname: {{ x }}\n', 'jinja template'],
    ['Content-Type: multipart/mixed\n', 'mime'],
    ['hostname: x\n', 'unknown'],
    ['', 'empty'],
  ])('names the kind of %j', (userData, kind) => {
    const said = summary(userData, 'instance-id: i-1\nlocal-hostname: gate\n');
    expect(said).toMatchObject({ kind, instanceId: 'i-1', hostname: 'gate' });
    expect(JSON.stringify(said)).not.toContain('hunter2');
  });

  it('says where YAML is broken, without quoting it', () => {
    const said = summary('#cloud-config\npassword: "hunter2\n');
    expect(said.problems).toHaveLength(1);
    expect(said.problems[0]).toMatch(/^user-data:\d+: it is not valid YAML \(yaml-syntax\)$/);
  });
});

it('calls the only user of a tiny system by its name', () => {
  const userData = `#cloud-config\nssh_authorized_keys: ["${KEY}"]\n`;
  const { users } = summariseSeed({ userData, metaData: '', networkConfig: '' }, 'root');
  expect(users).toMatchObject([{ name: 'root', password: 'none', sshKeys: [{ comment: 'ada@desk' }] }]);
});
