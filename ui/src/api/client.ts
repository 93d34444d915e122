import type { CallOf, GuardView, ResponseOf, Route, Routes } from '../../../src/api/contract.ts';

type Each = Routes[keyof Routes];
type Method = Each['method'];
type Paths<M extends Method> = Extract<Each, { method: M }>['path'];
type At<M extends Method, P extends string> = Extract<Each, { method: M; path: P }>;
type Sent<R extends Route> = {
  [Key in 'params' | 'query' | 'body' as CallOf<R>[Key] extends undefined ? never : Key]: CallOf<R>[Key];
};

interface Said {
  code: string;
  detail: string;
  hint: string | null;
  retryAfter?: number;
  errors?: { path: string; message: string }[];
  guards?: GuardView[];
}

/** What went wrong, with the code and the hint of the server. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  /** Seconds, where waiting helps. */
  readonly retryAfter: number;
  /** Which settings or fields are wrong, where it is about some. */
  readonly errors: readonly { path: string; message: string }[];
  /** What stands in the way, where it is about a restore. */
  readonly guards: readonly GuardView[];

  constructor(status: number, { code, detail, hint, retryAfter = 0, errors = [], guards = [] }: Said) {
    super(detail);
    this.guards = guards;
    this.errors = errors;
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}

interface Given {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

/** One call of the contract, checked by its types: `call('GET', '/backups/{source}/{id}', { params })`. */
export async function call<M extends Method, P extends Paths<M>>(
  method: M,
  path: P,
  sent: Partial<Sent<At<M, P>>> & { signal?: AbortSignal } = {},
): Promise<ResponseOf<At<M, P>>> {
  const { params, query, body } = sent as Given;
  const response = await fetch(addressOf(path, params, query), {
    method,
    credentials: 'same-origin',
    ...(sent.signal ? { signal: sent.signal } : {}),
    headers: { 'x-holdfast': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, { code: 'UNREACHABLE', detail: 'the server does not answer', hint: null });
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as ResponseOf<At<M, P>>;
  throw await problemIn(response);
}

/** For links and downloads as well. */
export function addressOf(
  path: string,
  params: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${filled}${search === '' ? '' : `?${search}`}`;
}

async function problemIn(response: Response): Promise<Problem> {
  return problemOf(response.status, await response.json().catch(() => null), response.statusText);
}

/** What the server said instead of an answer, or what stands between it and us. */
export function problemOf(status: number, answer: unknown, otherwise = ''): Problem {
  const said = answer as Partial<Said> | null;
  return new Problem(status, {
    code: said?.code ?? `HTTP_${status}`,
    detail: said?.detail ?? otherwise,
    hint: said?.hint ?? null,
    retryAfter: said?.retryAfter ?? 0,
    errors: Array.isArray(said?.errors) ? said.errors : [],
    guards: Array.isArray(said?.guards) ? said.guards : [],
  });
}
