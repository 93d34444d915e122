import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './loopback.ts';
import { rcloneProgram } from './rclone-remote.ts';
import { startServer } from './sftp-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const modules = '/usr/lib/apache2/modules';

export interface WebdavServer extends AsyncDisposable {
  url: string;
  port: number;
  user: string;
  password: string;
  /** The folder behind the address. */
  root: string;
}

export function hasApache(): boolean {
  return existsSync('/usr/sbin/apache2') && existsSync(`${modules}/mod_dav_fs.so`);
}

/** Apache with its own file-system WebDAV, as an unprivileged user when root. */
export async function startApache(): Promise<WebdavServer> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const at = (name: string) => join(folder.path, name);
  await chmod(folder.path, 0o755);
  const [user, password] = ['lab', 'pass word:ä'];
  const hash = execFileSync('openssl', ['passwd', '-apr1', '-stdin'], { input: password, encoding: 'utf8' }).trim();
  await writeFile(at('users'), `${user}:${hash}\n`, { mode: 0o644 });
  const port = await freePort();
  const root = process.getuid?.() === 0;
  for (const name of ['root', 'run']) {
    await mkdir(at(name), { recursive: true });
    if (root) await chown(at(name), account('-u'), account('-g'));
  }
  const load = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'dav', 'dav_fs'];
  await writeFile(
    at('httpd.conf'),
    `${load.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
ServerRoot ${folder.path}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${root ? 'User www-data\nGroup www-data' : ''}
PidFile ${at('run/pid')}
DavLockDB ${at('run/lock')}
ErrorLog ${at('run/error.log')}
LimitXMLRequestBody 0
LimitRequestBody 0
DocumentRoot ${at('root')}
<Directory ${at('root')}>
  Dav On
  AuthType Basic
  AuthName lab
  AuthUserFile ${at('users')}
  Require valid-user
</Directory>
`,
  );
  cleanup.use(await startServer('/usr/sbin/apache2', ['-X', '-f', at('httpd.conf'), '-D', 'FOREGROUND'], port));
  const kept = cleanup.move();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    user,
    password,
    root: at('root'),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** `rclone serve webdav`: keeps what came before a connection was cut, makes a folder twice, knows no conditions. */
export async function startRcloneWebdav(): Promise<WebdavServer> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const root = join(folder.path, 'root');
  await mkdir(root);
  const port = await freePort();
  const [user, password] = ['lab', 'labpass'];
  const args = [
    '--config',
    '/dev/null',
    'serve',
    'webdav',
    root,
    '--addr',
    `127.0.0.1:${port}`,
    '--dir-cache-time',
    '0s',
  ];
  const env = { RCLONE_USER: user, RCLONE_PASS: password };
  cleanup.use(await startServer(rcloneProgram() ?? 'rclone', args, port, env));
  const kept = cleanup.move();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    user,
    password,
    root,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function account(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'www-data'], { encoding: 'utf8' }));
}
