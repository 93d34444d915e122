import { BlockList, isIPv6 } from 'node:net';

/** Where a request is from; over a socket in the file system there is no address. */
export function fromOf({ ip }: { readonly ip?: string | undefined }): string {
  return ip ?? 'socket';
}

type Trust = false | string[] | ((address: string | undefined) => boolean);

/** Whose word counts for on whose behalf they ask. `unix` is whoever reaches the socket we listen at: its rights decide who that is. */
export function trustIn(proxies: readonly string[]): Trust {
  if (proxies.length === 0) return false;
  if (!proxies.includes('unix')) return [...proxies];
  const known = new BlockList();
  for (const proxy of proxies.filter((each) => each !== 'unix')) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) known.addAddress(address, family);
    else known.addSubnet(address, Number(bits), family);
  }
  return (address) => address === undefined || known.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
