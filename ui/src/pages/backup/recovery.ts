import type { ShownArtifact, ShownManifest } from './manifest.ts';

export interface RecoveryStep {
  step: 'check' | 'key' | 'roles' | 'database' | 'after';
  text: string;
}

/** The commands of docs/manual-recovery.md and docs/encryption.md with the names of this one backup. */
export function recoverySteps({ database, artifacts, encryption }: ShownManifest): RecoveryStep[] {
  const dump = artifacts.filter(({ role }) => role === 'database');
  const globals = artifacts.find(({ role }) => role === 'globals');
  const steps: RecoveryStep[] = [{ step: 'check', text: check }];
  if (encryption?.key) steps.push({ step: 'key', text: openKey(encryption.key) });
  if (globals) steps.push({ step: 'roles', text: `${read(globals)} psql --no-psqlrc --quiet --dbname postgres` });
  if (database && dump.length > 0) {
    const name = quote(database.name);
    steps.push(
      { step: 'database', text: `createdb --template template0 ${name}\n${load(dump, name)}` },
      { step: 'after', text: `vacuumdb --analyze-only ${name}` },
    );
  }
  return steps;
}

const check = `python3 -c 'import json; [print(a["sha256"] + "  " + a["path"]) for a in json.load(open("manifest.json"))["artifacts"]]' | sha256sum --check`;

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
function read({ path }: ShownArtifact): string {
  const encrypted = path.endsWith('.age');
  const unpack = unpackers[(encrypted ? path.slice(0, -4) : path).split('.').at(-1) ?? ''];
  const file = quote(path);
  if (encrypted) return `age --decrypt --identity key.txt ${file} |${unpack ? ` ${unpack} |` : ''}`;
  return unpack ? `${unpack} ${file} |` : `cat ${file} |`;
}

function quote(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
