import { losesWithoutKeys, type NocobaseFacts } from './facts.ts';
import { compareVersions } from './versions.ts';

/** What the operator has to do when everything is in its place. Pure. */
export function nextSteps(
  saved: Pick<NocobaseFacts, 'version' | 'keys' | 'needsKeys'>,
  { app, codeVersion }: { app: string; codeVersion: string | null },
): string[] {
  const steps: string[] = [];
  if (losesWithoutKeys(saved)) {
    steps.push(
      'The backup has no keys: before NocoBase starts, put back its aes_key.dat, or secret values stay unreadable.',
    );
  }
  const difference = codeVersion === null ? null : compareVersions(saved.version, codeVersion);
  if (codeVersion === null || difference === null) {
    steps.push(
      `Start NocoBase ${saved.version}. With newer programs, run \`yarn nocobase upgrade\` first; its images do so by themselves when they start.`,
    );
  } else if (difference === 0) {
    steps.push(`Start NocoBase: it is the version of the backup (${codeVersion}), so nothing has to be upgraded.`);
  } else if (difference < 0) {
    steps.push(
      `Run \`yarn nocobase upgrade\` in ${app}, then start NocoBase: the backup is of ${saved.version}, the programs are ${codeVersion}, and a plain start does not adapt the database.`,
    );
  } else {
    steps.push(
      `Do not start NocoBase ${codeVersion} yet: the backup is of ${saved.version}. Install that version or a newer one first.`,
    );
  }
  return steps;
}
