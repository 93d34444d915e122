// One file because the guards are one checklist, in the order a person reads it.
import { describeNewer, type NewerBackup } from '../care/stock/select.ts';
import { describeLeftOut, type LeftOut } from '../care/stock/left-out.ts';
import type { DatabaseFacts, Leftover, Obstacle, ServerFacts, TargetFacts } from '../engines/engine.ts';

/** One named check before a restore. A block may have an override of its own; `--yes` never skips one. */
export interface Guard {
  /** Ours, or one of the application's. */
  code: string;
  result: 'pass' | 'warn' | 'block';
  detail: string;
  /** How the operator lifts this block, or null when nothing but another way of restoring helps. */
  override: string | null;
}

export const guardCodes = [
  'latest',
  'target',
  'rights',
  'server-version',
  'encoding',
  'collation',
  'roles',
  'extensions',
  'sessions',
  'script',
  'excluded',
  'superuser',
  'tools',
  'swap',
  'around',
] as const;
export type GuardCode = (typeof guardCodes)[number];

export type RestoreMode = 'swap' | 'new' | 'in-place';

export interface GuardFacts {
  mode: RestoreMode;
  /** The name of the database that will hold the data in the end. */
  name: string;
  /** What the backup says about its database; null for a dump that was not made here. */
  backup: DatabaseFacts | null;
  server: ServerFacts;
  /** The database of that name as it is now. */
  target: TargetFacts | null;
  /** It carries the mark of a restore that has not proven it. */
  unproven: Leftover | null;
  owners: 'keep' | 'none';
  whole: boolean;
  /** Whoever asks may fill a new or an empty database, and no other one. */
  onlyNew: boolean;
  /** The name belongs to the server. */
  reserved: boolean;
  /** Other sessions are ended, or make the restore refuse. */
  sessions: 'disconnect' | 'refuse';
  /** Text of foreign origin that an interpreter would run. */
  foreignScript: boolean;
  /** What lives and is in no backup. */
  leftOut: LeftOut;
  /** The database that lives now stays, under another name. */
  keepsOld: boolean;
  /** A dump of foreign origin that nobody has let run with any rights yet. */
  foreignDump: boolean;
  /** The newest backup, where the `latest` that was asked for is another. */
  newer: NewerBackup | null;
  /** What the engine itself would stop at later. */
  obstacles: readonly Obstacle[];
  /** What will not be as it was around what is replaced inside a database. */
  consequences: readonly string[];
  /** The engine can restore inside the live database. */
  inPlace: boolean;
  /** The database is a file: what fills it as a whole brings its encoding along. */
  file: boolean;
  /** Codes of guards the operator has lifted. */
  allowed: readonly string[];
}

/** All guards, in the order a person wants to read them. Pure: the same facts always give the same checklist. */
export function evaluateGuards(facts: GuardFacts): Guard[] {
  const { newer } = facts;
  const guards = [
    newer && warn('latest', describeNewer(newer)),
    checkTarget(facts),
    checkRights(facts),
    checkServerVersion(facts),
    checkEncoding(facts),
    checkCollation(facts),
    checkRoles(facts),
    checkExtensions(facts),
    checkSessions(facts),
    checkScript(facts),
    checkExcluded(facts),
    checkSuperuser(facts),
    checkObstacle(facts, 'tools', '--allow unpatched'),
    checkObstacle(facts, 'swap', facts.inPlace ? '--in-place' : null),
    checkAround(facts),
  ].filter((guard) => guard !== null);
  return guards.map((guard) => lift(guard, facts.allowed));
}

export function blocking(guards: readonly Guard[]): Guard[] {
  return guards.filter((guard) => guard.result === 'block');
}

function lift(guard: Guard, allowed: readonly string[]): Guard {
  if (guard.result !== 'block' || guard.override !== `--allow ${guard.code}` || !allowed.includes(guard.code))
    return guard;
  return { ...guard, result: 'warn', detail: `${guard.detail} (allowed by the operator)` };
}

function checkTarget({ mode, name, target, unproven, whole, onlyNew, reserved }: GuardFacts): Guard {
  if (mode === 'swap') {
    return target
      ? pass('target', `${name} exists and stays as it is until the restored one is proven`)
      : pass('target', `${name} does not exist and will be created`);
  }
  if (mode === 'in-place') {
    if (!target) return block('target', `${name} does not exist: there is no place to restore in`);
    return pass('target', `${name} is changed in one transaction that is undone when anything is wrong`);
  }
  if (onlyNew && reserved) return block('target', `${name} belongs to the server`);
  if (!target) return pass('target', `${name} does not exist and will be created`);
  if (unproven) return block('target', describeUnproven(name, unproven));
  if (target.relations === 0) return pass('target', `${name} exists and is empty`);
  const holds = `${name} exists and holds ${target.relations} tables and other objects`;
  if (whole || onlyNew) return block('target', `${holds}; only an empty one is filled`);
  return warn('target', `${holds}; the chosen parts replace theirs there, and no safety backup is made of it`);
}

