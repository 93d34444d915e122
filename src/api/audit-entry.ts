import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/access.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { AuditRecord, Catalog } from '../catalog/catalog.ts';
import { patiently } from '../catalog/patiently.ts';
import { fromOf } from './asker.ts';
import type { Route } from './contract.ts';

/** What it turned out to be about; with a run, that run's end is the end of it. */
export interface AuditFacts {
  source?: string;
  target?: string;
  detail?: string;
  run?: string;
}

/** The line of one request in the audit log. */
export interface AuditEntry {
  /** Whether they may or not. */
  by(principal: Principal | null): void;
  /** They may. What changes something or takes it away is in the log from now on, and rejected when it cannot be. */
  begin(): void;
  about(facts: AuditFacts): void;
  end(outcome: 'done' | 'refused' | 'failed', code?: string): void;
}

interface Parts {
  catalog: Pick<Catalog, 'audit' | 'briefly'>;
  logger: Logger;
  now(): Date;
}

interface Asked {
  name: string;
  route: Route;
  request: FastifyRequest;
}

const endWithinMs = 60_000;

export function openAuditEntry({ catalog, logger, now }: Parts, { name, route, request }: Asked): AuditEntry {
  const facts: AuditFacts = {};
  let who: Principal | null = null;
  let number: number | null = null;
  const record = () => recordOf({ name: route.deed ?? name, request, principal: who, facts, at: now() });
  /** Whoever asked does not wait for it. */
  const tryTo = (write: () => void) => {
    patiently(catalog, write, { forMs: endWithinMs }).catch((error: unknown) => {
      logger.log('error', `the audit log could not be written: ${toHoldfastError(error).message}`, { action: name });
    });
  };
  return {
    by: (principal) => void (who = principal),
    begin: () => {
      if (who !== null && leavesTraces(route)) number = catalog.audit.begin(record());
    },
    about: (more) => {
      Object.assign(facts, more);
      if (number === null) return;
      const { detail, ...others } = more;
      catalog.audit.about(number, detail === undefined ? others : { ...others, detail: short(detail) });
    },
    end: (outcome, code) => {
      const known = number;
      if (known !== null) tryTo(() => catalog.audit.end(known, { outcome, detail: code ?? null }));
      else if (isWorthNoting(route, who, outcome, code))
        tryTo(() => catalog.audit.add({ ...record(), outcome, ...(code === undefined ? {} : { detail: code }) }));
    },
  };
}

/** Reading does not: who looked at a list says nothing. */
function leavesTraces({ method, action }: Route): boolean {
  return method !== 'GET' || action === 'download';
}

/**
 * Whoever was refused a right is noted, too. Strangers are only noted where a password was compared: anybody could fill the disk with the
 * rest.
 */
function isWorthNoting(route: Route, who: Principal | null, outcome: string, code: string | undefined): boolean {
  if (who === null) return route.method !== 'GET' && (outcome === 'done' || guesses.has(code ?? ''));
  return leavesTraces(route) || (outcome === 'refused' && code === 'NOT_ALLOWED');
}

const guesses: ReadonlySet<string> = new Set(['LOGIN_WRONG', 'LOGIN_CODE_WRONG', 'SETUP_TOKEN_WRONG']);

interface Known {
  name: string;
  request: FastifyRequest;
  principal: Principal | null;
  facts: AuditFacts;
  at: Date;
}

function recordOf({ name, request, principal, facts, at }: Known): Omit<AuditRecord, 'outcome'> {
  const params = (request.params ?? {}) as Record<string, unknown>;
  const body = (typeof request.body === 'object' ? (request.body ?? {}) : {}) as Record<string, unknown>;
  return {
    at: at.toISOString(),
    who: principal?.name ?? text(body['name']) ?? 'nobody',
    via: principal === null ? 'none' : principal.kind === 'token' ? 'token' : 'session',
    from: fromOf(request),
    action: name,
    source: facts.source ?? text(params['source'] ?? body['source']),
    target:
      facts.target ??
      text(
        params['id'] ??
          params['name'] ??
          params['filename'] ??
          body['backup_filename'] ??
          (principal && (body['name'] ?? body['id'])),
      ),
    run: facts.run ?? null,
    detail: facts.detail === undefined ? null : short(facts.detail),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? short(value) : null;
}

function short(value: string): string {
  return value.slice(0, 200);
}
