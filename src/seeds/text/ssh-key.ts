/** What sshd of the image accepts in authorized_keys; OpenSSH 10 no longer knows ssh-dss. */
const TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;

export const SSH_KEY_TYPES: readonly string[] = TYPES.flatMap((type) => [
  type,
  `${type.replace('@openssh.com', '')}-cert-v01@openssh.com`,
]);

export type SshKeyFault = {
  readonly code: 'ssh-key-private' | 'ssh-key-type' | 'ssh-key-malformed';
  readonly message: string;
};

/** What is wrong with a line of authorized_keys (options, type, base64, comment); undefined when nothing is. */
export function sshKeyFault(line: string): SshKeyFault | undefined {
  if (line.includes('PRIVATE KEY')) {
    return { code: 'ssh-key-private', message: 'this is a private key; it must never leave its machine' };
  }
  const words = splitWords(line.trim());
  const typeIndex = words.findIndex((word) => SSH_KEY_TYPES.includes(word));
  const type = words[typeIndex];
  // Options may stand before the type, as one word; anything else there is not a key type that is known.
  if (type === undefined || typeIndex > 1) {
    const first = words[0] ?? '';
    return looksLikeType(first)
      ? { code: 'ssh-key-type', message: `"${first}" is not a type of ssh key that sshd accepts` }
      : { code: 'ssh-key-malformed', message: 'this is not an ssh public key' };
  }
  const data = words[typeIndex + 1];
  if (data === undefined) return { code: 'ssh-key-malformed', message: `after "${type}" the key itself is missing` };
  const blob = Buffer.from(data, 'base64');
  const whole =
    /^[A-Za-z0-9+/]+={0,2}$/.test(data) && blob.toString('base64').replace(/=+$/, '') === data.replace(/=+$/, '');
  if (!whole || !isCompleteKey(blob, type)) {
    return { code: 'ssh-key-malformed', message: `the ${type} key is cut off or mistyped` };
  }
  return undefined;
}

/** Split at spaces outside of double quotes: options such as command="a b" hold spaces. */
function splitWords(line: string): string[] {
  return line.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
}

function looksLikeType(word: string): boolean {
  return /^(ssh|ecdsa|sk|rsa|dsa|ed25519)[-@a-z0-9.]*$/i.test(word);
}

/** RFC 4253 6.6: strings, each after its length in four bytes, the first of which is the type. Units: bytes. */
function isCompleteKey(blob: Buffer, type: string): boolean {
  let offset = 0;
  let fields = 0;
  while (offset + 4 <= blob.length) {
    const length = blob.readUInt32BE(offset);
    const field = blob.subarray(offset + 4, offset + 4 + length);
    if (fields === 0 && field.toString('latin1') !== type) return false;
    // Certificates hold numbers besides strings; that the type is right must do.
    if (type.includes('-cert-')) return true;
    offset += 4 + length;
    fields += 1;
  }
  return offset === blob.length && fields >= 2;
}
