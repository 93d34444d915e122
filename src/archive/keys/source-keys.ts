import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import type { Storage } from '../../storage/storage.ts';
import { changePassphrase } from './change-passphrase.ts';
import {
  keyIdOf,
  listKeyIds,
  mainFile,
  newKeyId,
  publicFile,
  putKeyFile,
  readKeyFile,
  recipientsFile,
  renderPublic,
  storeKeyFiles,
  type KeyFile,
} from './key-files.ts';
import {
  createIdentity,
  namingKey,
  openProof,
  passphraseChanged,
  sealProof,
  wrapForPassphrase,
  wrapForRecipients,
  type SourceIdentity,
} from './key-wrap.ts';
import { keyNeeded, notEncrypted, type KeyMemory, type KeyRecord, type Keys, type WriteKey } from './keys.ts';
import { openKey, openKeyAnywhere } from './open-key.ts';

export interface KeySettings {
  /** Whether this source's backups are to be encrypted; older ones may be, even if not. */
  encrypt: boolean;
  passphrase: Secret | null;
  recipients: readonly string[];
  /** Of people, given for this call or by the environment. */
  identities: readonly Secret[];
  memory: KeyMemory;
  clock: Clock;
  /** All of the source: a key that one of them lost may lie in another. */
  storages?: readonly Storage[];
  /** How much work a guess of the passphrase costs, as a power of two; default: as age. */
  workFactor?: number | undefined;
  /** Asks the person at the terminal, where there is one. */
  ask?: ((what: string) => Promise<Secret | null>) | undefined;
}

