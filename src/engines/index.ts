import { postgres } from './postgres/postgres.ts';

/** Every engine there is, under the name that `database.engine` says. A new one is a folder and a line here. */
export const engines = { postgres };
