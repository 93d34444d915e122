import { userUnknown, type Principal } from '../../access/access.ts';
import { isRole, type Action, type Role } from '../../access/roles.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { TokenRecord, UserRecord } from '../../catalog/catalog.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { grantOf, type ApiParts } from './parts.ts';

type AccessRoutes =
  | 'tokens'
  | 'createToken'
  | 'revokeToken'
  | 'users'
  | 'createUser'
  | 'changeUser'
  | 'removeUser'
  | 'audit';

export function accessHandlers({ house, access }: ApiParts): Pick<Handlers, AccessRoutes> {
  const { catalog } = house;
  const userView = (name: string) => {
    const user = catalog.users.get(name);
    if (!user) throw userUnknown(name);
    return describeUser(user);
  };
  return {
    tokens: () => catalog.tokens.list().map(describeToken),
    createToken: (call) => {
      const { name, role, sources, actions, expiresAt } = call.body;
      assertWhole(call);
      assertOutlives(call.principal, expiresAt);
      const { secret, record } = access.createToken({
        name,
        role,
        sources,
        actions,
        expiresAt: expiresAt === null ? null : new Date(expiresAt),
        by: call.principal?.name ?? '',
      });
      return { ...describeToken(record), token: secret.reveal() };
    },
    revokeToken: (call) => {
      const token = catalog.tokens.list().find(({ id }) => id === call.params.id);
      if (token) {
        call.note({ target: token.name });
        catalog.tokens.remove(token.id);
        return;
      }
      throw new HoldfastError('TOKEN_UNKNOWN', `there is no token ${call.params.id}`, {
        kind: 'usage',
        hint: 'GET /api/v1/tokens lists them, each with its id.',
      });
    },
    users: () => catalog.users.list().map(describeUser),
    createUser: async (call) => {
      assertManagesUsers(call);
      await access.createUser(call.body);
      return userView(call.body.name);
    },
    changeUser: async (call) => {
      assertManagesUsers(call);
      const { name } = call.params;
      const { role, password, totp } = call.body;
      userView(name);
      const changed = Object.entries({ role, password, totp }).filter(([, value]) => value !== undefined);
      call.note({
        detail: changed.map(([field, value]) => (field === 'role' ? `role ${String(value)}` : field)).join(', '),
      });
      await access.changeUser(name, {
        ...(role === undefined ? {} : { role }),
        ...(password === undefined ? {} : { password }),
        ...(totp === false ? { totp } : {}),
      });
      return userView(name);
    },
    removeUser: (call) => {
      assertManagesUsers(call);
      userView(call.params.name);
      access.removeUser(call.params.name);
    },
    audit: (call) => {
      const { who, source, action, cursor, limit } = call.query;
      const items = catalog.audit.list({
        ...(who === undefined ? {} : { who }),
        ...(source === undefined ? {} : { source }),
        ...(action === undefined ? {} : { action }),
        ...(cursor === undefined ? {} : { before: Number(cursor) || 0 }),
        limit,
      });
      const last = items.at(-1);
      return { items, next: last && items.length === limit ? String(last.number) : null };
    },
  };
}

/** Nobody gives away more than they were given: a token that was given some rights only has none to hand on. */
function assertWhole(call: Call): void {
  if (grantOf(call).actions !== null) throw notAllowed('access');
}

/** Users do not end by themselves, so that whoever will be out soon must not make any, nor become one. */
function assertManagesUsers(call: Call): void {
  assertWhole(call);
  if (typeof call.principal?.expiresAt !== 'string') return;
  throw new HoldfastError('TOKEN_EXPIRES', 'users are not managed with a token that expires', {
    kind: 'refused',
    hint: 'Sign in, or use a token without an end.',
  });
}

function assertOutlives(principal: Principal | null, expiresAt: string | null): void {
  const limit = principal?.expiresAt ?? null;
  if (limit === null || (expiresAt !== null && Date.parse(expiresAt) <= Date.parse(limit))) return;
  throw new HoldfastError('TOKEN_EXPIRES', 'a token makes none that lives longer than itself', {
    kind: 'refused',
    hint: `Give \`expiresAt\`, at most ${limit}.`,
  });
}

function describeUser({ name, role, totp, subject, createdAt }: UserRecord) {
  return { name, role: knownRole(role), totp: totp !== null, external: subject !== null, createdAt };
}

function describeToken({
  id,
  name,
  role,
  sources,
  actions,
  createdAt,
  createdBy,
  expiresAt,
  usedAt,
  usedFrom,
}: TokenRecord) {
  const facts = { id, name, sources, createdAt, createdBy, expiresAt, usedAt, usedFrom };
  return { ...facts, role: knownRole(role), actions: actions as Action[] | null };
}

function knownRole(role: string): Role {
  return isRole(role) ? role : 'viewer';
}
