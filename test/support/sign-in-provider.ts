import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { freePort } from './loopback.ts';

export interface Person {
  groups: string[];
  email: string;
}

export interface SignInProvider extends AsyncDisposable {
  issuer: string;
  client: { clientId: string; clientSecret: string };
  people: Map<string, Person>;
}

/** A real OpenID Connect provider on loopback, with pages to sign in and to consent. */
export async function startSignInProvider(redirectUri: string): Promise<SignInProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const client = { clientId: 'holdfast', clientSecret: 'secret-of-the-client-0123456789' };
  const people = new Map<string, Person>();
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.clientId, client_secret: client.clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    cookies: { keys: ['for tests only'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, ...people.get(id) }),
    }),
  });
  const server = createServer(provider.callback()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    client,
    people,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A browser that follows redirects and keeps cookies by host and port, without pages. */
export function openBrowser() {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string) => {
    const { host } = new URL(url);
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };
  const visit = async (url: string, form?: Record<string, string>): Promise<{ url: string; response: Response }> => {
    const jar = jarOf(url);
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const [name = '', ...value] = pair.split('=');
      if (value.join('=') === '') jar.delete(name);
      else jar.set(name, value.join('='));
    }
    return { url, response };
  };
  return {
    cookie: (base: string, name: string) => jarOf(base).get(name),
    visit,
    /** Until a page that leads nowhere else, or to one that `stop` knows. */
    follow: async (start: string, stop: (url: string) => boolean, form?: Record<string, string>) => {
      let seen = await visit(start, form);
      for (let steps = 0; steps < 15; steps += 1) {
        const location = seen.response.headers.get('location');
        if (location === null) return { ...seen, next: null };
        const next = new URL(location, seen.url).href;
        if (stop(next)) return { ...seen, next };
        seen = await visit(next);
      }
      throw new Error('it leads round and round');
    },
  };
}
