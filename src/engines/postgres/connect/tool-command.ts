import { HoldfastError } from '../../../base/errors.ts';
import type { Command } from '../../../base/run-process.ts';
import type { Address } from './connection.ts';
import { containerCommand } from '../../shared/container.ts';
import { quoteConninfo } from './names.ts';
import { tlsEnvironment } from './tls.ts';
import type { ClientTools, ToolName } from './tools.ts';

export interface ToolCall {
  /** Null for a tool that only reads a file. */
  address: Address | null;
  /** Instead of the address's own; the connection as the tool sees it is added as `--dbname`. */
  application?: string;
  env?: Readonly<Record<string, string>>;
}

/** A call of a client tool, on this machine or in the container. The password is only ever in its environment. */
export function toolCommand(tools: ClientTools, tool: ToolName, args: readonly string[], call: ToolCall): Command {
  const program = tools.paths[tool];
  if (program === null) {
    throw new HoldfastError('TOOL_MISSING', `${tool} was not found beside the other tools`, {
      hint: `Install the whole client package, or give the path of ${tool} under database.tools.`,
    });
  }
  const env: Record<string, string> = {
    // Their words are read to tell what went wrong.
    LC_ALL: 'C',
    ...(call.address ? tlsEnvironment(call.address.ssl) : {}),
    ...(call.address?.password ? { PGPASSWORD: call.address.password.reveal() } : {}),
    PGAPPNAME: call.application ?? 'holdfast',
    ...call.env,
  };
  const all = call.address ? [...args, '--no-password', '--dbname', conninfo(tools, call.address)] : args;
  return tools.container ? containerCommand(tools.container, program, all, env) : { program, args: all, env };
}

/** Keepalives: with the system's defaults a tool waits two hours for a server that has vanished. */
function conninfo(tools: ClientTools, address: Address): string {
  const at = tools.container ? tools.container.inside(address) : address;
  return quoteConninfo({
    host: at.host,
    port: at.port,
    user: at.user,
    dbname: at.database,
    connect_timeout: Math.max(2, Math.ceil(at.connectTimeoutMs / 1000)),
    keepalives_idle: 30,
    keepalives_interval: 10,
    keepalives_count: 6,
  });
}
