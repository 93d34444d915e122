import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import type { RealNocobase, Session } from './real-nocobase.ts';

export const nasty = [
  'plain',
  String.raw`ends in a backslash \ `.trim(),
  String.raw`a quote ' and \' and "`,
  'line\nbreak\r\nand tab\t',
  '日本語 🚀 ü',
  '$(rm -rf /); -- drop table',
  String.raw`\. \N \\`,
];

/** What NocoBase's own pages add to a collection of files. */
const fileFields = [
  ...['title', 'filename', 'extname', 'mimetype'].map((name) => ({ name, type: 'string', interface: 'input' })),
  { name: 'size', type: 'integer', interface: 'integer' },
  ...['path', 'url', 'preview'].map((name) => ({ name, type: 'text', interface: 'textarea' })),
  { name: 'meta', type: 'jsonb', defaultValue: {} },
  { name: 'storage', type: 'belongsTo', target: 'storages', foreignKey: 'storageId', deletable: false },
];

/** Collections with links and a sequence of ids, a file collection in a storage of its own, uploads, a secret variable, and the API key that is returned. */
export async function seed({ call, upload }: Session): Promise<string> {
  const id = { name: 'id', type: 'bigInt', autoIncrement: true, primaryKey: true, allowNull: false };
  await call('collections:create', {
    name: 'customers',
    fields: [id, { name: 'name', type: 'string', interface: 'input' }],
  });
  await call('collections:create', {
    name: 'orders',
    fields: [
      id,
      { name: 'note', type: 'text', interface: 'textarea' },
      { name: 'total', type: 'double', interface: 'number' },
      { name: 'customer', type: 'belongsTo', target: 'customers', foreignKey: 'customerId', interface: 'm2o' },
    ],
  });
  await call('storages:create', {
    name: 'scans',
    title: 'Scans',
    type: 'local',
    path: 'deep/er',
    baseUrl: '/storage/elsewhere',
    options: { documentRoot: 'storage/elsewhere' },
    rules: {},
  });
  await call('collections:create', { name: 'papers', template: 'file', storage: 'scans', fields: [id, ...fileFields] });
  for (const [index, note] of nasty.entries()) {
    await call('orders:create', { note, total: index + 0.1, customer: { name: `customer ${note}` } });
    await upload('attachments:create', `${index} ü file.txt`, `content of ${note}`);
    await upload('papers:create', `paper ${index}.txt`, `paper of ${note}`);
  }
  await call('environmentVariables:create', { name: 'MAIL_PASSWORD', type: 'secret', value: 'top secret value' });
  const key = (await call('apiKeys:create', { name: 'robot', role: { name: 'root' }, expiresIn: '7d' })) as {
    token?: string;
  } | null;
  return key?.token ?? '';
}

export async function filesIn(path: string): Promise<Map<string, string>> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (file) => [file.slice(path.length + 1), await readFile(file, 'hex')] as const)),
  );
}

/** Lets NocoBase make a backup of its own. */
export async function nbdataOf(app: RealNocobase, session: Session, password: string): Promise<string> {
  await session.call('backupSettings:update?filterByTk=1', { encryptionPassword: password, enableFilesBackup: true });
  const places = join(app.path, 'storage/backups/main');
  const before = new Set(await readdir(places).catch(() => []));
  await session.call('backups:create', {});
  let name = '';
  await until(
    async () => {
      const now = await readdir(places).catch(() => []);
      name = now.find((each) => each.endsWith('_metadata.json') && !before.has(each)) ?? '';
      return name !== '';
    },
    'NocoBase has made a backup',
    120_000,
  );
  return join(places, name.replace('_metadata.json', '.nbdata'));
}
