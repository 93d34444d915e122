import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { deployFolder } from '../support/stacks.ts';

const root = join(deployFolder, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

let place: Installation;
let empty: string;
beforeAll(async () => {
  place = await installHoldfast({ url: 'postgres://nobody@localhost/none' });
  empty = mkdtempSync(join(tmpdir(), 'holdfast-empty-'));
});
afterAll(async () => {
  rmSync(empty, { recursive: true });
  await place[Symbol.asyncDispose]();
});

describe('the Dockerfile', () => {
  const text = read('deploy/Dockerfile');
  /** Each instruction on one line, comments left out. */
  const instructions = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '');
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  const only = (lines: string[], word: string) => lines.filter((line) => line.startsWith(`${word} `));
  const words = (word: string) => JSON.parse(only(last, word).join('').slice(word.length)) as string[];

  test('builds in stages on pinned images that can be chosen', () => {
    expect(text).not.toMatch(/^# *syntax=/m);
    expect(only(instructions, 'ARG')[0]).toMatch(/^ARG NODE_IMAGE=node:\d+-[a-z]+-slim$/);
    expect(text).not.toMatch(/:latest/);
    const stages = only(instructions, 'FROM').map((line) => /^FROM (\S+)(?: AS (\S+))?$/.exec(line)?.slice(1));
    expect(stages.length).toBeGreaterThan(2);
    for (const [image] of stages as string[][])
      expect(['${NODE_IMAGE}', ...stages.map((stage) => stage?.[1])]).toContain(image);
  });

  test('N-03 the image is not root, knows its health, keeps its data in volumes, and has a process that reaps', () => {
    expect(only(last, 'USER')).toEqual(['USER 1000:1000']);
    expect(last.at(-4)).toBe('USER 1000:1000');
    expect(only(last, 'HEALTHCHECK').join('')).toMatch(/--timeout=\d+s .*CMD \["holdfast", "health"\]$/);
    expect(words('VOLUME')).toEqual(['/var/lib/holdfast', '/backups']);
    expect(words('ENTRYPOINT')).toEqual(['tini', '--', 'holdfast']);
    expect(words('CMD')).toEqual(['serve']);
  });

  test('J-d15 client tools of several majors, from where PostgreSQL publishes them', () => {
    expect(instructions).toContain('ARG PG_MAJORS="14 15 16 17 18"');
    expect(instructions).toContain('ARG PGDG=https://apt.postgresql.org/pub/repos/apt');
  });

  test('packages bring nothing along, and no lists or secrets stay', () => {
    for (const run of only(instructions, 'RUN').filter((line) => line.includes('apt-get install')))
      expect(run).toContain('--no-install-recommends');
    for (const run of only(last, 'RUN').filter((line) => line.includes('apt-get update')))
      expect(run).toContain('rm -rf /var/lib/apt/lists/*');
    expect(instructions.filter((line) => /^(ARG|ENV) .*(PASS|SECRET|TOKEN|KEY)/.test(line))).toEqual([]);
    expect(instructions.filter((line) => line.startsWith('ADD '))).toEqual([]);
  });

  test('copies only what .dockerignore lets through', () => {
    const [all, ...allowed] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(all).toBe('*');
    const sources = only(instructions, 'COPY')
      .filter((line) => !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    for (const source of sources)
      expect(
        allowed.some((line) => source === line.slice(1) || source.startsWith(`${line.slice(1)}/`)),
        source,
      ).toBe(true);
    for (const line of allowed)
      expect(() => readdirSync(root).includes(line.slice(1).split('/')[0] ?? '')).not.toThrow();
  });

  test('versions agree with the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(instructions).toContain(`ARG VERSION=${version}`);
    for (const stack of readdirSync(join(deployFolder, 'compose')))
      expect(read(`deploy/compose/${stack}/compose.yaml`)).toContain(`\${HOLDFAST_IMAGE:-holdfast:${version}}`);
    expect(read('deploy/kubernetes/holdfast.yaml')).toContain(`/holdfast:${version}`);
    expect(read('deploy/kubernetes/cronjob.yaml')).toContain(`/holdfast:${version}`);
  });

  test.each([
    ['serve', '--help'],
    ['health', '--help'],
    ['backup', '--help'],
    ['--now', '--help'],
    ['--now', '--db-only', '--help'],
    ['cli', 'list', '--help'],
    ['wait-for-database', '--help'],
    ['collation', 'check', '--help'],
    ['collation', 'fix', '--yes', '--help'],
    ['nocodb', 'audit-cleanup', '--older-than', '90d', '--yes', '--help'],
    ['check', '--help'],
    ['report', '--help'],
  ])('N-04 N-05 the program knows what the image and its scripts call it with: %s %s', async (...args) => {
    const { status, stderr } = await place.runWith({ cwd: empty }, ...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

interface Kubernetes {
  kind: string;
  apiVersion: string;
  metadata: { name: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec?: Record<string, unknown>;
}

interface Pod {
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  containers: {
    image: string;
    args?: string[];
    ports?: { name: string; containerPort: number }[];
    securityContext: Record<string, unknown>;
    resources: { limits: Record<string, string>; requests: Record<string, string> };
    volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
    [probe: string]: unknown;
  }[];
  volumes: { name: string; [kind: string]: unknown }[];
}

describe('Kubernetes', () => {
  const documents = (file: string) => {
    const parsed = parseAllDocuments(read(`deploy/kubernetes/${file}`), { strict: true });
    if (!Array.isArray(parsed)) throw new Error(`${file} is empty`);
    return parsed.map((document) => {
      expect([...document.errors, ...document.warnings]).toEqual([]);
      return document.toJS() as Kubernetes;
    });
  };
  const daemon = documents('holdfast.yaml');
  const job = documents('cronjob.yaml');
  const of = (kind: string) => daemon.filter((each) => each.kind === kind);
  const podOf = (document: Kubernetes | undefined): Pod => {
    const within = document as unknown as {
      spec: { template?: { spec: Pod }; jobTemplate?: { spec: { template: { spec: Pod } } } };
    };
    const pod = within.spec.template?.spec ?? within.spec.jobTemplate?.spec.template.spec;
    if (!pod) throw new Error('no pod');
    return pod;
  };
  const pods: [string, Pod][] = [
    ['the Deployment', podOf(of('Deployment')[0])],
    ['the CronJob', podOf(job[0])],
  ];

  test('there is a daemon with all it needs, and a job instead of it', () => {
    expect(daemon.map(({ kind }) => kind)).toEqual([
      'ConfigMap',
      'Secret',
      'PersistentVolumeClaim',
      'PersistentVolumeClaim',
      'Deployment',
    ]);
    expect(job.map(({ kind, apiVersion }) => [kind, apiVersion])).toEqual([['CronJob', 'batch/v1']]);
    for (const { metadata } of [...daemon, ...job]) expect(metadata.name).toMatch(/^holdfast/);
  });

  test('one daemon, and never two', () => {
    expect(of('Deployment')[0]?.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(job[0]?.spec).toMatchObject({ concurrencyPolicy: 'Forbid' });
  });

  test.each(pods)('%s runs without rights', (_, pod) => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 60 });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.limits).toHaveProperty('memory');
      expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
    }
  });

  test.each(pods)('%s mounts what there is, in the places the image has', (_, pod) => {
    const claims = of('PersistentVolumeClaim').map(({ metadata }) => metadata.name);
    const sources = JSON.stringify(pod.volumes);
    for (const name of [...claims, 'emptyDir', 'configMap', 'secret']) expect(sources).toContain(name);
    for (const { volumeMounts } of pod.containers) {
      expect(volumeMounts.map(({ name }) => name).toSorted()).toEqual(pod.volumes.map(({ name }) => name).toSorted());
      expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(
        expect.arrayContaining(['/etc/holdfast', '/backups', '/var/lib/holdfast', '/tmp']),
      );
    }
  });

  test('all three probes ask /healthz', () => {
    const [container] = pods[0]?.[1].containers ?? [];
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      expect(container?.[probe], probe).toMatchObject({ httpGet: { path: '/healthz', port: 'http' } });
    expect(container?.ports).toEqual([{ name: 'http', containerPort: 8420 }]);
  });

  test('the configuration is one, with the secrets that the Secret has', async () => {
    const [map] = of('ConfigMap');
    const [secret] = of('Secret');
    for (const [name, value] of Object.entries(secret?.stringData ?? {})) writeFileSync(join(empty, name), value);
    const text = (map?.data?.['holdfast.yaml'] ?? '').replaceAll('/run/secrets/holdfast', empty);
    const file = join(empty, 'cluster.yaml');
    writeFileSync(file, text);
    const { status, stderr } = await place.runWith({ cwd: empty }, 'config', 'validate', '--config', file);
    expect(status, stderr).toBe(0);
    expect(parse(text)).toMatchObject({ server: { listen: '0.0.0.0:8420' }, state: '/var/lib/holdfast' });
  });
});
