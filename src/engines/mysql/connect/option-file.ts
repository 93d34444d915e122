import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from './connection.ts';
import { tlsToolOptions } from './tls.ts';
import type { ToolFlavour } from './tool-version.ts';

/** Everything that says where and as whom, in a file only we can read: arguments and environments show in process lists. */
export async function writeOptionFile(
  folder: string,
  address: Address,
  tool: { flavour: ToolFlavour; encrypted: boolean },
): Promise<string> {
  // One for each call: several tools start at the same time.
  const path = join(folder, `${randomBytes(6).toString('hex')}.cnf`);
  await writeFile(path, optionFile(address, tool), { mode: 0o600, flag: 'wx' });
  return path;
}

export function optionFile(address: Address, tool: { flavour: ToolFlavour; encrypted: boolean }): string {
  const place =
    address.socket === null
      ? { host: address.host, port: String(address.port), protocol: 'tcp' }
      : { socket: address.socket, protocol: 'socket' };
  const options = {
    ...place,
    user: address.user,
    ...(address.password ? { password: address.password.reveal() } : {}),
    ...(address.socket === null ? tlsToolOptions(address.ssl, tool.encrypted, tool.flavour) : {}),
  };
  const lines = Object.entries(options).map(([name, value]) => `${name}=${quoted(value)}`);
  const seconds = Math.max(2, Math.ceil(address.connectTimeoutMs / 1000));
  // The dump tools know no time limit for connecting, and complain of it: it stands where only the client looks.
  return `[client]\n${lines.join('\n')}\n[mysql]\nconnect-timeout=${seconds}\n`;
}

function quoted(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
