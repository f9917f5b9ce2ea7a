/*
 * seed-reader SEED OUT: reads the seed of a tiny system and writes it down so that a shell applies it without parsing.
 *
 * SEED is the folder that holds `user-data`, `meta-data` and `network-config` (each may be missing). OUT is made, with
 * mode 0700; it must not exist. docs/tiny-seed.md says which keys are in the subset, src/seeds/tiny checks the same
 * rules before a device sees the seed.
 *
 * Every file below is there only where the seed says something about it. Text files end in a newline. No value holds
 * a control character, so that `read -r` takes each line as it is.
 *
 *   OUT/instance-id        one line
 *   OUT/hostname           one line, one label: "gate-7"
 *   OUT/fqdn               one line, only where the seed gives a domain: "gate-7.example.org"
 *   OUT/authorized_keys    a key a line, for root; mode 0600
 *   OUT/timezone           one line, the value of TZ for musl: "UTC0", "<+03>-3"
 *   OUT/ntp                a server a line; an EMPTY file says that time is not to be fetched; no file: the default
 *   OUT/bootcmd            a script for /bin/sh, mode 0700: run at each boot, before OUT/files are copied
 *   OUT/runcmd             the same: run at each boot, last
 *   OUT/files/N            the content of a file; N is 0, 1, 2 … in the order in which they are written
 *   OUT/files.list         a line for each: N MODE HOW PATH. MODE is four octal digits, HOW is "write" or "append",
 *                          PATH is the rest of the line: absolute, may hold blanks, has no "..". The folders above it
 *                          are made with 0755, owner root:root.
 *                            while read -r n mode how path; do …; done <files.list
 *   OUT/network/           a folder where the seed has a network configuration; without it every Ethernet interface
 *                          asks for an address by DHCP (cloud-init's fallback). Empty: only lo is brought up.
 *   OUT/network/N          one for each entry of `ethernets`, N is 00, 01, 02 …: first its `match` lines, then what to
 *                          do to each interface that all of them match. A word, a blank, values:
 *                            match name GLOB        shell pattern for the name: "eth0", "e*"
 *                            match mac MAC          aa:bb:cc:dd:ee:ff, lower case
 *                            mtu BYTES
 *                            address ADDRESS/BITS   IPv4 or IPv6; any number of them
 *                            dhcp                   IPv4, for the life of the system
 *                            route NET/BITS VIA     IPv4 or IPv6; after the addresses
 *                            gateway VIA            the default route, IPv4 or IPv6; after the addresses
 *                            dns ADDRESS            a name server; any number
 *                            search DOMAIN          a search domain; any number
 *
 * standard output: nothing. standard error: one line for each thing of the seed that this system cannot do or that is
 * wrong: "reswarm: error CODE FILE:LINE:COLUMN: TEXT", CODE one of
 *   seed-text    the file is not UTF-8 text, or too large
 *   seed-yaml    the file is not YAML as cloud-init reads it
 *   seed-key     a key outside of the subset
 *   seed-value   a value outside of the subset
 * Such a thing is left out and all else is written, because a device that cannot be reached is worse than one that
 * lacks a file: `runcmd` and `bootcmd` are left out as a whole when one command is wrong, an entry of `write_files` as
 * a whole, of `ethernets` only the key. `build`, `inject` and `seed check` refuse the seed before it comes to this.
 *
 * Exit code 0: the whole seed is in OUT. 1: OUT holds what was right, see standard error. 2: OUT could not be written
 * ("reswarm: error seed-output TEXT"), OUT may be incomplete. 3: there is no seed in SEED, OUT is not made.
 */
