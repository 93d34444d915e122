import type { AppDatabase, AppGuards } from '../app.ts';
import { schemaMoves } from './adjust.ts';
import { missingPlugins, readCodeVersion } from './code-version.ts';
import { readEnvironment, type AppEnvironment } from './env-file.ts';
import { dialectName, readFacts } from './facts.ts';
import { findApp, knowsDatabase, shapeOfEnvironment, type FoundApp } from './find-app.ts';
import { evaluate, evaluateRunning, type Target } from './guards.ts';
import { fingerprintOfAesKey, readKeyFiles } from './key-files.ts';
import { nextSteps } from './next-steps.ts';
import type { NocobaseSettings } from './options.ts';
import { placesOf } from './places.ts';
import { isRunning } from './running.ts';

export function createGuards(settings: NocobaseSettings): AppGuards {
  return {
    before: async (saved, live, { allowed, signal }) => {
      const facts = readFacts(saved.facts);
      const environment = await readEnvironment(settings);
      const places = placesOf(settings, environment);
      const found = await appIn(live, { settings, environment, signal });
      const target: Target = {
        environment,
        running: await isRunning(settings, { places, environment }, signal),
        codeVersion: await readCodeVersion(places),
        live: live && {
          version: found?.version ?? null,
          shape: found,
          serverVersion: live.serverVersion,
          engine: dialectName(live, environment),
        },
        missingPlugins: await missingPlugins(facts.plugins, places),
        aesKey: fingerprintOfAesKey(await readKeyFiles(places, environment), environment, places.aesKey),
      };
      return evaluate(facts, target, allowed);
    },
    stopped: async ({ allowed, signal }) => {
      const environment = await readEnvironment(settings);
      const places = placesOf(settings, environment);
      return evaluateRunning(await isRunning(settings, { places, environment }, signal), allowed);
    },
    adjust: async (saved, live, { allowed, signal }) => {
      const environment = await readEnvironment(settings);
      const here = knowsDatabase(environment)
        ? shapeOfEnvironment(environment)
        : await appIn(live, { settings, environment, signal });
      return schemaMoves(readFacts(saved.facts), here, allowed);
    },
    after: async (saved) => {
      const environment = await readEnvironment(settings);
      const places = placesOf(settings, environment);
      return nextSteps(readFacts(saved.facts), { app: places.app, codeVersion: await readCodeVersion(places) });
    },
  };
}

/** What is there to be replaced may be anything, also something half restored: that must not stand in the way. */
async function appIn(
  live: AppDatabase | null,
  { settings, environment, signal }: { settings: NocobaseSettings; environment: AppEnvironment; signal: AbortSignal },
): Promise<FoundApp | null> {
  if (live === null) return null;
  return findApp(live, settings, environment, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return null;
  });
}