/** The keys of a source as its configuration wants them; one file because all ways to a key share what was unlocked and proven. */
export function sourceKeys(settings: KeySettings): Keys {
  const { passphrase, recipients, identities, memory, ask } = settings;
  const encrypts = settings.encrypt && (passphrase !== null || recipients.length > 0);
  const unlocked = new Map<string, Promise<string>>();
  /** The passphrase was compared with these already. */
  const proven = new Set<string>();

  const rememberedUnlock = (storage: Storage, source: string, file: string, signal: AbortSignal) => {
    const place = `${source}/${file}`;
    const known = unlocked.get(place);
    if (known) return known;
    const opening = unlock(storage, source, file, signal);
    unlocked.set(place, opening);
    opening.catch(() => unlocked.delete(place));
    return opening;
  };

  const unlock = async (storage: Storage, source: string, file: string, signal: AbortSignal) => {
    keyIdOf(file);
    let given = passphrase;
    if (!given && identities.length === 0) given = (await ask?.(`The passphrase of ${source}'s ${file}`)) ?? null;
    if (!given && identities.length === 0) throw keyNeeded(source, file);
    const known = passphrase && (await openRemembered(storage, source, file, signal));
    if (known) return known;
    const place = { storage, source, file, openers: { passphrase: given, identities }, signal };
    return (await openKeyAnywhere(place, settings.storages ?? [])).identity;
  };

  /** Without the work of opening the file, as long as the storage's is the one that is remembered. */
  const openRemembered = async (storage: Storage, source: string, file: string, signal: AbortSignal) => {
    const record = memory.get(source);
    const remembered = record?.file === file && decodeFiles(record).find(({ name }) => name === file);
    if (!remembered || !record.proof || !passphrase) return null;
    const stored = await readKeyFile(storage, source, file, signal);
    return stored?.equals(remembered.content) ? openProof(record.proof, passphrase) : null;
  };

  /** Before anything is written with a passphrase that does not open what was written before. */
  const assertSamePassphrase = async (record: KeyRecord, storage: Storage, signal: AbortSignal) => {
    const { source, file, proof } = record;
    if (!passphrase || proof === null || proven.has(proof)) return;
    if ((await openProof(proof, passphrase)) === null) {
      // It may have been changed from another machine.
      const openers = { passphrase, identities: [] };
      const stored = await openKey({ storage, source, file, openers, signal }).catch(() => null);
      if (stored?.recipient !== record.recipient) throw passphraseChanged(source, file);
    }
    proven.add(proof);
  };

  const create = async (storage: Storage, source: string, taken: readonly string[], signal: AbortSignal) => {
    const key = await createIdentity();
    const id = newKeyId(settings.clock.now(), [...taken, ...(await idsElsewhere(storage, source, signal))]);
    const files = await wrapAll(key, id, settings);
    await storeKeyFiles(storage, source, files, signal);
    const record = await recordOf(source, id, key, files);
    memory.put(record);
    unlocked.set(`${source}/${record.file}`, Promise.resolve(key.identity));
    return record;
  };

  /**
   * A primary that was set up anew knows nothing of the keys of older copies, which could not lie beside one of the same name. One that does
   * not answer keeps no backup from being made.
   */
  const idsElsewhere = async (storage: Storage, source: string, signal: AbortSignal) => {
    const others = (settings.storages ?? []).filter(({ name }) => name !== storage.name);
    const found = await Promise.all(others.map((other) => listKeyIds(other, source, signal).catch(() => [])));
    throwIfAborted(signal);
    return found.flat();
  };

  const recordOf = async (
    source: string,
    id: string,
    { identity, recipient }: SourceIdentity,
    files: readonly KeyFile[],
  ): Promise<KeyRecord> => {
    const proof = passphrase && (await sealProof(identity, passphrase));
    if (proof !== null) proven.add(proof);
    return {
      source,
      file: mainFile(id),
      recipient,
      recipients: [...recipients],
      passphrase: passphrase !== null,
      proof,
      naming: namingKey(identity).toString('base64'),
      files: files.map(({ name, content }) => ({ name, content: content.toString('base64') })),
    };
  };

  /**
   * The newest key in the storage, once the passphrase opened it. Only that proves whose it is: a public key that merely lies there could be
   * anybody's, and anybody can wrap a key of their own for our recipients.
   */
  const adoptNewest = async (storage: Storage, source: string, ids: readonly string[], signal: AbortSignal) => {
    const id = ids.at(-1);
    if (id === undefined || passphrase === null || recipients.length > 0) return null;
    const opened = await openKey({
      storage,
      source,
      file: mainFile(id),
      openers: { passphrase, identities: [] },
      signal,
    })
      // Made when there was no passphrase, or not there at all.
      .catch((error: unknown) => {
        if (!['KEY_WRONG', 'KEY_MISSING'].includes(toHoldfastError(error).code)) throw error;
        return null;
      });
    const main = await readKeyFile(storage, source, mainFile(id), signal);
    // Others than the configuration names could read what comes.
    if (!opened || !main || (await readKeyFile(storage, source, recipientsFile(id), signal))) return null;
    const stated = { name: publicFile(id), content: renderPublic(opened.recipient, [main]) };
    const files = [{ name: mainFile(id), content: main }, stated];
    const lying = await readKeyFile(storage, source, stated.name, signal);
    if (!lying?.equals(stated.content)) await putKeyFile(storage, source, stated, { ifAbsent: false, signal });
    const record = await recordOf(source, id, opened, files);
    memory.put(record);
    return record;
  };

  /** What an earlier version remembered lacks it; opening the proof costs little. */
  const named = async (record: KeyRecord): Promise<KeyRecord> => {
    if (record.naming || record.proof === null || passphrase === null) return record;
    const identity = await openProof(record.proof, passphrase);
    if (identity === null) return record;
    const whole = { ...record, naming: namingKey(identity).toString('base64') };
    memory.put(whole);
    return whole;
  };

  const present = async (record: KeyRecord, storage: Storage, source: string, signal: AbortSignal) => {
    const { missing, changed } = await compareFiles(record, storage, source, signal);
    if (changed.length === 0) {
      await storeKeyFiles(storage, source, missing, signal);
      return record;
    }
    const anew = async () => {
      const ids = await listKeyIds(storage, source, signal);
      return create(storage, source, [...ids, keyIdOf(record.file)], signal);
    };
    // Wrapped anew from another machine, damaged, or another key of the same name: opening it tells, where that is possible.
    if (passphrase === null) return anew();
    const openers = { passphrase, identities: [] };
    const stored = await openKey({ storage, source, file: record.file, openers, signal }).catch((error: unknown) => {
      if (toHoldfastError(error).code !== 'KEY_DAMAGED') throw error;
      return null;
    });
    if (stored && stored.recipient !== record.recipient) return anew();
    if (!stored) {
      for (const file of changed) await putKeyFile(storage, source, file, { ifAbsent: false, signal });
      await storeKeyFiles(storage, source, missing, signal);
      return record;
    }
    const files = await wrappedAsStored(storage, source, record, signal);
    const renewed = await recordOf(source, keyIdOf(record.file), stored, files);
    for (const file of files.slice(-1)) await putKeyFile(storage, source, file, { ifAbsent: false, signal });
    memory.put(renewed);
    return renewed;
  };

  return {
    canRead: passphrase !== null || identities.length > 0,
    wanted: encrypts ? { passphrase: passphrase !== null, recipients } : null,
    unlock: rememberedUnlock,
    probe: async (storage, source, file, signal) => {
      if (!passphrase && identities.length === 0) throw keyNeeded(source, file);
      await openKey({ storage, source, file, openers: { passphrase, identities }, signal });
    },
    forWriting: async (storage, source, signal) => {
      if (!encrypts) return null;
      const record = memory.get(source);
      if (record && isFor(record, settings)) {
        await assertSamePassphrase(record, storage, signal);
        return writeKey(await named(await present(record, storage, source, signal)));
      }
      if (record) await assertSamePassphrase(record, storage, signal);
      const ids = await listKeyIds(storage, source, signal);
      const adopted = record ? null : await adoptNewest(storage, source, ids, signal);
      const taken = record ? [...ids, keyIdOf(record.file)] : ids;
      return writeKey(adopted ?? (await create(storage, source, taken, signal)));
    },
    rotate: async (storages, source, signal) => {
      const [first, ...rest] = storages;
      if (!encrypts || !first) throw notEncrypted(source);
      const known = memory.get(source);
      if (known) await assertSamePassphrase(known, first, signal);
      const taken = known ? [keyIdOf(known.file)] : [];
      for (const storage of storages) taken.push(...(await listKeyIds(storage, source, signal)));
      const record = await create(first, source, taken, signal);
      for (const storage of rest) await storeKeyFiles(storage, source, decodeFiles(record), signal);
      return writeKey(record);
    },
    changePassphrase: async ({ storages, source, from, to, signal }) => {
      const old = from ?? passphrase;
      const next = to ?? passphrase;
      if (!old || !next) throw notEncrypted(source);
      unlocked.clear();
      return changePassphrase({
        storages,
        source,
        from: old,
        to: next,
        workFactor: settings.workFactor,
        memory,
        signal,
      });
    },
  };
}

