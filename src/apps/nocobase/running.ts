import { connect } from 'node:net';
import { readCodeVersion } from './code-version.ts';
import type { AppEnvironment } from './env-file.ts';
import type { NocobaseSettings } from './options.ts';
import type { Places } from './places.ts';

/** `unknown`: nothing here tells. */
export interface Running {
  state: 'running' | 'stopped' | 'unknown';
  detail: string;
}

const limitMs = 3_000;

/**
 * Sessions of the database say nothing: NocoBase closes those it does not need. A running one holds a socket in its storage folder, and
 * answers on its port.
 */
export async function isRunning(
  settings: NocobaseSettings,
  { places, environment }: { places: Places; environment: AppEnvironment },
  signal: AbortSignal,
): Promise<Running> {
  const { socket } = places;
  if (await accepts(socket)) return { state: 'running', detail: `it listens on ${socket}` };
  const address = healthAddress(settings, environment);
  if (address === null) return { state: 'unknown', detail: 'neither its address nor its settings are known' };
  const answer = await ask(address, signal);
  // Its settings say where it answers inside of its container; from here, that may be anything.
  if (answer === null && settings.url === null && (await readCodeVersion(places)) === null) {
    const detail = `nothing answers at ${address}, but its programs lie elsewhere, as in an image: set app.url to where it answers`;
    return { state: 'unknown', detail };
  }
  return judgeAnswer(address, answer);
}

/** Null: nobody said where. A port that only NocoBase's own default suggests is not asked when there are no settings at all. */
export function healthAddress(
  settings: Pick<NocobaseSettings, 'url'>,
  { file, values }: Omit<AppEnvironment, 'text'>,
): string | null {
  if (settings.url === null && file === null) return null;
  const host = values.get('APP_HOST') ?? '127.0.0.1';
  const everywhere = host === '0.0.0.0' || host === '::';
  const base = settings.url ?? `http://${everywhere ? '127.0.0.1' : host}:${values.get('APP_PORT') ?? '13000'}`;
  const path = [
    settings.url === null ? (values.get('APP_PUBLIC_PATH') ?? '') : '',
    values.get('API_BASE_PATH') ?? '/api/',
  ]
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '');
  return `${base}/${[...path, '__health_check'].join('/')}`;
}

export interface Answer {
  status: number;
  body: string;
}

/** Pure. Null: nothing answered. */
export function judgeAnswer(address: string, answer: Answer | null): Running {
  if (answer === null) return { state: 'stopped', detail: `nothing answers at ${address}` };
  const { status, body } = answer;
  if (status === 200 && body.trim() === 'ok') return { state: 'running', detail: `it answers at ${address}` };
  // While it starts, stops or is upgraded, it says so in JSON with a code of its own.
  if (/"code"\s*:\s*"APP_/.test(body)) return { state: 'running', detail: `it answers at ${address}, and is busy` };
  if (status === 502 || status === 504) {
    return { state: 'stopped', detail: `what stands before it at ${address} does not reach it (${status})` };
  }
  return {
    state: 'unknown',
    detail: `something answers at ${address}, and it does not look like NocoBase (${status})`,
  };
}

function accepts(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.setTimeout(limitMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

async function ask(address: string, signal: AbortSignal): Promise<Answer | null> {
  try {
    const answer = await fetch(address, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    });
    return { status: answer.status, body: (await answer.text()).slice(0, 10_000) };
  } catch (error) {
    if (signal.aborted) throw error;
    // Something that takes the connection and says nothing is no proof that it stopped.
    return error instanceof Error && error.name === 'TimeoutError' ? { status: 0, body: '' } : null;
  }
}
