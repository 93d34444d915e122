import { clientTools, hasServer, type Major } from './postgres.ts';

/** Says which parts of the tests cannot run on this machine; in CI a missing required part is an error. */
export default function checkMachine(): void {
  const missing: string[] = [];
  if (!hasServer(15) || clientTools(15) === null) {
    const message = 'PostgreSQL 15 is missing: apt-get install postgresql-15 (every integration test needs it)';
    if (process.env.CI) throw new Error(message);
    missing.push(message);
  }
  const majors: Major[] = [14, 16, 17, 18];
  for (const major of majors) {
    if (!hasServer(major)) missing.push(`server ${major}: npm ci brings it on Linux x64; its tests are skipped`);
  }
  for (const major of [17, 18]) {
    if (clientTools(major) === null) missing.push(`client tools ${major}: not installed; their tests are skipped`);
  }
  for (const line of missing) process.stderr.write(`not here: ${line}\n`);
}
