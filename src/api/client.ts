import type { CallOf, ResponseOf, Route, RouteName, Routes } from './contract.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:8420`; nothing for a page of the same server. */
  base?: string;
  fetch?: typeof fetch;
  /** Without one, the session's cookie counts, where there is one. */
  token?: string | undefined;
  headers?: Record<string, string>;
}

/** What the server said instead of an answer. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;

  constructor(status: number, problem: { code?: string; detail?: string; hint?: string | null }) {
    super(problem.detail ?? `the server answered ${status}`);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = problem.code ?? 'UNKNOWN';
    this.hint = problem.hint ?? null;
  }
}

type Answer<R extends Route> = R['response'] extends 'stream' ? Response : ResponseOf<R>;
type Free<T> = undefined extends T ? true : Partial<T> extends T ? true : false;
type Needed<T> = { [Key in keyof T as Free<T[Key]> extends true ? never : Key]: T[Key] };
type Optional<T> = { [Key in keyof T as Free<T[Key]> extends true ? Key : never]?: T[Key] };
type Given<R extends Route> = Needed<CallOf<R>> & Optional<CallOf<R>>;
interface More {
  signal?: AbortSignal;
  /** For a route that takes a file. */
  content?: Blob | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}
type Arguments<R extends Route> =
  Partial<Given<R>> extends Given<R> ? [call?: Given<R> & More] : [call: Given<R> & More];

export type Client = {
  readonly [Name in RouteName]: (...call: Arguments<Routes[Name]>) => Promise<Answer<Routes[Name]>>;
};

/** What a client has to know of a route; the contract itself will do. */
export type RouteTable = { readonly [Name in RouteName]: Pick<Route, 'method' | 'path'> & { response?: unknown } };

/** A function for every route, with its types. Rejects with `ApiProblem`. */
export function createClient(routes: RouteTable, options: ClientOptions = {}): Client {
  const calls = Object.entries(routes).map(([name, route]) => [
    name,
    (call: Partial<CallOf<Route>> & More = {}) => send(route, call, options),
  ]);
  return Object.fromEntries(calls) as Client;
}

async function send(
  route: RouteTable[RouteName],
  call: Partial<CallOf<Route>> & More,
  { base = '', fetch: ask = fetch, token, headers }: ClientOptions,
): Promise<unknown> {
  const { method } = route;
  const file = call.content ?? null;
  const body = call.body === undefined ? file : JSON.stringify(call.body);
  const response = await ask(base + addressOf(route.path, call.params ?? {}, call.query ?? {}), {
    method,
    headers: {
      'x-holdfast': '1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { 'content-type': file ? 'application/octet-stream' : 'application/json' }),
      ...headers,
      ...call.headers,
    },
    ...(body === null ? {} : { body }),
    ...(call.signal ? { signal: call.signal } : {}),
  });
  if (!response.ok) throw new ApiProblem(response.status, await problemOf(response));
  if (route.response === 'stream') return response;
  return response.status === 204 ? undefined : response.json();
}

function addressOf(path: string, params: Record<string, unknown>, query: Record<string, unknown>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${filled}${search === '' ? '' : `?${search}`}`;
}

async function problemOf(response: Response): Promise<{ code?: string; detail?: string; hint?: string | null }> {
  try {
    return (await response.json()) as { code?: string };
  } catch {
    return {};
  }
}