function describeUnproven(name: string, { note, createdAt }: Leftover): string {
  const since = createdAt === null ? '' : `, since ${createdAt}`;
  return `${name} is being filled (${note}${since}), or was left by a run that was interrupted: then drop it`;
}

function checkRights({ mode, server, target, name, inPlace }: GuardFacts): Guard {
  const instead = inPlace ? '--in-place' : null;
  if (mode === 'in-place' || (mode === 'new' && target)) {
    if (server.mayNotChange) return block('rights', server.mayNotChange.reason);
    const owner = target?.facts.owner ?? '';
    const what = owner === '' ? name : `what belongs to ${owner}`;
    return server.memberOf.includes(owner)
      ? pass('rights', `${server.role} may change ${what}`)
      : warn(
          'rights',
          `${server.role} does not own ${name} (${owner} does); what it may not replace makes the restore end without a change`,
        );
  }
  if (server.mayNotCreate) {
    return block('rights', server.mayNotCreate.reason, mode === 'swap' && !server.mayNotChange ? instead : null);
  }
  if (mode === 'swap' && target && !server.memberOf.includes(target.facts.owner)) {
    return block(
      'rights',
      `role ${server.role} may not rename ${name}, which belongs to ${target.facts.owner}`,
      instead,
    );
  }
  return pass('rights', `${server.role} may create${mode === 'swap' ? ' and rename' : ''} databases`);
}

function checkServerVersion({ backup, server }: GuardFacts): Guard | null {
  if (!backup) return null;
  const from = majorOf(backup.engine, backup.serverVersion);
  const to = majorOf(backup.engine, server.version);
  if (to >= from) return pass('server-version', `made on ${backup.serverVersion}, restored on ${server.version}`);
  const detail = `made on ${backup.serverVersion}, this server is older (${server.version}) and may not know what the dump says`;
  return block('server-version', detail, '--allow server-version');
}

function checkEncoding(facts: GuardFacts): Guard | null {
  const { backup, target, mode, file } = facts;
  if (!backup) return null;
  // A swap creates the new database in the backup's encoding; only an existing target can differ.
  if (mode === 'swap' || !target || target.facts.encoding === backup.encoding) {
    return pass('encoding', backup.encoding);
  }
  if (file) return checkFileEncoding(facts, { from: backup.encoding, to: target.facts.encoding });
  const detail = `the backup is ${backup.encoding}, the target is ${target.facts.encoding}: text may be stored wrongly without any error`;
  return block('encoding', detail, '--allow encoding');
}

/** Text comes as the bytes it is, and its encoding with it: none of it can be taken for something else. */
function checkFileEncoding({ whole, target, name }: GuardFacts, { from, to }: { from: string; to: string }): Guard {
  // Nothing is known of one that is damaged.
  if (target?.relations === 0 || to === '') return pass('encoding', from);
  if (!whole) {
    return block('encoding', `the backup is ${from}, ${name} is ${to}: it takes over no tables of another encoding`);
  }
  return warn(
    'encoding',
    `${name} is ${to} and will be ${from}, as the backup is: programs that have it open must open it anew`,
  );
}

function checkCollation({ backup, target }: GuardFacts): Guard | null {
  if (!backup || !target) return null;
  const { collation, collationVersion } = target.facts;
  if (collation !== backup.collation) {
    return warn('collation', `the backup sorts by ${backup.collation}, the database there by ${collation}`);
  }
  if (collationVersion !== backup.collationVersion) {
    return warn(
      'collation',
      `${collation} is version ${collationVersion ?? 'unknown'} there, ${backup.collationVersion ?? 'unknown'} in the backup; indexes are built anew`,
    );
  }
  return pass('collation', `${collation} ${collationVersion ?? ''}`.trim());
}

function checkRoles({ backup, server, owners }: GuardFacts): Guard | null {
  if (!backup) return null;
  if (owners === 'none') return checkPolicyRoles(backup, server);
  const missing = backup.roles.filter((role) => !server.roles.includes(role));
  if (missing.length > 0) {
    return block(
      'roles',
      `roles missing on the server: ${missing.join(', ')}; create them (globals.sql in the backup has them)`,
      '--no-owner',
    );
  }
  const foreign = backup.owners.filter((role) => !server.memberOf.includes(role));
  if (foreign.length > 0 && !server.superuser) {
    return block(
      'roles',
      `role ${server.role} may not give objects to ${foreign.join(', ')}; without owners, privileges are not restored either`,
      '--no-owner',
    );
  }
  return pass('roles', backup.roles.length === 0 ? 'none needed' : backup.roles.join(', '));
}