async function wrapAll(
  key: SourceIdentity,
  id: string,
  { passphrase, recipients, workFactor }: KeySettings,
): Promise<KeyFile[]> {
  const files: KeyFile[] = [];
  if (passphrase) files.push({ name: mainFile(id), content: await wrapForPassphrase(key, passphrase, workFactor) });
  if (recipients.length > 0) {
    const name = passphrase ? recipientsFile(id) : mainFile(id);
    files.push({ name, content: await wrapForRecipients(key, recipients) });
  }
  const contents = files.map(({ content }) => content);
  return [...files, { name: publicFile(id), content: renderPublic(key.recipient, contents) }];
}

function isFor(record: KeyRecord, { passphrase, recipients }: KeySettings): boolean {
  const same = record.recipients.toSorted().join(' ') === [...recipients].toSorted().join(' ');
  return same && record.passphrase === (passphrase !== null);
}

async function compareFiles(
  record: KeyRecord,
  storage: Storage,
  source: string,
  signal: AbortSignal,
): Promise<{ missing: KeyFile[]; changed: KeyFile[] }> {
  const files = decodeFiles(record);
  const stored = await Promise.all(files.map(({ name }) => readKeyFile(storage, source, name, signal)));
  const missing = files.filter((_, at) => !stored[at]);
  const changed = files.filter(({ content }, at) => stored[at]?.equals(content) === false);
  return { missing, changed };
}

/** The public half comes last, and with the digests of what lies there. */
async function wrappedAsStored(
  storage: Storage,
  source: string,
  record: KeyRecord,
  signal: AbortSignal,
): Promise<KeyFile[]> {
  const id = keyIdOf(record.file);
  const files: KeyFile[] = [];
  for (const { name, content } of decodeFiles(record)) {
    if (name === publicFile(id)) continue;
    files.push({ name, content: (await readKeyFile(storage, source, name, signal)) ?? content });
  }
  const contents = files.map(({ content }) => content);
  return [...files, { name: publicFile(id), content: renderPublic(record.recipient, contents) }];
}

function decodeFiles(record: KeyRecord): KeyFile[] {
  return record.files.map(({ name, content }) => ({ name, content: Buffer.from(content, 'base64') }));
}

function writeKey({ file, recipient, recipients, passphrase, naming }: KeyRecord): WriteKey {
  // Without it, as an earlier version remembered a key for recipients, nothing is shared until the key is rotated.
  return { file, recipient, recipients, passphrase, naming: naming ? Buffer.from(naming, 'base64') : null };
}
