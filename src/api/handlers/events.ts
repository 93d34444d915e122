import { mayReadRun } from '../../access/roles.ts';
import { HoldfastError } from '../../base/errors.ts';
import { authenticate } from '../authenticate.ts';
import type { Call, Handlers } from '../register.ts';
import type { Change } from '../run-watch.ts';
import { grantOf, runToView, type ApiParts } from './parts.ts';

/** Proxies close connections that are silent for a minute. */
const aliveEveryMs = 20_000;
/** Whoever was shown out must not go on to watch. */
const doorEveryMs = 5_000;
/** A reader that does not read must not fill the memory; it comes back by itself. */
const mostUnread = 1024 * 1024;

/** What happens, in any process on this state folder. */
export function eventHandlers(parts: ApiParts): Pick<Handlers, 'events'> {
  const { house, watch, closing, reloading } = parts;
  const open = new Map<string, number>();
  return {
    events: async (call) => {
      const { reply, signal } = call;
      const { raw } = reply;
      const grant = grantOf(call);
      using _place = takePlace(open, `${call.principal?.kind} ${call.principal?.name}`);
      const ended = Promise.withResolvers<void>();
      const end = () => ended.resolve();
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value);
      raw.setHeader('content-type', 'text/event-stream; charset=utf-8');
      raw.setHeader('x-accel-buffering', 'no');
      raw.writeHead(200);
      const send = (text: string) => {
        if (raw.writableLength > mostUnread) raw.destroy();
        else raw.write(text);
      };
      const tell = (change: Change) => {
        // That somebody looked tells of no source.
        if (change.kind === 'checked') return send('event: checked\ndata: {}\n\n');
        const about = change.kind === 'run' ? change.run : change;
        if (!mayReadRun(grant, about)) return;
        const data = change.kind === 'run' ? runToView(house, change.run) : { source: change.source };
        send(`event: ${change.kind}\ndata: ${JSON.stringify(data)}\n\n`);
      };
      using _listening = watch.listen(tell);
      // Told as an event, because pages do not see comments: without it they take the connection for one that has died.
      const tellAlive = () => send('event: alive\ndata: {}\n\n');
      send('retry: 2000\n\n');
      tellAlive();
      const alive = setInterval(tellAlive, aliveEveryMs);
      const door = setInterval(() => !isStillIn(call, parts) && end(), doorEveryMs);
      raw.once('close', end);
      closing.addEventListener('abort', end, { once: true });
      if (signal.aborted || raw.destroyed || closing.aborted) end();
      await ended.promise;
      clearInterval(alive);
      clearInterval(door);
      closing.removeEventListener('abort', end);
      // Others take over in a moment; without a word, it would look like a loss.
      if (reloading.handingOver()) send('retry: 100\nevent: renewed\ndata: {}\n\n');
      raw.end();
    },
  };
}

/** A browser takes one for each of its pages; the connections of the server are for everybody. */
const mostStreams = 20;

function takePlace(open: Map<string, number>, who: string): Disposable {
  const before = open.get(who) ?? 0;
  if (before >= mostStreams) {
    throw new HoldfastError('EVENTS_TOO_MANY', `there are ${mostStreams} streams of events for one who asks already`, {
      kind: 'busy',
      retryable: true,
      hint: 'Close some of them.',
    });
  }
  open.set(who, before + 1);
  return {
    [Symbol.dispose]: () => {
      const left = (open.get(who) ?? 1) - 1;
      if (left === 0) open.delete(who);
      else open.set(who, left);
    },
  };
}

function isStillIn({ request }: Call, parts: ApiParts): boolean {
  try {
    return authenticate(request, parts) !== null;
  } catch {
    return false;
  }
}
