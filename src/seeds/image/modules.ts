/** A module of cloud-init that does nothing on this image, and what does the same. */
export type AbsentModule = { readonly name: string; readonly reason: string; readonly hint: string };

const OTHER_SYSTEM = 'it runs on other distributions only';
/** Neither cloud_init_modules, nor cloud_config_modules, nor cloud_final_modules of Debian's cloud.cfg name them. */
const NOT_LISTED = 'the cloud.cfg of the image does not list it';

const UBUNTU: Omit<AbsentModule, 'name'> = {
  reason: 'it runs on Ubuntu only',
  hint: 'Leave it out: this image is Debian.',
};

/**
 * Top-level keys whose module does not run on the image: by the module lists of /etc/cloud/cloud.cfg in Debian's
 * cloud-init 25.1.4, and by the `distros` that each module says it is for (meta of cloudinit/config/cc_*.py).
 */
export const ABSENT_MODULES: Readonly<Record<string, AbsentModule>> = {
  ansible: {
    name: 'ansible',
    reason: NOT_LISTED,
    hint: 'Add "ansible" to cloud_final_modules in /etc/cloud/cloud.cfg.d with --overlay, and --packages ansible-core, when the image is built; or call ansible-pull in runcmd.',
  },
  apk_repos: { name: 'apk_configure', reason: OTHER_SYSTEM, hint: 'Debian has apt: write it as "apt: {sources: …}".' },
  autoinstall: {
    name: 'ubuntu_autoinstall',
    ...UBUNTU,
    hint: 'It is for the installer of Ubuntu. Move what is below it to the left margin.',
  },
  drivers: { name: 'ubuntu_drivers', ...UBUNTU, hint: 'Name the packages of the drivers in "packages".' },
  fan: { name: 'fan', ...UBUNTU },
  landscape: { name: 'landscape', ...UBUNTU },
  lxd: { name: 'lxd', ...UBUNTU, hint: 'Add "incus" to "packages", and set it up in "runcmd".' },
  manage_resolv_conf: {
    name: 'resolv_conf',
    reason: OTHER_SYSTEM,
    hint: 'Name servers belong into network-config: "nameservers: {addresses: […]}".',
  },
  rh_subscription: { name: 'rh_subscription', reason: OTHER_SYSTEM, hint: 'Leave it out: this image is Debian.' },
  snap: { name: 'snap', ...UBUNTU, hint: 'Add "snapd" to "packages", and call snap in "runcmd".' },
  spacewalk: { name: 'spacewalk', reason: OTHER_SYSTEM, hint: 'Leave it out: this image is Debian.' },
  ubuntu_advantage: { name: 'ubuntu_pro', ...UBUNTU },
  ubuntu_pro: { name: 'ubuntu_pro', ...UBUNTU },
  wireguard: {
    name: 'wireguard',
    ...UBUNTU,
    hint: 'Write the tunnel into network-config: "tunnels: {wg0: {mode: wireguard, …}}".',
  },
  yum_repo_dir: {
    name: 'yum_add_repo',
    reason: OTHER_SYSTEM,
    hint: 'Debian has apt: write it as "apt: {sources: …}".',
  },
  yum_repos: { name: 'yum_add_repo', reason: OTHER_SYSTEM, hint: 'Debian has apt: write it as "apt: {sources: …}".' },
  zypper: { name: 'zypper_add_repo', reason: OTHER_SYSTEM, hint: 'Debian has apt: write it as "apt: {sources: …}".' },
};
