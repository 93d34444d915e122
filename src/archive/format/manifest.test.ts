import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backupId } from '../../base/ids.ts';
import {
  canonicalJson,
  manifestJsonSchema,
  parseManifest,
  renderManifest,
  sealManifest,
  type ManifestDraft,
} from './manifest.ts';

const place = { source: 'shop', id: '2026-11-20_05-15-00' };
const sha256 = 'a'.repeat(64);
const draft: ManifestDraft = {
  ...place,
  description: 'before 2.0',
  trigger: 'manual',
  safetyFor: null,
  startedAt: '2026-11-20T05:15:00.000Z',
  finishedAt: '2026-11-20T05:15:04.123Z',
  durationMs: 4123,
  holdfast: '1.0.0',
  instance: 'web-1',
  database: {
    engine: 'postgres',
    name: 'shop',
    serverVersion: '15.18',
    toolVersion: '15.18',
    via: 'host',
    encoding: 'UTF8',
    collation: 'en_US.UTF-8',
    collationVersion: null,
    sizeBytes: 12345,
    owner: 'shop',
    extensions: [{ name: 'pgcrypto', version: '1.3' }],
    settings: ['search_path=app'],
    roles: ['shop'],
    owners: ['shop'],
    policyRoles: [],
    properties: { localeProvider: 'c' },
    snapshot: { isolation: 'serializable-deferrable', lsn: null },
    tables: [{ schema: 'public', name: 'users', rows: 5, fingerprint: null }],
    sequences: [{ schema: 'public', name: 'users_id_seq', value: '5', called: true, until: '7' }],
  },
  app: null,
  files: null,
  encryption: null,
  artifacts: [
    {
      path: 'database.dump.zst',
      role: 'database',
      format: 'custom',
      compression: 'zstd:3',
      compressedBy: 'archive',
      encryption: null,
      object: null,
      rawBytes: 1486036549,
      bytes: 157199503,
      sha256,
    },
  ],
  warnings: [],
};
const good = Buffer.from(renderManifest(sealManifest(draft)));
const damaged = { code: 'MANIFEST_DAMAGED', kind: 'integrity' };

/** What somebody writes who knows the format, fields and digest right, but the content wrong. */
function forge(change: Record<string, unknown>): Buffer {
  return Buffer.from(renderManifest(sealUnchecked({ ...JSON.parse(good.toString()), ...change })));
}

