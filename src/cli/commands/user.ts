import type { Access } from '../../access/access.ts';
import type { Role } from '../../access/roles.ts';
import type { House } from '../../house.ts';
import type { Command, CommandContext, CommandInput, CommandOption } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';

const roles: readonly Role[] = ['viewer', 'operator', 'admin'];
const roleOption: CommandOption = {
  name: 'role',
  value: 'role',
  choices: roles,
  summary: 'viewer looks, operator works with backups, admin also settings and access',
};
const passwordFile: CommandOption = {
  name: 'password-file',
  value: 'file',
  summary: 'the password; default: asked for',
  complete: 'file',
};

const create: Command = {
  name: 'create',
  summary: 'add somebody who may sign in',
  arguments: [{ name: 'name', summary: 'a-z, 0-9 and . _ @ + -' }],
  options: [roleOption, passwordFile],
  examples: [{ line: 'holdfast user create ada --role admin', does: 'asks for the password' }],
  help: 'The first user is an admin, whatever is said.',
  run: async (context, input) => {
    const { house, access } = await open(context);
    const name = input.text('name') ?? '';
    const first = house.catalog.users.list().length === 0;
    const role = first ? 'admin' : ((input.text('role') ?? 'viewer') as Role);
    const password = await askPassword(context, input);
    await access.createUser({ name, role, password });
    await note(house, context, 'createUser', name);
    if (context.json) return printJson(context.io, { name, role });
    print(context.io, `${styleFor(context.io.color).good('added')}  ${name}, ${role}`);
  },
};

const list: Command = {
  name: 'list',
  summary: 'who may sign in',
  examples: [{ line: 'holdfast user list', does: 'names, roles, second factor' }],
  run: async (context) => {
    const { house } = await open(context);
    const users = house.catalog.users.list().map(({ name, role, totp, subject, createdAt }) => ({
      name,
      role,
      totp: totp !== null,
      external: subject !== null,
      createdAt,
    }));
    if (context.json) return printJson(context.io, users);
    if (users.length === 0) return context.io.screen.line('No users yet. Add one with `holdfast user create`.');
    const rows = users.map((user) => [user.name, user.role, user.totp ? 'yes' : 'no', user.createdAt.slice(0, 10)]);
    const columns = [
      { title: 'NAME', shrinksTo: 20, wraps: true },
      { title: 'ROLE' },
      { title: 'SECOND FACTOR' },
      { title: 'SINCE' },
    ];
    print(context.io, ...(await renderTable(context.io, columns, rows)));
  },
};

const passwd: Command = {
  name: 'passwd',
  summary: 'a new password; ends the sessions, and with --no-totp the second factor',
  arguments: [{ name: 'name', summary: 'who' }],
  options: [passwordFile, { name: 'no-totp', summary: 'also take the second factor away' }],
  examples: [{ line: 'holdfast user passwd ada', does: 'when it was forgotten' }],
  run: async (context, input) => {
    const { house, access } = await open(context);
    const name = input.text('name') ?? '';
    await access.setPassword(name, await askPassword(context, input));
    if (input.flag('no-totp')) access.removeTotp(name);
    await note(house, context, 'changeUser', name);
    if (context.json) return printJson(context.io, { name });
    print(context.io, `${styleFor(context.io.color).good('changed')}  the password of ${name}; sessions have ended`);
  },
};

const role: Command = {
  name: 'role',
  summary: 'another role; ends the sessions',
  arguments: [
    { name: 'name', summary: 'who' },
    { name: 'role', summary: 'which', choices: roles },
  ],
  examples: [{ line: 'holdfast user role bob operator', does: 'bob may work with backups' }],
  run: async (context, input) => {
    const { house, access } = await open(context);
    const [name = '', wanted] = [input.text('name'), input.text('role') as Role];
    access.setRole(name, wanted);
    await note(house, context, 'changeUser', name);
    if (context.json) return printJson(context.io, { name, role: wanted });
    print(context.io, `${styleFor(context.io.color).good('changed')}  ${name}, ${wanted}`);
  },
};

const remove: Command = {
  name: 'remove',
  summary: 'remove somebody; ends the sessions',
  arguments: [{ name: 'name', summary: 'who' }],
  examples: [{ line: 'holdfast user remove bob', does: 'bob is out at once' }],
  run: async (context, input) => {
    const { house, access } = await open(context);
    const name = input.text('name') ?? '';
    access.removeUser(name);
    await note(house, context, 'removeUser', name);
    if (context.json) return printJson(context.io, { name });
    print(context.io, `${styleFor(context.io.color).good('removed')}  ${name}`);
  },
};

export const user: Command = {
  name: 'user',
  summary: 'who may use the HTTP API and the console',
  group: 'care',
  commands: [create, list, passwd, role, remove],
  examples: [{ line: 'holdfast user create ada', does: 'the first one' }],
};

async function open(context: CommandContext): Promise<{ house: House; access: Access }> {
  const house = await context.house();
  const { openAccess } = await import('../../access/access.ts');
  return { house, access: openAccess(house) };
}

async function askPassword(context: CommandContext, input: CommandInput): Promise<string> {
  const { newPassword } = await import('../new-password.ts');
  return (await newPassword(context, input.text('password-file'))).reveal();
}

async function note(house: House, { clock }: CommandContext, action: string, target: string): Promise<void> {
  const { noteCommand } = await import('../note-command.ts');
  noteCommand(house.catalog, clock, { action, target });
}
