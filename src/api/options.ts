import type { FastifyInstance } from 'fastify';
import type { Role } from '../access/roles.ts';
import type { Logger } from '../base/logger.ts';
import type { House } from '../house.ts';
import type { DaemonView } from '../schedule/daemon.ts';
import type { Console } from './console.ts';
import type { ListenAddress } from './listen.ts';

/** The section `server` of the configuration. */
export interface ServerSettings {
  readonly listen: ListenAddress;
  readonly publicUrl: string | null;
  /** Bytes. */
  readonly maxUpload: number;
  readonly provider: ProviderSettings | null;
  readonly metrics: boolean;
  /** Addresses and networks whose `X-Forwarded-*` is believed. */
  readonly trustedProxies: readonly string[];
  readonly metricsToken: string | null;
}

/** Sign-in by OpenID Connect. */
export interface ProviderSettings {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly groupsClaim: string;
  readonly admins: readonly string[];
  readonly operators: readonly string[];
  readonly viewers: readonly string[];
  readonly everybody: Role | null;
}

export interface ServerOptions {
  /** What routes work with; `House` has it all. */
  readonly house: ServedHouse;
  readonly daemon: DaemonView;
  readonly settings: ServerSettings;
  readonly logger: Logger;
  /** Adds what stands behind a session or a token. */
  readonly api?: ((app: FastifyInstance) => void) | undefined;
  /** What browsers get where there is no route. */
  readonly console?: Console | undefined;
}

export type ServedHouse = Pick<House, 'catalog' | 'clock' | 'version' | 'instance'> & {
  readonly sources: readonly { readonly name: string; readonly storages: readonly { readonly name: string }[] }[];
};