function sealUnchecked(fields: Record<string, unknown>): ReturnType<typeof sealManifest> {
  const { digest: _, ...rest } = fields;
  return { ...rest, digest: sha256Of(canonicalJson(rest)) } as ReturnType<typeof sealManifest>;
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('manifest', () => {
  test('what was sealed is read back as it was', () => {
    expect(parseManifest(good, place)).toEqual({
      format: 1,
      ...draft,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('is laid out for people', () => {
    expect(good.toString().split('\n')[1]).toBe('  "format": 1,');
    expect(good.toString()).toMatch(/\n}\n$/);
  });

  test('S18 round trip with any text anywhere', () => {
    const text = fc.string({ unit: 'grapheme' });
    const table = fc.record({
      schema: text,
      name: text,
      rows: fc.option(fc.nat(Number.MAX_SAFE_INTEGER)),
      fingerprint: fc.option(text),
    });
    const property = fc.dictionary(text, fc.jsonValue());
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2000-01-01'), max: new Date('2199-01-01'), noInvalidDate: true }),
        fc.option(text),
        fc.array(table),
        property,
        fc.array(text),
        (at, description, tables, properties, warnings) => {
          const id = backupId(at);
          const database = draft.database && { ...draft.database, tables, properties };
          const sealed = sealManifest({ ...draft, id, description, database, warnings });
          const read = parseManifest(Buffer.from(renderManifest(sealed)), { ...place, id });
          expect(read).toEqual(sealed);
          expect(read).toMatchObject(JSON.parse(JSON.stringify({ description, warnings })) as object);
          expect(JSON.stringify(read.database?.tables)).toBe(JSON.stringify(tables));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('text that is not valid Unicode survives as well', () => {
    const lone = sealManifest({ ...draft, description: 'a\ud800b' });
    expect(parseManifest(Buffer.from(renderManifest(lone)), place).description).toBe('a\ud800b');
  });

  test('S4 every single flipped bit is refused', () => {
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const flipped = Buffer.from(good);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      let problem: unknown;
      try {
        parseManifest(flipped, place);
      } catch (error) {
        problem = error;
      }
      expect(problem, `bit ${bit}`).toMatchObject({ kind: 'integrity' });
    }
  });

  test('S5 every cut is refused', () => {
    // The last byte is only the newline.
    for (let length = 0; length < good.length - 1; length += 1) {
      expect(() => parseManifest(good.subarray(0, length), place)).toThrow(expect.objectContaining(damaged));
    }
  });

  test('its layout may change, its content not', () => {
    const compact = Buffer.from(JSON.stringify(JSON.parse(good.toString())));
    expect(parseManifest(compact, place)).toEqual(parseManifest(good, place));
    const reversed = Object.fromEntries(Object.entries(JSON.parse(good.toString()) as object).toReversed());
    expect(parseManifest(Buffer.from(JSON.stringify(reversed)), place)).toEqual(parseManifest(good, place));
    const changed = Buffer.from(good.toString().replace('"rows": 5', '"rows": 6'));
    expect(() => parseManifest(changed, place)).toThrow('digest');
  });

  test('S5 a newer format is refused with advice, whatever its digest', () => {
    const newer = Buffer.from(good.toString().replace('"format": 1', '"format": 2'));
    expect(() => parseManifest(newer, place)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_NEWER', kind: 'integrity', hint: expect.stringContaining('Upgrade') }),
    );
  });

  test('unknown fields are kept', () => {
    const [artifact] = draft.artifacts;
    const later = forge({ later: { kept: true }, artifacts: [{ ...artifact, encryptedWith: 'x' }] });
    expect(parseManifest(later, place)).toMatchObject({ later: { kept: true }, artifacts: [{ encryptedWith: 'x' }] });
  });

  test('fields that the format lets others leave out are filled in', () => {
    const { roles: _roles, properties: _properties, ...database } = draft.database ?? {};
    const artifacts = draft.artifacts.map(({ compressedBy: _, ...artifact }) => artifact);
    const minimal = parseManifest(forge({ database, artifacts }), place);
    expect(minimal.database).toMatchObject({ roles: [], properties: {} });
    expect(minimal.artifacts).toMatchObject([{ compressedBy: 'archive' }]);
  });

  test.each([
    ['another source', { source: 'other' }],
    ['another id', { id: '2026-11-20_05-15-01' }],
    ['a missing field', { artifacts: undefined }],
    ['a wrong type', { durationMs: '4123' }],
    ['negative bytes', { artifacts: [{ ...draft.artifacts[0], bytes: -1 }] }],
    ['two artifacts of one name', { artifacts: [draft.artifacts[0], draft.artifacts[0]] }],
    ['format 0', { format: 0 }],
  ])('S5 %s is damage, although the digest is right', (_title, change) => {
    expect(() => parseManifest(forge(change), place)).toThrow(expect.objectContaining(damaged));
  });

  test.each([
    '/etc/passwd',
    '../2026-11-19_05-15-00/database.dump',
    'database.dir/../../../x',
    'a//b',
    './x',
    '',
    'x\0',
    '..\\x',
    'manifest.json',
    'hold.json',
    'drills/x.json',
    '.partial-x/y',
  ])('S5 the path %j is refused, although the digest is right', (path) => {
    const hostile = forge({ artifacts: [{ ...draft.artifacts[0], path }] });
    expect(() => parseManifest(hostile, place)).toThrow(expect.objectContaining({ kind: 'integrity' }));
    const artifacts = draft.artifacts.map((artifact) => ({ ...artifact, path }));
    expect(() => sealManifest({ ...draft, artifacts })).toThrow(expect.objectContaining({ kind: 'integrity' }));
  });

  test.each([
    '../objects/ab/abababababababababababababababab.tar.zst',
    'objects/../other/2026-11-20_05-15-00/files/data.tar',
    'objects/ab/../../../../etc/passwd',
    'objects/ab/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd.tar.zst',
    'objects/ab/abababababababababababababababab',
    'objects/ab/abababababababababababababababab.tar/../x',
    'keys/2026-11-20.age',
    '/objects/ab/abababababababababababababababab.tar.zst',
    '',
  ])('S5: an object elsewhere than among the objects is refused (%j)', (object) => {
    const hostile = forge({ artifacts: [{ ...draft.artifacts[0], object }] });
    expect(() => parseManifest(hostile, place)).toThrow(expect.objectContaining({ code: 'MANIFEST_HOSTILE' }));
    const shared = { ...draft.artifacts[0], object: 'objects/ab/abababababababababababababababab.tar.zst.age' };
    expect(parseManifest(forge({ artifacts: [shared] }), place).artifacts[0]?.object).toBe(shared.object);
  });

  test.each(['', 'null', '[]', '"x"', '1', '{', '{}', '\ufeff{}'])('%j is not a manifest', (text) => {
    expect(() => parseManifest(Buffer.from(text), place)).toThrow(expect.objectContaining(damaged));
  });
});

test('canonical JSON sorts keys at every depth and has no white space', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'ä"' }], a: true, 10: 0, 9: -1.5 })).toBe(
    '{"10":0,"9":-1.5,"a":true,"b":[1,{"c":"ä\\"","d":null}]}',
  );
});

test('the JSON Schema is one, and lets unknown fields pass', () => {
  const schema = manifestJsonSchema();
  expect(schema).toMatchObject({ type: 'object', properties: { format: { const: 1 } } });
  expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
});
