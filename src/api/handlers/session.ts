import type { Principal } from '../../access/access.ts';
import { actions, allows, type Role } from '../../access/roles.ts';
import { totpAddress } from '../../access/totp.ts';
import { HoldfastError } from '../../base/errors.ts';
import { fromOf } from '../asker.ts';
import { cookieText, notSignedIn, sessionCookie, sessionSeconds } from '../authenticate.ts';
import type { Call, Handlers } from '../register.ts';
import type { ApiParts } from './parts.ts';

type SessionRoutes =
  | 'session'
  | 'entrance'
  | 'signIn'
  | 'signOut'
  | 'setUp'
  | 'changePassword'
  | 'beginTotp'
  | 'confirmTotp'
  | 'removeTotp';

export function sessionHandlers(parts: ApiParts): Pick<Handlers, SessionRoutes> {
  const { house, access, publicUrl } = parts;
  const { catalog } = house;
  const setCookie = ({ request, reply }: Call, secret: string | null) => {
    // The protocol is that of a trusted proxy, where there is one.
    const secure = (publicUrl?.startsWith('https:') ?? false) || request.protocol === 'https';
    const facts = { seconds: sessionSeconds, path: '/', site: 'Strict', secure } as const;
    reply.header('set-cookie', cookieText(sessionCookie, secret, facts));
  };
  const enter = async (call: Call, given: { name: string; password: string; code?: string | undefined }) => {
    const agent = call.request.headers['user-agent'] ?? '';
    const { secret, principal } = await access.signIn({ ...given, from: fromOf(call.request), agent });
    setCookie(call, secret.reveal());
    return view(parts, principal);
  };

  return {
    session: (call) => view(parts, whoAsks(call)),
    entrance: () => ({ setUp: catalog.users.list().length === 0, provider: parts.provider?.name ?? null }),
    signIn: (call) => enter(call, call.body),
    signOut: (call) => {
      const { kind, id } = whoAsks(call);
      if (kind === 'user') access.signOut(id);
      setCookie(call, null);
    },
    setUp: async (call) => {
      const { token, name, password } = call.body;
      await access.setUp(token, { name, password }, fromOf(call.request));
      return enter(call, { name, password });
    },
    changePassword: async (call) => {
      const { name } = person(call);
      await confirmed(parts, call, call.body.current);
      await access.setPassword(name, call.body.password);
      setCookie(call, null);
    },
    beginTotp: (call) => {
      const { name } = person(call);
      const { secret } = access.beginTotp(name);
      return { secret, address: totpAddress(secret, name, house.instance) };
    },
    confirmTotp: async (call) => {
      const { secret, code, password } = call.body;
      const { name } = person(call);
      await confirmed(parts, call, password);
      return access.confirmTotp(name, secret, code);
    },
    removeTotp: async (call) => {
      const { name } = person(call);
      await confirmed(parts, call, call.body.password);
      access.removeTotp(name);
    },
  };
}

function whoAsks({ principal }: Call): Principal {
  if (!principal) throw notSignedIn();
  return principal;
}

function person(call: Call): Principal {
  const principal = whoAsks(call);
  if (principal.kind === 'user') return principal;
  throw new HoldfastError('NOT_ALLOWED', 'this is for people, not for tokens', {
    kind: 'refused',
    hint: 'Sign in with name and password, as the console does.',
  });
}

/** A session that somebody left open must not be enough to lock its owner out. */
async function confirmed({ access }: ApiParts, call: Call, password: string): Promise<void> {
  await access.confirm({ name: person(call).name, password, from: fromOf(call.request) });
}

function view({ house }: ApiParts, { name, kind, grant }: Principal) {
  const all: Principal['grant'] = { ...grant, sources: null };
  return {
    name,
    kind,
    role: grant.role satisfies Role,
    sources: grant.sources && [...grant.sources],
    actions: actions.filter((action) => allows(all, action, null)),
    totp: kind === 'user' && typeof house.catalog.users.get(name)?.totp === 'string',
    instance: house.instance,
    version: house.version,
    timezone: house.timezone,
  };
}