/** Without owners no role is needed, except by row security: a policy for a role that does not exist cannot be made, and none may get lost unseen. */
function checkPolicyRoles(backup: DatabaseFacts, server: ServerFacts): Guard | null {
  const missing = backup.policyRoles.filter((role) => !server.roles.includes(role));
  if (missing.length === 0) return null;
  return block(
    'roles',
    `row security policies name roles that are missing on the server: ${missing.join(', ')}; create them (globals.sql in the backup has them)`,
  );
}

function checkExtensions({ backup, server }: GuardFacts): Guard | null {
  if (!backup) return null;
  const there = new Map(server.extensions.map((extension) => [extension.name, extension.version]));
  const missing = backup.extensions.filter((extension) => !there.has(extension.name));
  if (missing.length > 0) {
    return block('extensions', `not installed on the server: ${missing.map(({ name }) => name).join(', ')}`);
  }
  const other = backup.extensions.filter((extension) => there.get(extension.name) !== extension.version);
  if (other.length > 0) {
    const texts = other.map(({ name, version }) => `${name} ${version} → ${there.get(name)}`);
    return warn('extensions', `other versions: ${texts.join(', ')}`);
  }
  return pass('extensions', backup.extensions.map(({ name }) => name).join(', ') || 'none needed');
}

function checkSessions({ mode, target, sessions, name }: GuardFacts): Guard | null {
  if (mode === 'new' || !target) return null;
  const { length } = target.sessions;
  if (length === 0) return pass('sessions', `nobody else is connected to ${name}`);
  const who = [...new Set(target.sessions.map((each) => each.application || each.role))].join(', ');
  if (sessions === 'refuse') return block('sessions', `${length} connected: ${who}`, '--if-connected disconnect');
  if (mode === 'in-place') return warn('sessions', `${length} connected (${who}): they wait while tables are replaced`);
  const stubborn = target.sessions.filter((each) => !each.mayEnd);
  if (stubborn.length > 0) {
    const roles = [...new Set(stubborn.map((each) => each.role))].join(', ');
    return block(
      'sessions',
      `${stubborn.length} connected as ${roles}, whom this role may not disconnect; stop them first`,
    );
  }
  return warn('sessions', `${length} connected (${who}): they are disconnected at the moment of the swap`);
}

function checkScript({ foreignScript }: GuardFacts): Guard | null {
  if (!foreignScript) return null;
  return block(
    'script',
    'a plain SQL file that was not made here can do whatever the role may, and through older tools run commands on this machine',
    '--allow script',
  );
}

function checkExcluded({ leftOut, keepsOld, mode, name }: GuardFacts): Guard | null {
  const what = describeLeftOut(leftOut);
  if (what === null) return null;
  const why = {
    exclude: `dump.exclude keeps out of backups what ${name} has`,
    elsewhere: `the dump was not made here, and lacks what ${name} has`,
  }[leftOut.by];
  const detail = `${why}: ${what}`;
  if (keepsOld) return warn('excluded', `${detail}; it stays in the database that is kept`);
  return block('excluded', mode === 'swap' ? `${detail}; --keep-old keeps it` : detail, '--allow excluded');
}

function checkSuperuser({ foreignDump, server }: GuardFacts): Guard | null {
  if (!foreignDump || server.reaches.length === 0) return null;
  const may = `${server.role} may start programs and read files on the server (${server.reaches.join(', ')})`;
  return block('superuser', `${may}, and so could a dump that was not made here`, '--allow superuser');
}

function checkObstacle({ obstacles }: GuardFacts, code: Obstacle['stops'], override: string | null): Guard | null {
  const found = obstacles.filter(({ stops }) => stops === code);
  if (found.length === 0) return null;
  return block(code, found.map(({ reason }) => reason).join('; '), override);
}

function checkAround({ consequences }: GuardFacts): Guard | null {
  return consequences.length === 0 ? null : warn('around', `once it is restored: ${consequences.join('; ')}`);
}

/** `15.18 (Debian ...)` → 15; of MariaDB, MySQL, SQLite and PostgreSQL before 10, two numbers count: 10.6 is older than 10.11. */
function majorOf(engine: string, version: string): number {
  const [major = '0', minor = '0'] = version.split('.');
  const first = Number.parseInt(major, 10) * 1000;
  return engine === 'postgres' && first >= 10_000 ? first : first + Number.parseInt(minor, 10);
}

function pass(code: GuardCode, detail: string): Guard {
  return { code, result: 'pass', detail, override: null };
}
function warn(code: GuardCode, detail: string): Guard {
  return { code, result: 'warn', detail, override: null };
}
function block(code: GuardCode, detail: string, override: string | null = null): Guard {
  return { code, result: 'block', detail, override };
}
