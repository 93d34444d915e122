import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/base/run-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Certificates extends AsyncDisposable {
  /** The path of the authority's certificate. */
  ca: string;
  /** For `localhost` and 127.0.0.1, signed by that authority. */
  key: string;
  cert: string;
  /** For another name, signed by that authority, too. */
  foreign: { key: string; cert: string };
}

const { signal } = new AbortController();

/** An authority nobody trusts by itself, and what it signed. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const make = async (name: string, ...more: string[]) => {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)];
    await runProcess({ program: 'openssl', args: [...args, ...files, ...more] }, { signal });
    return { key: await readFile(at(`${name}.key`), 'utf8'), cert: await readFile(at(`${name}.crt`), 'utf8') };
  };
  const signed = (names: string) => [
    '-CA',
    at('authority.crt'),
    '-CAkey',
    at('authority.key'),
    '-addext',
    `subjectAltName=${names}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  await make('authority');
  const own = await make('localhost', ...signed('DNS:localhost,IP:127.0.0.1'));
  const foreign = await make('elsewhere.example', ...signed('DNS:elsewhere.example'));
  return { ca: at('authority.crt'), ...own, foreign, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
