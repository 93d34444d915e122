import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeContainer {
  id: string;
  name: string;
  image: string;
  /** Where programs are looked for in there; default: this machine's. */
  path?: string;
}

export interface FakeDocker extends Disposable {
  /** The arguments of every call so far. */
  calls(): Promise<string[]>;
  /** What runs from now on. */
  run(...containers: FakeContainer[]): Promise<void>;
}

/**
 * A `docker` before all others, whose containers are this machine. What matters is as with the real one: only the variables that are named get
 * in, what runs inside belongs to a session of its own, and outlives a client that is killed; it then sees the end of its input.
 */
export async function fakeDocker(folder: string): Promise<FakeDocker> {
  const [bin, log] = [join(folder, 'docker-bin'), join(folder, 'docker-calls')];
  await mkdir(bin, { recursive: true });
  await writeFile(log, '');
  await writeFile(join(bin, 'docker'), script(folder, log));
  await chmod(join(bin, 'docker'), 0o755);
  const run = async (...containers: FakeContainer[]) => {
    await writeFile(join(folder, 'docker-ps'), containers.map(({ id }) => `${id}\n`).join(''));
    await writeFile(join(folder, 'docker-inspect'), containers.map((each) => `${inspected(each)}\n`).join(''));
    for (const { id, path } of containers) await writeFile(join(folder, `docker-path-${id}`), path ?? '/usr/bin:/bin');
  };
  await run();
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before ?? ''}`;
  return {
    run,
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
    [Symbol.dispose]: () => {
      process.env['PATH'] = before;
    },
  };
}

function inspected({ id, name, image }: FakeContainer): string {
  return JSON.stringify({ id, name: `/${name}`, image, ports: {}, networks: {}, service: null });
}

/** Its own pipes are what a killed client takes with it: `cat` on both sides belongs to its group. */
function script(folder: string, log: string): string {
  return `#!/bin/bash
printf '%s ' "$@" | tr '\\n' ' ' >>'${log}'; echo >>'${log}'
case $1 in
  ps) exec cat '${folder}/docker-ps' ;;
  inspect) exec cat '${folder}/docker-inspect' ;;
  exec) shift ;;
  *) echo "unknown command $1" >&2; exit 1 ;;
esac
variables=()
while :; do
  case $1 in
    --interactive) shift ;;
    --env) variables+=("$2=\${!2}"); shift 2 ;;
    *) break ;;
  esac
done
path=$(cat '${folder}/docker-path-'"$1") || { echo "Error response from daemon: no such container" >&2; exit 1; }
shift
PATH=$path command -v "$1" >/dev/null || { echo "exec: \\"$1\\": executable file not found in $PATH" >&2; exit 127; }
exec 8> >(exec cat)
out=$!
/usr/bin/env -i PATH="$path" HOME=/ "\${variables[@]}" /usr/bin/setsid --wait "$@" < <(exec cat 8>&-) >&8 8>&-
status=$?
exec 8>&-
wait "$out"
exit "$status"
`;
}
