/** RFC 4253: each field after its length in four bytes. */
function field(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.alloc(32, 7))]);

/** A whole public key, and one that lost its end on the way, as by copying from a narrow window. */
export const ed25519Key = `ssh-ed25519 ${blob.toString('base64')}`;
export const cutKey = ed25519Key.slice(0, -8);
