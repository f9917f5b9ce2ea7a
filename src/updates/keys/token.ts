import { resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { Mount } from '../../model/sandbox.js';

/** Modules of the tools that talk to tokens: smart cards, YubiKeys, files of SoftHSM. */
export const TOKEN_MODULES = ['opensc', 'ykcs11', 'softhsm2'] as const;
export type TokenModule = (typeof TOKEN_MODULES)[number];

/** A key that never leaves its token. */
export type Token = {
  /** RFC 7512, such as "pkcs11:token=fleet;object=signer". Never with a PIN. */
  readonly uri: string;
  readonly module: TokenModule;
  /** SoftHSM's folder of tokens. */
  readonly folder?: string;
};

/** What a program inside the sandbox needs to find a token. */
export type TokenAccess = { readonly mounts: readonly Mount[]; readonly setup: string };

const MODULE_NAMES: Readonly<Record<TokenModule, string>> = {
  opensc: 'opensc-pkcs11.so',
  ykcs11: 'libykcs11.so',
  softhsm2: 'libsofthsm2.so',
};
/** Where the host's pcscd listens; it holds the reader. */
const PCSCD = '/run/pcscd';
const TOKENS = '/run/tokens';

/** Throws UserError `token-uri-invalid`. */
export function checkTokenUri(uri: string): void {
  if (!/^pkcs11:[^\s']+$/.test(uri)) {
    throw new UserError('token-uri-invalid', `"${uri}" is not the URI of a key on a token`, {
      hints: ["For example 'pkcs11:token=fleet;object=signer' (RFC 7512)."],
    });
  }
  if (/[;?&]?pin-(?:value|source)=/.test(uri)) {
    throw new UserError('token-uri-invalid', 'The URI of the token holds a PIN, and others could read it there', {
      hints: ['Leave it out; it is asked for, or read from --pin-file FILE.'],
    });
  }
}

/**
 * Lines of shell that make the token usable by openssl (engine pkcs11) and rauc; the PIN is in the variable that
 * `pinVariable` names.
 */
export function tokenAccess({ module, folder }: Token, pinVariable: string, hasPcscd: boolean): TokenAccess {
  if (module === 'softhsm2' && folder === undefined) {
    throw new UserError('token-folder-missing', 'SoftHSM keeps its tokens in a folder, and none is named', {
      hints: ['Name it with --token-folder DIR.'],
    });
  }
  const tokens = folder === undefined ? [] : [{ source: resolve(folder), target: TOKENS, writable: true }];
  const reader = hasPcscd && module !== 'softhsm2' ? [{ source: PCSCD, target: PCSCD }] : [];
  return {
    mounts: [...tokens, ...reader],
    setup: `module=$(find /usr/lib -name ${MODULE_NAMES[module]} | head -n 1)
export PKCS11_MODULE_PATH="$module" RAUC_PKCS11_MODULE="$module"
export PKCS11_PIN="$${pinVariable}" RAUC_PKCS11_PIN="$${pinVariable}"
echo 'directories.tokendir = ${TOKENS}' >/run/softhsm2.conf
export SOFTHSM2_CONF=/run/softhsm2.conf`,
  };
}

/** For openssl: the engine takes the PIN from a file in memory that ends with the sandbox. */
export const ENGINE_ARGUMENTS = '-engine pkcs11 -keyform engine';

export const pcscdFolder = PCSCD;
