import { createApp } from './app.ts';
import type { Front } from './front.ts';
import type { ServerOptions } from './options.ts';

/** Disposing it lets running answers finish, for some seconds, unless others take their place behind the same front. */
export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:8420`, or `unix:/run/holdfast.sock`; what the daemon's record and `holdfast health` use. */
  readonly address: string;
}

/** Answers at the front. Rejects with `LISTEN_*` when the address cannot be had. */
export async function openServer(front: Front, options: ServerOptions): Promise<Server> {
  const app = createApp(options);
  try {
    await app.ready();
    const address = await front.listen(options.settings.listen);
    front.lead((request, response) => app.routing(request, response));
    return {
      address,
      [Symbol.asyncDispose]: async () => {
        // Ends streams of events, which would go on for ever.
        const closed = app.close();
        if (!front.holding()) await front.close();
        await closed;
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}
