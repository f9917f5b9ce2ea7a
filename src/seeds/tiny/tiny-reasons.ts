/** Why a tiny system does not know what cloud-init knows. Keys of user-data and of one user, of one file, of meta-data. */
const OF_USER_DATA: readonly (readonly [reason: string, keys: string])[] = [
  ['it has no packages and no package manager', 'packages apt package_reboot_if_required snap apk yum_repos zypper'],
  [
    'it has the user root only',
    'user groups ssh_import_id gecos sudo doas shell homedir primary_group uid system inactive',
  ],
  [
    'it has no passwords: root logs in with an ssh key or at the console',
    'password chpasswd passwd hashed_passwd plain_text_passwd lock_passwd',
  ],
  ['its host keys are made at each boot', 'ssh_keys ssh_deletekeys ssh_genkeytypes ssh ssh_publish_hostkeys'],
  [
    'all of its files are in memory',
    'disk_setup fs_setup mounts swap growpart resize_rootfs mount_default_fields device_aliases',
  ],
  ['it has no keyboard layouts and no locales', 'locale locale_configfile keyboard'],
  ['it turns off by a command only: write it into runcmd', 'power_state'],
  [
    'it has no such program',
    'ansible chef puppet salt_minion mcollective landscape lxd ubuntu_advantage ubuntu_pro wireguard rpi',
  ],
  ['its certificates come with the image', 'ca_certs ca-certs'],
  ['its log is on the console', 'output reporting final_message rsyslog phone_home'],
  [
    'it has no cloud-init',
    'cloud_init_modules cloud_config_modules cloud_final_modules datasource datasource_list merge_how merge_type vendor_data',
  ],
  ['a network is in network-config', 'network resolv_conf manage_resolv_conf'],
  ['it holds no file that could be read there', 'source'],
  ['it writes all files at once, before runcmd', 'defer'],
  ['it takes names as they are', 'prefer_fqdn_over_hostname create_hostname_file'],
  ['it takes keys from ssh_authorized_keys of user-data', 'public-keys ssh-authorized-keys'],
  ['it reads the seed beside this file', 'seedfrom dsmode'],
  ['a network is in network-config', 'network-interfaces'],
];

const OF_NETWORK: readonly (readonly [reason: string, keys: string])[] = [
  ['it has no Wi-Fi', 'wifis access-points regulatory-domain'],
  [
    'it has wired interfaces only',
    'modems bonds bridges vlans tunnels vrfs dummy-devices nm-devices openvswitch wireguard',
  ],
  ['it has no other program that could set up a network', 'renderer networkmanager'],
  ['names of interfaces stay as the kernel gives them', 'set-name driver'],
  [
    'it asks for IPv4 addresses only; the kernel makes IPv6 ones from what routers say',
    'accept-ra ra-overrides ipv6-privacy',
  ],
  ['it asks for an address and takes what it gets', 'dhcp4-overrides dhcp6-overrides dhcp-identifier'],
  ['it has one table of routes', 'routing-policy table scope metric on-link type from'],
  ['it has no network configuration of version 1', 'config'],
];

function byKey(reasons: typeof OF_USER_DATA): ReadonlyMap<string, string> {
  return new Map(reasons.flatMap(([reason, keys]) => keys.split(' ').map((key) => [key, reason] as const)));
}

const USER_DATA = byKey(OF_USER_DATA);
const NETWORK = byKey(OF_NETWORK);

export function userDataReason(key: string): string | undefined {
  return USER_DATA.get(key);
}

export function networkReason(key: string): string | undefined {
  return NETWORK.get(key);
}
