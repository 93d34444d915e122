/** What is known of a running container, as far as choosing needs it. */
export interface RunningContainer {
  id: string;
  name: string;
  image: string;
  /** Names and addresses it goes by in its networks, its compose service among them. */
  hosts: string[];
  published: { inner: number; outer: number }[];
}

/**
 * `name`: the operator named it. `port`, `host`: it is the one that publishes the configured port or goes by the configured host name.
 * `image`: a guess, the only running container with an image of such a server; good enough to read from, never to restore into.
 */
export type FoundBy = 'name' | 'port' | 'host' | 'image';

export interface ServerPlace {
  host: string;
  port: number;
}

/**
 * Which container the configured server runs in. First by evidence (it publishes the port; it goes by the host's name), then as a
 * guess the only one with an image of this server's kind. Two that fit equally are none: nothing is chosen by chance.
 */
export function chooseContainer(
  running: readonly RunningContainer[],
  server: ServerPlace,
  isImage: (name: string) => boolean,
): { container: RunningContainer; foundBy: FoundBy } | null {
  const byPort = isLoopback(server.host)
    ? running.filter((each) => each.published.some(({ outer }) => outer === server.port))
    : [];
  if (byPort[0] && byPort.length === 1) return { container: byPort[0], foundBy: 'port' };
  const byHost = running.filter((each) => each.name === server.host || each.hosts.includes(server.host));
  if (byHost[0] && byHost.length === 1) return { container: byHost[0], foundBy: 'host' };
  if (byPort.length > 1 || byHost.length > 1 || !isLoopback(server.host)) return null;
  const byImage = running.filter((each) => isImage(imageName(each.image)));
  return byImage[0] && byImage.length === 1 ? { container: byImage[0], foundBy: 'image' } : null;
}

/** The port inside: the one behind the published port, or the configured one where nothing is published. */
export function portInside(container: RunningContainer, server: ServerPlace): number {
  const behind = container.published.find(({ outer }) => isLoopback(server.host) && outer === server.port);
  return behind?.inner ?? server.port;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/** `postgres` of `registry:5000/team/postgres:15@sha256:...`. */
function imageName(image: string): string {
  return (
    image
      .replace(/@.*$/, '')
      .replace(/:[^/]*$/, '')
      .split('/')
      .at(-1) ?? ''
  );
}
