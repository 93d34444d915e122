import { createApp } from './app.ts';
import { closeApp, listenAt } from './listen.ts';
import type { ServerOptions } from './options.ts';

/** Disposing it lets running answers finish, for some seconds. */
export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:8420`, or `unix:/run/holdfast.sock`; what the daemon's record and `holdfast health` use. */
  readonly address: string;
}

/** Opens the HTTP server of a daemon. Rejects with `LISTEN_*` when the address cannot be had. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const app = createApp(options);
  try {
    const address = await listenAt(app, options.settings.listen);
    return { address, [Symbol.asyncDispose]: () => closeApp(app) };
  } catch (error) {
    await app.close();
    throw error;
  }
}
