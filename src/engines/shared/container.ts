import { Duplex } from 'node:stream';
import { HoldfastError } from '../../base/errors.ts';
import { runProcess, startProcess, type Command, type RunningProcess } from '../../base/run-process.ts';
import {
  chooseContainer,
  isLoopback,
  portInside,
  type FoundBy,
  type RunningContainer,
  type ServerPlace,
} from './choose-container.ts';
import { containerEngines } from '../via-options.ts';
import type { ContainerEngine, ViaSettings } from '../engine.ts';

export interface FoundContainer {
  /** The program that reaches it. */
  readonly engine: ContainerEngine;
  readonly id: string;
  readonly name: string;
  readonly foundBy: FoundBy;
  /** The same server as seen from inside the container. */
  inside<T extends ServerPlace>(address: T): T;
}

/** Opens another way to the server's port, such as through a container; every call a fresh one. */
export type Tunnel = () => Duplex;

/** The container `via` asks for; null when the tools of this machine are to be used. `isImage`: of which images a guess may be made. */
export async function findContainer(
  via: ViaSettings,
  { server, isImage }: { server: ServerPlace; isImage: (name: string) => boolean },
  signal: AbortSignal,
): Promise<FoundContainer | null> {
  if (via === null) return null;
  if (via.container !== 'auto') return namedContainer(via.container, await allRunning(via, signal), server);
  const all = await allRunning(via, signal).catch((error: unknown) => {
    // Without a container engine there is no container: `auto` then means this machine.
    if (signal.aborted || !(error instanceof HoldfastError)) throw error;
    return null;
  });
  const choice = all && chooseContainer(all.running, server, isImage);
  return choice && found(choice.container, { foundBy: choice.foundBy, engine: all.engine }, server);
}

/** Restores ask this first: a container that was only guessed could be anybody's. */
export function refuseGuess(container: FoundContainer | null): void {
  if (container?.foundBy !== 'image') return;
  throw new HoldfastError('CONTAINER_GUESSED', `the container ${container.name} was only guessed by its image`, {
    kind: 'refused',
    hint: `Name it in the configuration (via: { container: ${container.name} }) when it is the right one.`,
  });
}

/** Runs a program in the container. Variables travel by name only, their values in the environment of the container program. */
export function containerCommand(
  container: Pick<FoundContainer, 'engine' | 'id'>,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Command {
  const names = Object.keys(env).flatMap((name) => ['--env', name]);
  return { program: container.engine, args: ['exec', '--interactive', ...names, container.id, program, ...args], env };
}

/**
 * The driver's way to the server through the container: no port has to be published. `emitClose`: some drivers listen for it, and some take it, when
 * they end a stream for a reason of their own, for the reason itself.
 */
export function tunnelThrough(container: FoundContainer, server: ServerPlace, emitClose: boolean): Tunnel {
  const { host, port } = container.inside(server);
  return () => {
    if (host.startsWith('/')) {
      throw unreachableSocket();
    }
    // Its end is decided by the connection, which closes it or destroys it; it has no life of its own.
    const process = startProcess(containerCommand(container, 'sh', ['-c', relay, host, String(port)], {}), {
      signal: new AbortController().signal,
      stdin: 'pipe',
      stdout: 'pipe',
      graceMs: 1000,
    });
    return asDuplex(process, emitClose);
  };
}

export function unreachableSocket(): HoldfastError {
  return new HoldfastError('CONTAINER_SOCKET', 'a unix socket inside a container cannot be reached from here', {
    kind: 'usage',
    hint: 'Set database.host to localhost: the server in the container listens there too.',
  });
}

function asDuplex({ stdin, stdout, done, kill }: RunningProcess, emitClose: boolean): Duplex {
  const stream: Duplex = new Duplex({
    emitClose,
    read: () => stdout?.resume(),
    write: (chunk, _encoding, next) => void stdin?.write(chunk, next),
    final: (next) => void stdin?.end(next),
    destroy: (error, next) => {
      kill();
      next(error);
    },
  });
  stdout?.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause();
  });
  stdout?.once('end', () => stream.push(null));
  done.catch((error: Error) => stream.destroy(error));
  return stream;
}

/**
 * Copies both ways between its own pipes and a TCP port, with what images have: bash (of PostgreSQL, MySQL and MariaDB), or nc. It
 * ends when either side does; the end of its input must close the port, or the server's session would stay.
 */
