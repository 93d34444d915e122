import { isIP } from 'node:net';
import { z } from 'zod';
import { line, size, truth } from './fields.ts';

/** Where the server listens: a host and a port, or a socket in the file system. */
export type ListenAddress = { host: string; port: number } | { path: string };

const allowed =
  'must be a host and a port such as 127.0.0.1:8420 or [::1]:8420, the path of a socket such as /run/holdfast.sock, or off';

const listen = z
  .string({ error: allowed })
  .transform((text, context): ListenAddress | null => {
    if (text === 'off') return null;
    const address = readListen(text);
    if (address !== null) return address;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  })
  .meta({
    description: 'A host and a port, or the path of a socket; default 127.0.0.1:8420. off: no server at all.',
  });

const address = z
  .string({ error: 'must be an address such as https://backup.example.com' })
  .refine(isWebAddress, 'must be an address such as https://backup.example.com, without a user or a query')
  // The console asks for its files and for /api at the top; of a path it would show nothing, and links in messages would lead nowhere.
  .refine(
    (text) => !isWebAddress(text) || new URL(text).pathname === '/',
    'must be an address such as https://backup.example.com, without a path: the console needs a name or a port of its own',
  )
  .meta({ description: 'Where people reach the server, when something stands before it; used in links.' });

const groups = (what: string) =>
  z
    .array(line())
    .default([])
    .meta({ description: `Groups whose members are ${what}.` });

const provider = z
  .strictObject({
    name: line().max(60).default('single sign-on').meta({ description: 'What the button says.' }),
    issuer: z
      .string()
      .refine(isIssuer, 'must be an address such as https://login.example.com; http only for this machine')
      .meta({ description: 'The address of the OpenID Connect provider.' }),
    clientId: line(),
    clientSecret: line().optional(),
    groupsClaim: line().default('groups').meta({ description: 'Where the provider says in which groups somebody is.' }),
    admins: groups('admins'),
    operators: groups('operators'),
    viewers: groups('viewers'),
    everybody: z
      .enum(['viewer', 'operator', 'admin'])
      .nullable()
      .default(null)
      .meta({ description: 'The role of who is in none of these groups; default: they are not let in.' }),
  })
  .meta({ description: 'Sign-in by OpenID Connect, beside users with passwords.' });

const settings = z
  .strictObject({
    listen: listen.prefault('127.0.0.1:8420'),
    publicUrl: address.nullable().default(null),
    trustedProxies: z
      .array(z.string().refine(isNetwork, 'must be an address such as 10.0.0.2, a network such as 10.0.0.0/8, or unix'))
      .default([])
      .meta({
        description:
          'Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; unix: whoever asks through the socket of `listen`; default: none.',
      }),
    maxUpload: size().prefault('50gb').meta({ description: 'The largest file that can be uploaded to be imported.' }),
    provider: provider.nullable().default(null),
    metrics: truth().default(true).meta({ description: 'Whether /metrics answers.' }),
    metricsToken: line().min(16, 'must have at least 16 characters').nullable().default(null).meta({
      description: 'What Prometheus shows as its bearer token. Without it, /metrics answers this machine only.',
    }),
  })
  .transform(({ listen: at, ...rest }) => (at === null ? null : { listen: at, ...rest }));

/** Null: no HTTP server. */
export const serverSchema = z.union([z.literal(false).transform(() => null), settings], {
  error: 'must be false, or a map with listen, publicUrl, trustedProxies, maxUpload, provider, metrics or metricsToken',
});

export function readListen(text: string): ListenAddress | null {
  if (text.startsWith('/')) return { path: text };
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)):(\d{1,5})$/i.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  return host === undefined || port > 65_535 ? null : { host, port };
}

function isIssuer(text: string): boolean {
  if (!isWebAddress(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function isNetwork(text: string): boolean {
  if (text === 'unix') return true;
  const [number = '', bits, ...more] = text.split('/');
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(number)] ?? -1;
  return (
    more.length === 0 && longest > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  );
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}
