import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Identity, Recipient } from 'age-encryption';
import { HoldfastError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { loadAge } from '../../pipeline/encrypt.ts';

/** A source's identity and the public half of it. */
export interface SourceIdentity {
  identity: string;
  recipient: string;
}

export interface KeyOpeners {
  passphrase: Secret | null;
  /** `AGE-SECRET-KEY-1...`, of people. */
  identities: readonly Secret[];
}

const deriveKey = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

/** Half a second of work, and 128 MiB, for every guess: what OWASP asks of scrypt at least. age itself takes 18. */
const workFactor = 17;
const highestWorkFactor = 20;
/** Asked for at each backup, so it costs less; it lies in the state folder of a machine that has the passphrase anyway. */
const proofWorkFactor = 15;
const stanzaName = 'scrypt';
const saltLabel = Buffer.from('age-encryption.org/v1/scrypt');

/** The identity as `age-keygen` would write it, encrypted so that the passphrase alone opens it. */
export function wrapForPassphrase(key: SourceIdentity, passphrase: Secret, factor = workFactor): Promise<Buffer> {
  return wrap(key, [passphraseRecipient(passphrase, factor)]);
}

export function wrapForRecipients(key: SourceIdentity, recipients: readonly string[]): Promise<Buffer> {
  return wrap(key, recipients);
}

/** What a key file holds. Rejects with `PASSPHRASE_WRONG`, `KEY_WRONG` (it is for others) or `KEY_DAMAGED`. */
export async function unwrap(content: Buffer, openers: KeyOpeners, what: string): Promise<SourceIdentity> {
  const seen = { passphrase: false };
  const { Decrypter } = await loadAge();
  const decrypter = new Decrypter();
  if (openers.passphrase) decrypter.addIdentity(passphraseIdentity(openers.passphrase));
  for (const identity of openers.identities) decrypter.addIdentity(identity.reveal());
  decrypter.addIdentity({
    unwrapFileKey: (stanzas) => {
      seen.passphrase = stanzas.some(({ args }) => args[0] === stanzaName);
      return null;
    },
  });
  let text: string;
  try {
    text = await decrypter.decrypt(content, 'text');
  } catch (error) {
    if (!(error instanceof Error) || !/no identity matched/.test(error.message)) throw keyDamaged(what, error);
    if (seen.passphrase && openers.passphrase) throw passphraseWrong(what, error);
    throw new HoldfastError('KEY_WRONG', `${what} is for somebody else: nothing that was given opens it`, {
      cause: error,
      hint: seen.passphrase
        ? 'It opens with a passphrase: set encryption.passphrase or HOLDFAST_PASSPHRASE.'
        : 'Give the identity of one of the recipients it was made for with `--identity <file>`.',
    });
  }
  const identity = /^AGE-SECRET-KEY-1[0-9A-Z]+$/m.exec(text)?.[0];
  if (identity === undefined) throw keyDamaged(what, new Error('there is no identity in it'));
  return readIdentity(identity).catch((error: unknown) => Promise.reject(keyDamaged(what, error)));
}

export async function createIdentity(): Promise<SourceIdentity> {
  const { generateX25519Identity } = await loadAge();
  return readIdentity(await generateX25519Identity());
}

export async function readIdentity(identity: string): Promise<SourceIdentity> {
  void new Secret(identity);
  const { identityToRecipient } = await loadAge();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** For telling equal contents of encrypted backups: known to whoever knows the identity, and no way back to it. */
export function namingKey(identity: string): Buffer {
  return Buffer.from(hkdfSync('sha256', identity, '', 'holdfast: names of equal contents', 32));
}

/** The identities in a file as `age-keygen` writes it. */
export function parseIdentities(text: string, where: string): Secret[] {
  const found = text.match(/^AGE-SECRET-KEY-1[0-9A-Z]+\s*$/gm) ?? [];
  if (found.length > 0) return found.map((line) => new Secret(line.trim()));
  throw new HoldfastError('IDENTITY_INVALID', `${where} holds no identity of age`, {
    kind: 'usage',
    hint: 'Give a file as `age-keygen` or `holdfast key create` writes it, with a line AGE-SECRET-KEY-1...',
  });
}

/** Whether a key file is one that a passphrase opens; nothing is checked. */
export function isForPassphrase(content: Buffer): boolean {
  return content.subarray(0, 200).toString('latin1').includes(`\n-> ${stanzaName} `);
}

/** The identity once more, under the same passphrase, for this machine alone: tells the right one from others, and costs less. */
export async function sealProof(identity: string, passphrase: Secret): Promise<string> {
  const salt = randomBytes(16);
  const sealed = seal(Buffer.from(identity), await derive(passphrase, salt, proofWorkFactor));
  return `${proofWorkFactor}:${salt.toString('base64')}:${sealed.toString('base64')}`;
}

/** Null when it is not the passphrase it was made with. */
export async function openProof(proof: string, passphrase: Secret): Promise<string | null> {
  const [factor = '', salt = '', sealed = ''] = proof.split(':');
  const key = await derive(passphrase, Buffer.from(salt, 'base64'), Math.min(Number(factor), highestWorkFactor));
  const identity = unseal(Buffer.from(sealed, 'base64'), key)?.toString() ?? null;
  if (identity !== null) void new Secret(identity);
  return identity;
}

export function passphraseWrong(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('PASSPHRASE_WRONG', `the passphrase does not open ${what}`, {
    cause,
    hint: 'Give the passphrase that was in use when it was written. To use another one from now on, run `holdfast key change-passphrase`.',
  });
}

export function passphraseChanged(source: string, file: string): HoldfastError {
  const { message, kind } = passphraseWrong(`${file} of ${source}`);
  return new HoldfastError('PASSPHRASE_WRONG', message, {
    kind,
    hint: 'The configured passphrase has changed: run `holdfast key change-passphrase`, so that older backups stay readable with it, or configure the old one again.',
  });
}

export function keyDamaged(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('KEY_DAMAGED', `the key file ${what} is damaged`, {
    kind: 'integrity',
    cause,
    hint: 'Take it from another storage of this source, or from the recovery sheet (`holdfast key export`).',
  });
}

async function wrap({ identity, recipient }: SourceIdentity, to: readonly (string | Recipient)[]): Promise<Buffer> {
  const { Encrypter } = await loadAge();
  const encrypter = new Encrypter();
  for (const each of to) encrypter.addRecipient(each);
  return Buffer.from(await encrypter.encrypt(`# public key: ${recipient}\n${identity}\n`));
}

/** The library's own would keep the program from doing anything else for a second or two. */
function passphraseRecipient(passphrase: Secret, factor: number): Recipient {
  return {
    wrapFileKey: async (fileKey) => {
      const { Stanza } = await loadAge();
      const salt = randomBytes(16);
      const key = await derive(passphrase, Buffer.concat([saltLabel, salt]), factor);
      const name = salt.toString('base64').replaceAll('=', '');
      return [new Stanza([stanzaName, name, String(factor)], seal(fileKey, key))];
    },
  };
}

function passphraseIdentity(passphrase: Secret): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const [stanza] = stanzas;
      const [name, salt = '', factor = ''] = stanza?.args ?? [];
      if (!stanza || name !== stanzaName) return null;
      const saltBytes = Buffer.from(salt, 'base64');
      if (stanzas.length > 1 || stanza.body.length !== 32 || saltBytes.length !== 16 || !/^[1-9]\d?$/.test(factor)) {
        throw new Error('invalid scrypt stanza');
      }
      if (Number(factor) > highestWorkFactor) throw new Error('the work factor is too high');
      const key = await derive(passphrase, Buffer.concat([saltLabel, saltBytes]), Number(factor));
      return unseal(Buffer.from(stanza.body), key);
    },
  };
}

/** Each key is used once, as age does it: therefore no nonce. */
function seal(content: Uint8Array, key: Buffer): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function unseal(sealed: Buffer, key: Buffer): Buffer | null {
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  const content = decipher.update(sealed.subarray(0, -16));
  try {
    decipher.final();
    return content;
  } catch {
    return null;
  }
}

function derive(passphrase: Secret, salt: Buffer, factor: number): Promise<Buffer> {
  const N = 2 ** factor;
  return deriveKey(passphrase.reveal(), salt, 32, { N, r: 8, p: 1, maxmem: 128 * 8 * N + 32 * 1024 * 1024 });
}
