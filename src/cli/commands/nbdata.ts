import type { Nbdata, NbdataMember, NbdataPart } from '../../archive/foreign/nbdata.ts';
import { formatBytes, formatCount } from '../../base/units.ts';
import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { required } from '../input.ts';
import { renderFacts } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { printable } from '../output/text.ts';
import { wrongUsage } from '../usage-error.ts';

const file = { name: 'file', summary: 'a .nbdata file', complete: 'file' } as const;
const password = `An encrypted file needs its password: HOLDFAST_NBDATA_PASSWORD, HOLDFAST_NBDATA_PASSWORD_FILE, or typed when asked.`;
const noAuthentication =
  'files of this kind carry no authentication: checksums find accidents, not somebody who changed the file on purpose';

const inspect: Command = {
  name: 'inspect',
  summary: 'what is inside: application, database, files',
  arguments: [file],
  examples: [{ line: 'holdfast nbdata inspect backup_20260120_020000_0001.nbdata', does: 'look before taking it in' }],
  help: password,
  run: async (context, input) => {
    await using nbdata = await openGiven(context, input);
    if (context.json) return printJson(context.io, asJson(nbdata));
    warn(context, nbdata);
    print(context.io, ...describe(context, nbdata));
  },
};

const verify: Command = {
  name: 'verify',
  summary: 'read every file inside and compare its checksum',
  arguments: [file],
  examples: [{ line: 'holdfast nbdata verify old.nbdata', does: 'exit code 6 when something in it is damaged' }],
  help: `${password}\n\nWhether the database comes back is known only by restoring it: \`holdfast import\` does that.`,
  run: async (context, input) => {
    await using nbdata = await openGiven(context, input);
    const { verifyNbdata } = await import('../../archive/foreign/nbdata-extract.ts');
    using progress = showProgress(context);
    const checks = await verifyNbdata(nbdata, { signal: context.signal, report: progress.report });
    const bad = checks.filter(({ ok }) => !ok);
    const ending: Ending = bad.length === 0 ? 'done' : 'integrity';
    if (context.json) {
      printJson(context.io, { ok: bad.length === 0, encrypted: nbdata.encrypted, authenticated: false, checks });
      return ending;
    }
    warn(context, nbdata);
    const style = styleFor(context.io.color);
    print(
      context.io,
      ...bad.map(({ path, detail }) => `${style.bad('✗')} ${printable(path)}: ${printable(detail)}`),
      bad.length === 0
        ? `${style.good('✓')} ${formatCount(checks.length, 'file')} as written`
        : `${formatCount(bad.length)} of ${formatCount(checks.length, 'file')} not as written`,
    );
    return ending;
  },
};

const allParts: readonly NbdataPart[] = ['database', 'files', 'keys', 'metadata', 'other'];

const extract: Command = {
  name: 'extract',
  summary: 'unpack the dump, the uploaded files and the keys into a new folder',
  arguments: [file],
  options: [
    { name: 'to', value: 'folder', summary: 'a folder that does not exist yet; default: the name of the file' },
    { name: 'part', value: 'list', summary: 'only these, separated by commas: database, files, keys, metadata, other' },
  ],
  examples: [
    { line: 'holdfast nbdata extract old.nbdata --to unpacked', does: 'everything' },
    { line: 'holdfast nbdata extract old.nbdata --to uploads --part files', does: 'the uploaded files' },
  ],
  help: `${password}\n\nThe folder appears only when all of it is there and every checksum was right. The keys are secrets.`,
  run: async (context, input) => {
    const { basename, resolve } = await import('node:path');
    const parts = partsOf(input.text('part'));
    const named = basename(required(input, 'file')).replace(/\.nbdata$/, '');
    const to = resolve(context.cwd, input.text('to') ?? named);
    await using nbdata = await openGiven(context, input);
    const { extractNbdata } = await import('../../archive/foreign/nbdata-extract.ts');
    using progress = showProgress(context);
    const done = await extractNbdata(nbdata, { to, parts, signal: context.signal, report: progress.report });
    if (context.json) return printJson(context.io, { to, parts, ...done, authenticated: false });
    warn(context, nbdata);
    print(context.io, `${formatCount(done.files, 'file')}, ${formatBytes(done.bytes)}, in ${to}`);
  },
};

export const nbdata: Command = {
  name: 'nbdata',
  summary: "look into, check and unpack NocoBase's .nbdata files",
  group: 'recover',
  commands: [inspect, verify, extract],
  examples: [{ line: 'holdfast nbdata inspect old.nbdata', does: 'what is inside of one' }],
};

async function openGiven(context: CommandContext, input: CommandInput): Promise<Nbdata> {
  const { resolve } = await import('node:path');
  const { unlockNbdata } = await import('../../archive/foreign/nbdata.ts');
  const { nbdataPassword } = await import('../nbdata-password.ts');
  return unlockNbdata(resolve(context.cwd, required(input, 'file')), nbdataPassword(context), context.signal);
}

function partsOf(text: string | undefined): readonly NbdataPart[] {
  if (text === undefined) return allParts;
  const names = text.split(',').map((name) => name.trim());
  const parts = allParts.filter((part) => names.includes(part));
  const unknown = names.filter((name) => !allParts.some((part) => part === name));
  if (unknown.length === 0 && parts.length > 0) return parts;
  throw wrongUsage(`--part ${unknown.join(', ')} is not a part`, `Give some of: ${allParts.join(', ')}.`);
}

function sumOf(members: readonly NbdataMember[], part: NbdataPart): { files: number; bytes: number } {
  const own = members.filter((member) => member.part === part);
  return { files: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function asJson({ encrypted, facts, members }: Nbdata) {
  return {
    encrypted,
    authenticated: false,
    ...facts,
    members: members.map(({ path, part, bytes, packed, problem }) => ({ path, part, bytes, packed, problem })),
  };
}

function warn({ io }: CommandContext, { encrypted, members }: Nbdata): void {
  const sign = styleFor(io.errorColor).warn('!');
  io.screen.line(`${sign} ${noAuthentication}`);
  if (!encrypted && members.some(({ part }) => part === 'keys')) {
    io.screen.line(
      `${sign} it is not encrypted, and holds the key of the application: whoever has this file can read its secrets`,
    );
  }
}

function describe({ io }: CommandContext, { encrypted, facts, members }: Nbdata): string[] {
  const part = (name: NbdataPart) => {
    const { files, bytes } = sumOf(members, name);
    return files === 0 ? null : `${formatCount(files, 'file')}, ${formatBytes(bytes)}`;
  };
  const odd = members.filter(({ problem }) => problem !== null);
  return [
    ...renderFacts(
      io,
      [
        ['application', facts.version === null ? null : `NocoBase ${facts.version}`],
        [
          'database',
          [facts.dialect, facts.databaseVersion]
            .filter((text) => text !== null)
            .map(printable)
            .join(', '),
        ],
        ['dump', part('database')],
        ['uploads', part('files')],
        ['keys', part('keys')],
        ['other', part('other')],
        ['plugins', formatCount(facts.plugins.length)],
        ['table prefix', facts.tablePrefix === '' ? null : facts.tablePrefix],
        ['schema', facts.schema === '' ? null : facts.schema],
        ['underscored', facts.underscored ? 'yes' : 'no'],
        ['encrypted', encrypted ? 'yes, without authentication' : 'no'],
      ],
      '',
    ),
    ...odd.map(({ path, problem }) => `${styleFor(io.color).bad('✗')} ${printable(path)}: ${problem}`),
  ];
}
