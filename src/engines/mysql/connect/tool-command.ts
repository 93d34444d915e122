import { HoldfastError } from '../../../base/errors.ts';
import type { Command } from '../../../base/run-process.ts';
import { isLoopback } from '../../shared/choose-container.ts';
import { secretFile, supervised } from '../../shared/supervised.ts';
import type { Address } from './connection.ts';
import { optionFile, writeOptionFile } from './option-file.ts';
import type { ClientTool } from './tools.ts';

export interface ToolCall {
  address: Address;
  /** What the driver's own connection came to. */
  encrypted: boolean;
  /** Where an option file may lie. */
  folder: string;
  /** The tool is given an input. */
  fed: boolean;
}

export interface ToolStart {
  command: Command;
  /** Null on this machine. In a container: what the input begins with, which then stays open, or goes on in pieces (`piecesOf`). */
  opening: Buffer | null;
}

/** A call of a client tool, on this machine or in the container. What it must not show lies in an option file inside the folder, or comes by its input. */
export async function toolStart(tool: ClientTool, args: readonly string[], call: ToolCall): Promise<ToolStart> {
  const { flavour, container, path } = tool;
  const { address, encrypted, folder, fed } = call;
  if (container === null) {
    const file = await writeOptionFile(folder, address, { flavour, encrypted });
    return { command: { program: path, args: withOptions(file, args), env: { LC_ALL: 'C' } }, opening: null };
  }
  const secret = optionFile(inside(container.inside(address)), { flavour, encrypted });
  return supervised(container, { program: path, args: withOptions(secretFile, args), secret, fed });
}

/** The first argument, and it keeps the option files of machine and user out. */
function withOptions(file: string, args: readonly string[]): string[] {
  return [`--defaults-file=${file}`, ...args];
}

/** From the container to itself nobody is in between. Anywhere else, and to prove who we are, the tools would need files that are not there. */
function inside(address: Address): Address {
  const { ssl, host } = address;
  const own = isLoopback(host);
  if (ssl.cert !== null || (!own && ssl.ca !== null && ssl.ca !== 'system')) {
    throw new HoldfastError('VIA_UNSUPPORTED', 'tools in a container cannot read certificates of this machine', {
      kind: 'usage',
      hint: 'Use the client tools of this machine (leave out via), or an account and a connection without certificates of your own.',
    });
  }
  if (!own) return address;
  return { ...address, ssl: { ...ssl, ca: null, mode: ssl.mode.startsWith('verify') ? 'require' : ssl.mode } };
}
