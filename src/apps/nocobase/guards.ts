import { formatCount } from '../../base/units.ts';
import type { AppGuard } from '../app.ts';
import { losesWithoutKeys, type NocobaseFacts } from './facts.ts';
import { knowsDatabase, shapeOfEnvironment, type Shape } from './find-app.ts';
import type { AppEnvironment } from './env-file.ts';
import type { Running } from './running.ts';
import { compareVersions, serverNumber } from './versions.ts';

/** In the words of the console, too. */
export const appGuardCodes = [
  'app-stopped',
  'app-version',
  'app-dialect',
  'app-settings',
  'app-underscored',
  'app-prefix',
  'app-schema',
  'app-server',
  'app-plugins',
  'app-keys',
] as const;
type AppGuardCode = (typeof appGuardCodes)[number];

/** What is known of the place an application is restored to. */
export interface Target {
  environment: Pick<AppEnvironment, 'file' | 'values'>;
  running: Running;
  /** Of the programs; null: not to be seen from here. */
  codeVersion: string | null;
  /** In the database that is there now; null: there is none, or no NocoBase in it. */
  live: { version: string | null; shape: Shape | null; serverVersion: string; engine: string } | null;
  /** Null: not to be seen from here. */
  missingPlugins: readonly string[] | null;
  /** Of the key that is there now. */
  aesKey: string | null;
}

/** What is asked of the application alone, whatever comes in under it. Pure. */
export function evaluateRunning(running: Running, allowed: readonly string[]): AppGuard {
  return lift(checkRunning(running), allowed);
}

/** In the order a person wants to read them. Pure. */
export function evaluate(saved: NocobaseFacts, target: Target, allowed: readonly string[]): AppGuard[] {
  return [
    checkRunning(target.running),
    checkVersion(saved, target),
    checkDialect(saved, target),
    ...checkShape(saved, target),
    checkServer(saved, target),
    checkPlugins(saved, target),
    checkKeys(saved, target),
  ]
    .filter((guard) => guard !== null)
    .map((guard) => lift(guard, allowed));
}

function lift(guard: AppGuard, allowed: readonly string[]): AppGuard {
  if (guard.result !== 'block' || !guard.override || !allowed.some((code) => guard.override === `--allow ${code}`)) {
    return guard;
  }
  return { ...guard, result: 'warn', detail: `${guard.detail} (allowed by the operator)` };
}

function checkRunning(running: Running): AppGuard {
  if (running.state === 'stopped') return pass('app-stopped', running.detail);
  if (running.state === 'unknown') {
    return warn('app-stopped', `${running.detail}: nobody can tell from here whether NocoBase is stopped; see to it`);
  }
  const detail = `NocoBase runs: ${running.detail}; it would go on with the collections of the old database. Stop it first`;
  return { ...block('app-stopped', detail, '--allow app-stopped'), momentary: true };
}

function checkVersion(saved: NocobaseFacts, { codeVersion, live }: Target): AppGuard {
  const version = codeVersion ?? live?.version ?? null;
  if (version === null) {
    return warn(
      'app-version',
      `made by NocoBase ${saved.version}; the version here cannot be seen, and must not be older`,
    );
  }
  const seen = codeVersion === null ? 'the database here says' : 'the programs here are';
  const difference = compareVersions(saved.version, version);
  if (difference === null)
    return warn('app-version', `made by NocoBase ${saved.version || 'of an unknown version'}, ${seen} ${version}`);
  const detail = `made by NocoBase ${saved.version}, ${seen} ${version}`;
  if (difference <= 0) return pass('app-version', detail);
  return block(
    'app-version',
    `${detail}, which is older and knows nothing of what newer ones changed; upgrade the programs first`,
    '--allow app-version',
  );
}

function checkDialect(saved: NocobaseFacts, { environment, live }: Target): AppGuard | null {
  const said = environment.values.get('DB_DIALECT') ?? live?.engine;
  if (said === undefined) return null;
  if (said === saved.dialect) return pass('app-dialect', said);
  return block(
    'app-dialect',
    `made with ${saved.dialect || 'an unknown dialect'}, and the application here uses ${said}`,
  );
}

