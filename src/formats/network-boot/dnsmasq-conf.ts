import { IPXE_SCRIPT } from './ipxe-script.js';

export const DNSMASQ_CONF = 'dnsmasq.conf';

export type DnsmasqStart = {
  /** Raspberry Pis find their server by the words of option 43. */
  readonly forRaspberryPi: boolean;
  /** PCs: GRUB's programs for a BIOS and for UEFI. */
  readonly loaders?: { readonly bios: string; readonly uefi: string } | undefined;
  /** Where the folder is offered by HTTP. */
  readonly base?: string | undefined;
};

/**
 * An example for dnsmasq beside a DHCP server that is there already (proxy DHCP, dnsmasq(8)): it gives no addresses and
 * answers to network boot alone. Two values are the network's own: its address, and where the folder is.
 */
export function dnsmasqConf({ forRaspberryPi, loaders, base }: DnsmasqStart): string {
  const script = base === undefined ? IPXE_SCRIPT : `${base}/${IPXE_SCRIPT}`;
  const lines = [
    '# An example: dnsmasq as proxy DHCP and TFTP server, beside the DHCP server that gives the addresses.',
    '# Change the network and the folder, then: dnsmasq --no-daemon --log-dhcp --conf-file=dnsmasq.conf',
    '',
    '# No DNS.',
    'port=0',
    '# Any address of the network.',
    'dhcp-range=192.168.1.0,proxy',
    'enable-tftp',
    '# This folder.',
    'tftp-root=/srv/netboot',
    ...(forRaspberryPi
      ? ['', '# Raspberry Pi: the boot ROM and the boot loader look for these words in option 43.']
      : []),
    ...(forRaspberryPi ? ['pxe-service=0,"Raspberry Pi Boot"'] : []),
    ...(loaders === undefined
      ? []
      : [
          '',
          '# PCs. Who asks is iPXE already: its script.',
          'dhcp-match=set:ipxe,175',
          `dhcp-boot=tag:ipxe,${script}`,
          `pxe-service=tag:ipxe,x86PC,"iPXE",${script}`,
          `pxe-service=tag:ipxe,X86-64_EFI,"iPXE",${script}`,
          `pxe-service=tag:ipxe,BC_EFI,"iPXE",${script}`,
          "# The PC's own firmware: GRUB.",
          `pxe-service=tag:!ipxe,x86PC,"GRUB",${loaders.bios}`,
          `pxe-service=tag:!ipxe,X86-64_EFI,"GRUB",${loaders.uefi}`,
          `pxe-service=tag:!ipxe,BC_EFI,"GRUB",${loaders.uefi}`,
        ]),
  ];
  return `${lines.join('\n')}\n`;
}
