import type { ListedKey } from '../care/stock/key-list.ts';

export interface SheetKey extends Pick<ListedKey, 'file' | 'recipient'> {
  /** The key itself, or the file as it lies in the storage, in the armour of age. */
  text: string;
  revealed: boolean;
  passphrase: boolean;
}

export interface Sheet {
  source: string;
  at: string;
  places: readonly { name: string; title: string }[];
  keys: readonly SheetKey[];
}

/** Everything a stranger with stock tools needs, on paper. The commands are those of the documentation; tests execute them. */
export function recoverySheet({ source, at, places, keys }: Sheet): string {
  return `RECOVERY SHEET of ${source}, ${at}

The backups of ${source} lie in:
${places.map(({ name, title }) => `  ${title}  (${name})`).join('\n')}
Each backup is a folder ${source}/<date and time>/; its manifest.json names the key it needs
under "encryption". The files are age files (https://age-encryption.org) around what pg_dump,
mariadb-dump or mysqldump wrote, the file of SQLite, and tars. Needed: age, zstd, and the client
programs of the database, of at least the server's version.

1. The key. Copy the text of the key that the manifest names into a file.
${keys.some(({ revealed }) => !revealed) ? opening(source) : '   It is in the clear: save it as key.txt.\n'}
2. In the folder of the backup, whichever of these files are there:

   PostgreSQL:
     age -d -i key.txt globals.sql.age | psql -d postgres
     createdb ${source}
     age -d -i key.txt database.dump.age | pg_restore -d ${source}
     age -d -i key.txt database.dump.zst.age | zstd -dc | pg_restore -d ${source}
   MariaDB, MySQL (there, its client is called mysql):
     mariadb -e 'create database \`${source}\`'
     age -d -i key.txt database.sql.zst.age | zstd -dc | mariadb --binary-mode --comments ${source}
   SQLite:
     age -d -i key.txt database.sqlite.zst.age | zstd -dc > ${source}.sqlite
   Folders:
     mkdir restored
     age -d -i key.txt files/NAME.tar.zst.age | zstd -dc | tar -xpf - -C restored --numeric-owner

   More ways, also for the other formats: docs/encryption.md, docs/mysql.md and
   docs/manual-recovery.md of Holdfast. A file without .zst is not compressed: leave zstd out.

With Holdfast itself: configure the storage, and give key.txt with --identity.

${keys.map(describeKey).join('\n')}`;
}

function opening(source: string): string {
  return `   Saved as key.age, it is opened once, with the passphrase or with the identity of a recipient:

   age -d key.age > key.txt
   age -d -i my-identity.txt key.age > key.txt

   The same file lies in the storage as ${source}/keys/<date>.age.
`;
}

function describeKey({ file, recipient, text, revealed, passphrase }: SheetKey): string {
  const how = revealed
    ? 'IN THE CLEAR: whoever reads this line reads the backups'
    : passphrase
      ? 'opens with the passphrase'
      : 'opens with the identity of a recipient';
  return `KEY ${file} (${recipient ?? 'public key unknown'}), ${how}

${text.trimEnd()}
`;
}
