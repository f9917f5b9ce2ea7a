import { describe, expect, it } from 'vitest';
import type { UserError } from '../../../../src/errors.js';
import { grubCommandLine } from '../../../../src/formats/grub-cfg.js';
import { dnsmasqConf } from '../../../../src/formats/network-boot/dnsmasq-conf.js';
import { grubNetworkCfg, grubPlace, withGrubDevices } from '../../../../src/formats/network-boot/grub-network-cfg.js';
import { ipxeScript } from '../../../../src/formats/network-boot/ipxe-script.js';
import { pxelinuxCfg, pxelinuxDeviceCfg } from '../../../../src/formats/network-boot/pxelinux-cfg.js';

const start = {
  kernel: 'vmlinuz',
  archives: ['initramfs.zst'],
  seed: 'seed.cpio',
  commandLine: 'console=ttyS0,115200 panic=10',
};
const writers = { ipxeScript, grubNetworkCfg, pxelinuxCfg };

describe('the script of iPXE', () => {
  it('fetches from beside itself, the seed of the device first', () => {
    const lines = ipxeScript(start).split('\n');
    expect(lines[0]).toBe('#!ipxe');
    expect(lines).toContain('isset ${base} || set base .');
    expect(lines).toContain('initrd ${device}/seed.cpio || initrd ${base}/seed.cpio || goto failed');
    expect(lines.indexOf('initrd ${base}/initramfs.zst || goto failed')).toBeLessThan(
      lines.indexOf('boot || goto failed'),
    );
  });

  it('fetches from a server that was named', () => {
    expect(ipxeScript({ ...start, base: 'http://192.168.1.5:8080/n' })).toContain(
      'isset ${base} || set base http://192.168.1.5:8080/n\n',
    );
  });

  it('asks for no seed where the system reads none', () => {
    const script = ipxeScript({ ...start, seed: undefined });
    expect(script).not.toContain('seed');
    expect(script).not.toContain('device');
  });
});

describe('grub.cfg for the network', () => {
  it('gives the kernel the words of the command line', () => {
    expect(grubCommandLine(grubNetworkCfg(start))).toBe('console=ttyS0,115200 panic=10 $extra');
  });

  it('reads from where GRUB came from, or from a server', () => {
    expect(grubNetworkCfg(start)).toContain('set base="$prefix"');
    expect(grubNetworkCfg({ ...start, base: 'http://h:81/n/' })).toContain('set base="(http,h:81)/n"');
    expect(grubPlace('https://h/n')).toBeUndefined();
    expect(grubPlace('h')).toBeUndefined();
  });
});

describe('grub.cfg with devices', () => {
  const line = 'if [ "$net_default_mac" = "52:54:00:aa:bb:01" ]; then set seed="$base/52-54-00-aa-bb-01/seed.cpio"; fi';

  it('takes the seed of the device before it loads anything', () => {
    const lines = withGrubDevices(grubNetworkCfg(start), ['52-54-00-aa-bb-01']).split('\n');
    expect(lines.indexOf(line)).toBe(lines.indexOf('set seed="$base/seed.cpio"') + 1);
    expect(lines).toContain('initrd "$seed" "$base/initramfs.zst"');
  });

  it('forgets those of before, and keeps what people wrote', () => {
    const first = withGrubDevices(`${grubNetworkCfg(start)}# mine\n`, ['52-54-00-aa-bb-01']);
    expect(withGrubDevices(first, [])).toBe(`${grubNetworkCfg(start)}# mine\n`);
  });

  it('is as it was for a system that reads no seed', () => {
    const without = grubNetworkCfg({ ...start, seed: undefined });
    expect(withGrubDevices(without, ['52-54-00-aa-bb-01'])).toBe(without);
  });
});

describe('the file of PXELINUX', () => {
  it('names the archives in the order in which the kernel unpacks them', () => {
    expect(pxelinuxCfg(start)).toContain('  INITRD seed.cpio,initramfs.zst\n');
    expect(pxelinuxDeviceCfg('52-54-00-12-34-56')).toBe('pxelinux.cfg/01-52-54-00-12-34-56');
  });
});

describe('a word that no boot loader hands on unchanged', () => {
  const words = ['a="b c"', "a='b'", 'a=\\b', 'a=${b}', '#a', 'a=`b`'];
  it.each(Object.keys(writers).flatMap((name) => words.map((word) => [name, word])))('%s refuses %s', (name, word) => {
    const write = writers[name as keyof typeof writers];
    const refused = (): string => write({ ...start, commandLine: `quiet ${word}` });
    expect(refused).toThrow(expect.objectContaining<Partial<UserError>>({ code: 'command-line-not-for-network' }));
  });

  it('is not the seed of cloud-init', () => {
    const commandLine = 'ds=nocloud;s=http://192.168.1.5/seeds/ console=tty1';
    expect(ipxeScript({ ...start, commandLine })).toContain(commandLine);
    expect(grubCommandLine(grubNetworkCfg({ ...start, commandLine }))).toContain(commandLine);
  });
});

describe('the example for dnsmasq', () => {
  it('has the words of option 43 for Raspberry Pis and the programs of PCs for PCs', () => {
    const pi = dnsmasqConf({ forRaspberryPi: true });
    expect(pi).toContain('pxe-service=0,"Raspberry Pi Boot"');
    expect(pi).not.toContain('GRUB');
    const pc = dnsmasqConf({
      forRaspberryPi: false,
      loaders: { bios: 'grub.0', uefi: 'grub.efi' },
      base: 'http://h/n',
    });
    expect(pc).toContain('dhcp-boot=tag:ipxe,http://h/n/boot.ipxe');
    expect(pc).not.toContain('Raspberry');
  });
});
