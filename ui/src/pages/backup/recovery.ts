import type { ShownArtifact, ShownDatabase, ShownManifest } from './manifest.ts';

export interface RecoveryStep {
  step: 'check' | 'key' | 'roles' | 'database' | 'after' | 'file' | 'integrity' | 'folders';
  text: string;
}

/** The commands of docs/manual-recovery.md, docs/encryption.md and the pages of the engines with the names of this one backup. */
export function recoverySteps({ database, artifacts, encryption }: ShownManifest): RecoveryStep[] {
  const dump = artifacts.filter(({ role }) => role === 'database');
  const steps: RecoveryStep[] = [{ step: 'check', text: check }];
  if (encryption?.key) steps.push({ step: 'key', text: openKey(encryption.key) });
  if (database && dump.length > 0) steps.push(...databaseSteps(database, dump, artifacts));
  const folders = foldersOf(artifacts);
  if (folders.length > 0) steps.push({ step: 'folders', text: folders.map(unpackFolder).join('\n') });
  return steps;
}

/** What several backups hold lies beside them, unless it was downloaded with this one. */
const whereItLies = 'o if a["object"] and os.path.exists(o := "../" + a["object"]) else a["path"]';
const check = `python3 -c 'import json, os; [print(a["sha256"] + "  " + (${whereItLies})) for a in json.load(open("manifest.json"))["artifacts"]]' | sha256sum --check`;

function databaseSteps(
  database: ShownDatabase,
  dump: readonly ShownArtifact[],
  artifacts: readonly ShownArtifact[],
): RecoveryStep[] {
  if (database.engine === 'sqlite') return fileSteps(database, dump);
  if (database.engine === 'mariadb' || database.engine === 'mysql') {
    return [{ step: 'database', text: `${createInMysql(database)}\n${loadIntoMysql(database, dump)}` }];
  }
  const globals = artifacts.find(({ role }) => role === 'globals');
  const name = quote(database.name);
  return [
    ...(globals
      ? [{ step: 'roles', text: `${read(globals)} psql --no-psqlrc --quiet --dbname postgres` } as const]
      : []),
    { step: 'database', text: `createdb --template template0 ${name}\n${load(dump, name)}` },
    { step: 'after', text: `vacuumdb --analyze-only ${name}` },
  ];
}

function fileSteps({ name }: ShownDatabase, [file]: readonly ShownArtifact[]): RecoveryStep[] {
  if (!file) return [];
  return [
    { step: 'file', text: `${read(file)} cat > ${quote(name)}` },
    { step: 'integrity', text: `sqlite3 ${quote(name)} 'pragma integrity_check'` },
  ];
}

function createInMysql({ engine, name, encoding, collation }: ShownDatabase): string {
  const identifier = `\`${name.replaceAll('`', '``')}\``;
  return `${engine} --execute ${quote(`create database ${identifier} character set ${encoding} collate ${collation}`)}`;
}

/** In this order the directory format is loaded: what is named later stands on what came before. */
const kindsOfFiles = ['sequences', 'empty', 't', 'code', 'views'];

function loadIntoMysql({ engine, name }: ShownDatabase, dump: readonly ShownArtifact[]): string {
  const client = `${engine} --binary-mode --comments ${quote(name)}`;
  const first = dump.find(({ path }) => /\.sql(\.|$)/.test(path));
  if (!first) return '';
  if (first.format !== 'directory') return `${read(first)} ${client}`;
  const folder = first.path.split('/')[0] ?? '';
  const there = kindsOfFiles.filter((kind) => dump.some(({ path }) => path.startsWith(`${folder}/${kind}`)));
  const files = there.map((kind) => `${folder}/${kind}*.sql*`).join(' ');
  return `for file in ${files}; do ${read(first, '"$file"')} ${client} || break; done`;
}

interface Folder {
  /** `files/uploads` */
  name: string;
  tars: readonly ShownArtifact[];
}

function foldersOf(artifacts: readonly ShownArtifact[]): Folder[] {
  const tars = artifacts.filter(({ role }) => role === 'files');
  const named = Map.groupBy(tars, ({ path }) =>
    path
      .split('/')
      .slice(0, 2)
      .join('/')
      .replace(/\.tar(\.\w+)*$/, ''),
  );
  return [...named].map(([name, all]) => ({ name, tars: all }));
}

/** Several tars are unpacked over one another: the last one gives the folders their rights and times. */
function unpackFolder({ name, tars }: Folder): string {
  const [first] = tars;
  if (!first) return '';
  const target = quote(name.replace(/^files/, 'restored'));
  const unpack = (file?: string) => `${read(first, file)} tar -xpf - -C ${target} --numeric-owner`;
  if (!first.path.startsWith(`${name}/`)) return `mkdir -p ${target} && ${unpack()}`;
  const list = `python3 -c 'import json, os, sys; [print(${whereItLies}) for a in sorted(json.load(open("manifest.json"))["artifacts"], key=lambda a: a["path"]) if a["path"].startswith(sys.argv[1])]' ${quote(`${name}/`)}`;
  return `mkdir -p ${target} && ${list} > tars\nwhile read -r tar; do ${unpack('"$tar"')} || break; done < tars`;
}

function openKey(key: string): string {
  return `age --decrypt --output key.txt ${quote(`../${key}`)}`;
}

function load(dump: readonly ShownArtifact[], database: string): string {
  const [first] = dump;
  if (!first) return '';
  if (first.format === 'directory') return loadFolder(first, database);
  if (first.format === 'plain')
    return `${read(first)} psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname ${database}`;
  return `${read(first)} pg_restore ${first.format === 'tar' ? '--format tar ' : ''}--exit-on-error --dbname ${database}`;
}

/** One file per table; the tool reads the folder itself, so what is encrypted has to lie there opened. */
function loadFolder({ path }: ShownArtifact, database: string): string {
  const folder = quote(path.split('/')[0] ?? path);
  const restore = (from: string) => `pg_restore --exit-on-error --jobs 2 --dbname ${database} ${from}`;
  if (!path.endsWith('.age')) return restore(folder);
  const open = `age --decrypt --identity key.txt --output "plain/$(basename "$file" .age)" "$file"`;
  return `mkdir plain\nfor file in ${folder}/*.age; do ${open}; done\n${restore('plain')}\nrm -r plain`;
}

const unpackers: Readonly<Record<string, string>> = {
  zst: 'zstd -dc',
  gz: 'gzip -dc',
  bz2: 'bzip2 -dc',
  xz: 'xz -dc',
};

/** Undoes what the endings tell, the last one first; ends with the pipe into whatever reads it. */
function read({ path }: ShownArtifact, file: string = quote(path)): string {
  const encrypted = path.endsWith('.age');
  const unpack = unpackers[(encrypted ? path.slice(0, -4) : path).split('.').at(-1) ?? ''];
  if (encrypted) return `age --decrypt --identity key.txt ${file} |${unpack ? ` ${unpack} |` : ''}`;
  return unpack ? `${unpack} ${file} |` : `cat ${file} |`;
}

function quote(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