const relay = `
if command -v bash >/dev/null 2>&1; then
  exec bash -c 'exec 3<>"/dev/tcp/$0/$1" 4<&0 || exit 1
    { cat <&4 >&3; kill $$; } 2>/dev/null >/dev/null &
    exec cat <&3 4<&-' "$0" "$1"
fi
command -v nc >/dev/null 2>&1 && exec nc "$0" "$1"
echo "neither bash nor nc in the container" >&2
exit 127`;

function namedContainer(name: string, { engine, running }: Running, server: ServerPlace): FoundContainer {
  const match = running.find((each) => each.name === name || (name.length >= 12 && each.id.startsWith(name)));
  if (match) return found(match, { foundBy: 'name', engine }, server);
  const others = running.map((each) => each.name).join(', ');
  throw new HoldfastError('CONTAINER_NOT_RUNNING', `the container ${name} does not run`, {
    hint: `Start it, or correct via.container. ${others ? `Running in ${engine} are: ${others}.` : `No container is running in ${engine}.`}`,
  });
}

function found(
  container: RunningContainer,
  { foundBy, engine }: { foundBy: FoundBy; engine: ContainerEngine },
  configured: ServerPlace,
): FoundContainer {
  const port = portInside(container, configured);
  return {
    engine,
    id: container.id,
    name: container.name,
    foundBy,
    inside: (address) =>
      isLoopback(address.host) || foundBy === 'port' || foundBy === 'host' || foundBy === 'image'
        ? { ...address, host: '127.0.0.1', port }
        : address,
  };
}

interface Running {
  engine: ContainerEngine;
  running: RunningContainer[];
}

/** Of the engine that is configured, or else of the first that is installed. */
async function allRunning({ engine }: NonNullable<ViaSettings>, signal: AbortSignal): Promise<Running> {
  if (engine !== undefined) return { engine, running: await runningIn(engine, signal) };
  for (const each of containerEngines) {
    try {
      return { engine: each, running: await runningIn(each, signal) };
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'TOOL_MISSING') throw error;
    }
  }
  throw new HoldfastError('TOOL_MISSING', `neither ${containerEngines.join(' nor ')} was found`, {
    hint: 'Install the one that the container runs in, or put it on the PATH of holdfast; or leave out via.',
  });
}

/** `Id` stands without `json`: podman 4 knows it in no other way. */
const inspected = `{"id":"{{.Id}}","name":{{json .Name}},"image":{{json .Config.Image}},"ports":{{json .NetworkSettings.Ports}},"networks":{{json .NetworkSettings.Networks}},"service":{{json (index .Config.Labels "com.docker.compose.service")}}}`;

/** Those that end while they are asked about are no reason to know none: it is asked again. */
async function runningIn(engine: ContainerEngine, signal: AbortSignal, again = 3): Promise<RunningContainer[]> {
  const ask = (args: string[]) => runProcess({ program: engine, args }, { signal, explain: engineError });
  const ids = (await ask(['ps', '--quiet', '--no-trunc'])).stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  const answer = await ask(['inspect', '--format', inspected, ...ids]).catch((error: unknown) => {
    if (again === 0 || signal.aborted) throw error;
    return null;
  });
  if (answer === null) return await runningIn(engine, signal, again - 1);
  return answer.stdout.split('\n').filter(Boolean).map(readContainer);
}

function engineError(error: HoldfastError): HoldfastError {
  return new HoldfastError('CONTAINER_ENGINE_UNREACHABLE', error.message, {
    cause: error,
    hint: 'Check that the container engine runs and that the user that runs holdfast may use it, name another with via.engine, or leave out via.',
  });
}

interface Inspected {
  id: string;
  name: string;
  image: string;
  service: string | null;
  ports: Record<string, { HostPort: string }[] | null> | null;
  networks: Record<string, { IPAddress?: string; Aliases?: string[] | null }> | null;
}

function readContainer(line: string): RunningContainer {
  const { id, name, image, service, ports, networks } = JSON.parse(line) as Inspected;
  const joined = Object.values(networks ?? {});
  return {
    id,
    name: name.replace(/^\//, ''),
    image,
    hosts: [...joined.flatMap((each) => [...(each.Aliases ?? []), each.IPAddress ?? '']), service ?? ''].filter(
      Boolean,
    ),
    published: Object.entries(ports ?? {}).flatMap(([inner, outer]) =>
      (outer ?? []).map(({ HostPort }) => ({ inner: Number.parseInt(inner, 10), outer: Number(HostPort) })),
    ),
  };
}