function checkShape(saved: NocobaseFacts, { environment, live }: Target): AppGuard[] {
  const known = knowsDatabase(environment);
  const here = known ? shapeOfEnvironment(environment) : (live?.shape ?? null);
  if (here === null) {
    const detail = `the settings of the application here cannot be seen; they must be: ${settingsFor(saved).join(', ') || 'none of DB_SCHEMA, DB_TABLE_PREFIX, DB_UNDERSCORED'}`;
    return [warn('app-settings', detail)];
  }
  const where = known ? (environment.file ?? 'its settings') : 'the database here';
  return [
    saved.underscored === here.underscored
      ? pass('app-underscored', String(saved.underscored))
      : block(
          'app-underscored',
          `the backup has underscored ${saved.underscored}, ${where} ${here.underscored}: NocoBase would look for other tables. Set DB_UNDERSCORED=${saved.underscored}`,
        ),
    saved.tablePrefix === here.tablePrefix
      ? pass('app-prefix', saved.tablePrefix || 'none')
      : block(
          'app-prefix',
          `the backup has the table prefix ${saved.tablePrefix || '(none)'}, ${where} ${here.tablePrefix || '(none)'}: NocoBase would look for other tables. Set DB_TABLE_PREFIX=${saved.tablePrefix}`,
        ),
    checkSchema(saved, here, where),
  ];
}

function checkSchema(saved: NocobaseFacts, here: Shape, where: string): AppGuard {
  if (saved.schema === here.schema) return pass('app-schema', saved.schema || 'public or none');
  const detail = `the backup has the schema ${saved.schema || 'public'}, ${where} ${here.schema || 'public'}`;
  if (saved.dialect !== 'postgres') return block('app-schema', detail);
  return block(
    'app-schema',
    `${detail}; with --allow app-schema everything is moved to ${here.schema || 'public'}`,
    '--allow app-schema',
  );
}

function settingsFor({ schema, tablePrefix, underscored }: Shape): string[] {
  return [
    ...(schema ? [`DB_SCHEMA=${schema}`] : []),
    ...(tablePrefix ? [`DB_TABLE_PREFIX=${tablePrefix}`] : []),
    ...(underscored ? ['DB_UNDERSCORED=true'] : []),
  ];
}

function checkServer(saved: NocobaseFacts, { live }: Target): AppGuard | null {
  if (saved.serverVersion === null || live === null) return null;
  const from = serverNumber(saved.dialect, saved.serverVersion);
  const to = serverNumber(saved.dialect, live.serverVersion);
  if (from === null || to === null) return null;
  const detail = `made on ${saved.serverVersion}, the server here is ${live.serverVersion}`;
  if (to >= from) return pass('app-server', detail);
  return block('app-server', `${detail}, which is older`, '--allow server-version');
}

function checkPlugins({ plugins }: NocobaseFacts, { missingPlugins }: Target): AppGuard | null {
  if (missingPlugins === null) return null;
  if (missingPlugins.length === 0)
    return pass('app-plugins', `${formatCount(plugins.length, 'plugin')} of the backup, none missing`);
  return warn(
    'app-plugins',
    `plugins of the backup that are not installed here: ${missingPlugins.join(', ')}; NocoBase starts without them`,
  );
}

function checkKeys(saved: NocobaseFacts, { aesKey }: Target): AppGuard | null {
  if (saved.keys === 'saved' || saved.aesKey === null) return null;
  if (saved.aesKey === aesKey) return pass('app-keys', 'the key that is here is the one of the backup');
  if (!losesWithoutKeys(saved)) return pass('app-keys', 'nothing in the database needs the key');
  const what = saved.needsKeys
    ? `${formatCount(saved.needsKeys.secretVariables, 'secret variable')} and ${formatCount(saved.needsKeys.encryptedFields, 'encrypted field')} stay`
    : 'secret variables and encrypted fields, if there are any, stay';
  return block(
    'app-keys',
    `the backup has no keys, and the one here is ${aesKey === null ? 'missing' : 'another one'}: ${what} cipher text. Put back aes_key.dat of the application first`,
    '--allow app-keys',
  );
}

function pass(code: AppGuardCode, detail: string): AppGuard {
  return { code, result: 'pass', detail, override: null };
}
function warn(code: AppGuardCode, detail: string): AppGuard {
  return { code, result: 'warn', detail, override: null };
}
function block(code: AppGuardCode, detail: string, override: string | null = null): AppGuard {
  return { code, result: 'block', detail, override };
}
