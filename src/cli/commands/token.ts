import type { Action, Role } from '../../access/roles.ts';
import type { Command, CommandInput } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { formatMoment } from '../output/time.ts';

const roles: readonly Role[] = ['viewer', 'operator', 'admin'];

const create: Command = {
  name: 'create',
  summary: 'make a token for a program; it is shown once',
  arguments: [{ name: 'name', summary: 'what it is for' }],
  options: [
    { name: 'role', value: 'role', choices: roles, summary: 'what it may at most; default: viewer' },
    { name: 'only-source', value: 'name', repeat: true, summary: 'only this source; may repeat', complete: 'source' },
    { name: 'only-action', value: 'action', repeat: true, summary: 'only this, such as backup; may repeat' },
    { name: 'expires', value: 'duration', summary: 'ends after so long, such as 90d; default: never' },
  ],
  examples: [
    { line: 'holdfast token create ci --role operator --only-action backup', does: 'a pipeline that takes backups' },
    { line: 'holdfast token create ci --json | jq -r .token', does: 'for a secret store' },
  ],
  run: async (context, input) => {
    const house = await context.house();
    const { openAccess } = await import('../../access/access.ts');
    const { noteCommand } = await import('../note-command.ts');
    const name = input.text('name') ?? '';
    const { secret, record } = openAccess(house).createToken({
      name,
      role: (input.text('role') ?? 'viewer') as Role,
      sources: await readSources(house.sources, input),
      actions: await readActions(input),
      expiresAt: await readExpiry(input, context.clock.now()),
      by: 'the command line',
    });
    noteCommand(house.catalog, context.clock, { action: 'createToken', target: name });
    const { id, role, expiresAt } = record;
    const token = secret.reveal();
    if (context.json) return printJson(context.io, { id, name, role, expiresAt, token });
    context.io.screen.line(styleFor(context.io.errorColor).dim('shown only now; only its digest is kept'));
    print(context.io, token);
  },
};

const list: Command = {
  name: 'list',
  summary: 'which there are, what they may, when they were last used',
  examples: [{ line: 'holdfast token list', does: 'all of them' }],
  run: async (context) => {
    const { io, clock } = context;
    const house = await context.house();
    const tokens = house.catalog.tokens.list().map(({ hash: _hash, ...rest }) => rest);
    if (context.json) return printJson(io, tokens);
    if (tokens.length === 0) return io.screen.line('No tokens yet. Make one with `holdfast token create`.');
    const at = (time: string | null, none: string) =>
      time === null ? none : formatMoment(io, time, { timezone: house.timezone, now: clock.now() });
    const rows = tokens.map(({ id, name, role, sources, actions, expiresAt, usedAt }) => [
      id,
      name,
      role,
      sources?.join(', ') ?? 'all',
      actions?.join(', ') ?? 'all of the role',
      at(expiresAt, 'never'),
      at(usedAt, 'never'),
    ]);
    const wrapping = { shrinksTo: 12, wraps: true };
    const columns = [
      { title: 'ID' },
      { title: 'NAME', ...wrapping },
      { title: 'ROLE' },
      { title: 'SOURCES', ...wrapping },
      { title: 'ACTIONS', ...wrapping },
      { title: 'EXPIRES' },
      { title: 'USED' },
    ];
    print(io, ...(await renderTable(io, columns, rows)));
  },
};

const revoke: Command = {
  name: 'revoke',
  summary: 'a token is of no use from now on',
  arguments: [{ name: 'id', summary: 'its id or its name' }],
  examples: [{ line: 'holdfast token revoke ci', does: 'by name' }],
  run: async (context, input) => {
    const { catalog } = await context.house();
    const wanted = input.text('id') ?? '';
    const found = catalog.tokens.list().find(({ id, name }) => id === wanted || name === wanted);
    if (!found) {
      const { HoldfastError } = await import('../../base/errors.ts');
      throw new HoldfastError('TOKEN_UNKNOWN', `there is no token ${wanted}`, {
        kind: 'usage',
        hint: 'See `holdfast token list`.',
      });
    }
    const { noteCommand } = await import('../note-command.ts');
    catalog.tokens.remove(found.id);
    noteCommand(catalog, context.clock, { action: 'revokeToken', target: found.name });
    if (context.json) return printJson(context.io, { id: found.id, name: found.name });
    print(context.io, `${styleFor(context.io.color).good('revoked')}  ${found.name}`);
  },
};

export const token: Command = {
  name: 'token',
  summary: 'tokens for programs that use the HTTP API',
  group: 'care',
  commands: [create, list, revoke],
  examples: [{ line: 'holdfast token list', does: 'which there are' }],
};

async function readSources(known: readonly { name: string }[], input: CommandInput): Promise<string[] | null> {
  const names = input.texts('only-source');
  const wrong = names.find((name) => known.every((source) => source.name !== name));
  if (wrong === undefined) return names.length > 0 ? names : null;
  const { wrongUsage } = await import('../usage-error.ts');
  throw wrongUsage(`there is no source named "${wrong}"`, `There are: ${known.map(({ name }) => name).join(', ')}.`);
}

async function readActions(input: CommandInput): Promise<Action[] | null> {
  const { actions, isAction } = await import('../../access/roles.ts');
  const words = input.texts('only-action');
  const wrong = words.find((word) => !isAction(word));
  if (wrong === undefined) return words.length > 0 ? words.filter(isAction) : null;
  const { wrongUsage } = await import('../usage-error.ts');
  throw wrongUsage(`--only-action ${wrong} is unknown`, `There are: ${actions.join(', ')}.`);
}

async function readExpiry(input: CommandInput, now: Date): Promise<Date | null> {
  const text = input.text('expires');
  if (text === undefined) return null;
  const { parseDuration } = await import('../../base/units.ts');
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return new Date(now.getTime() + ms);
  const { wrongUsage } = await import('../usage-error.ts');
  throw wrongUsage(`--expires ${text} is not a duration`, 'Write it as 24h or 90d.');
}
