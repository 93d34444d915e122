import { buildProgram, isProgramBuilt } from './built-program.ts';
import { chromiumProgram } from './browser.ts';
import { hasRadosgw } from './s3-server.ts';
import { clientTools, hasServer, type Major } from './postgres.ts';
import { rcloneProgram } from './rclone-remote.ts';
import { hasSshd } from './sftp-server.ts';
import { hasApache } from './webdav-server.ts';

/** Several projects ask for it, one after the other; once is enough. */
export default async function prepare(): Promise<(() => Promise<void>) | undefined> {
  if (isProgramBuilt()) return undefined;
  checkMachine();
  return await buildProgram();
}

/** Says which parts of the tests cannot run on this machine; in CI a missing required part is an error. */
function checkMachine(): void {
  const missing: string[] = [];
  if (!hasServer(15) || clientTools(15) === null) {
    const message = 'PostgreSQL 15 is missing: apt-get install postgresql-15 (every integration test needs it)';
    if (process.env.CI) throw new Error(message);
    missing.push(message);
  }
  if (!hasRadosgw()) {
    const message = 'Ceph is missing: apt-get install ceph-common ceph-mon ceph-osd radosgw (every S3 test needs it)';
    if (process.env.CI) throw new Error(message);
    missing.push(message);
  }
  if (!hasSshd()) missing.push('sshd: apt-get install openssh-server; the SFTP tests are skipped');
  if (!hasApache()) missing.push('Apache: apt-get install apache2-bin; the WebDAV tests with it are skipped');
  if (rcloneProgram() === null) missing.push('rclone: apt-get install rclone; its tests are skipped');
  if (chromiumProgram() === null)
    missing.push('Chromium: apt-get install chromium; the tests of the console are skipped');
  const majors: Major[] = [14, 16, 17, 18];
  for (const major of majors) {
    if (!hasServer(major)) missing.push(`server ${major}: npm ci brings it on Linux x64; its tests are skipped`);
  }
  for (const major of [17, 18]) {
    if (clientTools(major) === null) missing.push(`client tools ${major}: not installed; their tests are skipped`);
  }
  for (const line of missing) process.stderr.write(`not here: ${line}\n`);
}
