import { createClient, type Client } from '../../src/api/client.ts';
import { routes } from '../../src/api/contract.ts';
import type { Ended, Installation } from './holdfast.ts';
import { until } from './until.ts';

export interface Served extends AsyncDisposable {
  /** `http://127.0.0.1:40123` */
  base: string;
  /** From the log, where there is no user yet. */
  setupToken: string | null;
  pid: number;
  said(): string;
  client(token?: string, headers?: Record<string, string>): Client;
  /** Makes a token with the command line, in another process. */
  token(name: string, ...options: string[]): Promise<string>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<Ended>;
}

/** What goes into the configuration so that `serveHoldfast` finds a free port. */
export const anyPort = { listen: '127.0.0.1:0' };

/** The real program as `holdfast serve`, once it answers. */
export async function serveHoldfast(holdfast: Installation, env: Record<string, string> = {}): Promise<Served> {
  const { child, ended } = holdfast.start(env, 'serve');
  let said = '';
  child.stderr?.on('data', (text: string) => (said += text));
  let over: Ended | null = null;
  void ended.then((end) => (over = end));
  // The greeting ends with the plans; the line with the address comes before them.
  const address = () => /HTTP at (http:\S+)\n/.exec(said)?.[1];
  await until(() => address() !== undefined || over !== null, 'serve answers');
  const base = address();
  if (base === undefined) throw new Error(`serve ended:\n${said}`);
  const { setUp } = (await (await fetch(`${base}/api/v1/entrance`)).json()) as { setUp: boolean };
  if (setUp) await until(() => /setup token \S+\n/.test(said), 'the setup token is told');
  const client: Served['client'] = (token, headers = {}) => createClient(routes, { base, token, headers });
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return {
    base,
    setupToken: /setup token (\S+)/.exec(said)?.[1] ?? null,
    pid: child.pid ?? 0,
    said: () => said,
    client,
    token: async (name, ...options) =>
      (await holdfast.json<{ token: string }>('token', 'create', name, ...options)).token,
    signal: (name) => child.kill(name),
    stop,
    [Symbol.asyncDispose]: async () => {
      if (over === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The cookie of a session, as a browser would send it with a page's own header. */
export async function signIn(
  { base }: Pick<Served, 'base'>,
  given: { name: string; password: string; code?: string },
): Promise<{ cookie: string }> {
  const response = await fetch(`${base}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-holdfast': '1' },
    body: JSON.stringify(given),
  });
  if (!response.ok) throw new Error(`sign-in answered ${response.status}: ${await response.text()}`);
  return { cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}
