import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, untilListening } from './loopback.ts';
import { rcloneProgram } from './rclone-remote.ts';
import { temporaryFolder } from './temporary-folder.ts';

const sshd = '/usr/sbin/sshd';

export interface SftpServer extends AsyncDisposable {
  host: string;
  port: number;
  user: string;
  /** The path of a private key that may log in. */
  key: string;
  /** The same with a passphrase. */
  lockedKey: string;
  passphrase: string;
  /** One that may not. */
  strangeKey: string;
  fingerprint: string;
  knownHosts: string;
  /** An empty folder for a storage. */
  root: string;
}

export function hasSshd(): boolean {
  return existsSync(sshd);
}

/** OpenSSH's own server as the current user, with keys and a configuration of its own. */
export async function startSftpServer(): Promise<SftpServer> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('root'));
  const passphrase = 'opens the key';
  for (const name of ['hostkey', 'id', 'strange']) makeKey(at(name), '');
  makeKey(at('locked'), passphrase);
  const allowed = await Promise.all(['id.pub', 'locked.pub'].map((name) => readFile(at(name), 'utf8')));
  await writeFile(at('authorized_keys'), allowed.join(''), { mode: 0o600 });
  const port = await freePort();
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${await readFile(at('hostkey.pub'), 'utf8')}`);
  await writeFile(
    at('sshd_config'),
    `ListenAddress 127.0.0.1
Port ${port}
HostKey ${at('hostkey')}
PidFile none
AuthorizedKeysFile ${at('authorized_keys')}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
X11Forwarding no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
MaxStartups 100
`,
  );
  // Root's sshd wants an empty folder to lock its unprivileged half into.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  cleanup.use(await startServer(sshd, ['-D', '-e', '-f', at('sshd_config')], port));
  const kept = cleanup.move();
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    key: at('id'),
    lockedKey: at('locked'),
    passphrase,
    strangeKey: at('strange'),
    fingerprint: fingerprintOf(at('hostkey.pub')),
    knownHosts: at('known_hosts'),
    root: at('root'),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export interface PlainSftpServer extends AsyncDisposable {
  port: number;
  user: string;
  password: string;
  fingerprint: string;
}

/** `rclone serve sftp`: passwords, no extensions at all, and a rename that replaces. */
export async function startRcloneSftpServer(): Promise<PlainSftpServer> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('root'));
  makeKey(at('hostkey'), '');
  await chmod(at('hostkey'), 0o600);
  const port = await freePort();
  const [user, password] = ['lab', 'labpass word'];
  const options = ['--addr', `127.0.0.1:${port}`, '--user', user, '--pass', password, '--key', at('hostkey')];
  const cache = ['--vfs-cache-mode', 'writes', '--cache-dir', at('cache'), '--config', '/dev/null'];
  cleanup.use(
    await startServer(rcloneProgram() ?? 'rclone', ['serve', 'sftp', at('root'), ...options, ...cache], port),
  );
  const kept = cleanup.move();
  return {
    port,
    user,
    password,
    fingerprint: fingerprintOf(at('hostkey.pub')),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A server program that listens on a port until it is disposed. */
export async function startServer(
  program: string,
  args: readonly string[],
  port: number,
  env: Record<string, string> = {},
): Promise<AsyncDisposable & { child: ChildProcess }> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
  });
  let output = '';
  let over = false;
  child.stdout.on('data', (text: Buffer) => (output = `${output}${String(text)}`.slice(-4000)));
  child.stderr.on('data', (text: Buffer) => (output = `${output}${String(text)}`.slice(-4000)));
  child.once('error', (error) => {
    output += error.message;
    over = true;
  });
  child.once('exit', () => (over = true));
  const stop = async () => {
    if (over) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  try {
    await untilListening(
      port,
      () => !over,
      () => output,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, [Symbol.asyncDispose]: stop };
}

function makeKey(path: string, passphrase: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]);
}

function fingerprintOf(path: string): string {
  return execFileSync('ssh-keygen', ['-lf', path], { encoding: 'utf8' }).split(' ')[1] ?? '';
}
